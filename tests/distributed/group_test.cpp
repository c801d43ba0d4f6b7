// Threads stand for processes: each has its own connections over the loopback device.
#include "unlearn/distributed/group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "unlearn/core/error.h"
#include "unlearn/distributed/broadcast.h"

namespace unlearn::distributed {
namespace {

// What `work` returns on each process.
template <class Work>
auto run_on_all(int64_t size, const Work& work) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  std::vector<std::future<decltype(work(alone()))>> running;
  for (int64_t rank = 0; rank < size; ++rank) {
    running.push_back(std::async(std::launch::async, [&, rank] {
      const Group group(store, rank, size);
      return work(group);
    }));
  }
  std::vector<decltype(work(alone()))> results;
  for (auto& one : running) results.push_back(one.get());
  return results;
}

TEST(GroupTest, AloneExchangesNothing) {
  EXPECT_TRUE(alone().leads());
  EXPECT_EQ(alone().all_reduce(std::vector<double>{1, 2}), (std::vector<double>{1, 2}));
  EXPECT_EQ(alone().first_text("a").text, "a");
  EXPECT_EQ(alone().first_text("").rank, 1);
  EXPECT_THROW(alone().all_or_none([] { user_error("wrong"); }), UserError);
}

TEST(GroupTest, SumsAreTheSameBitsEverywhereInOrderOfRank) {
  const std::vector<double> parts = {1e16, 1.0, -1e16, 3.0};
  const auto sums = run_on_all(4, [&](const Group& group) {
    return group.all_reduce(std::vector<double>{parts[static_cast<size_t>(group.rank())], 0.1});
  });
  const double expected = ((1e16 + 1.0) - 1e16) + 3.0;
  for (const auto& sum : sums)
    EXPECT_EQ(sum, (std::vector<double>{expected, 0.1 + 0.1 + 0.1 + 0.1}));
}

TEST(GroupTest, KnowsItsNeighbours) {
  const auto places = run_on_all(
      3, [](const Group& group) { return std::pair(group.local_rank(), group.local_size()); });
  using Place = std::pair<int64_t, int64_t>;
  EXPECT_EQ(places, (std::vector<Place>{{0, 3}, {1, 3}, {2, 3}}));
  EXPECT_EQ(alone().local_size(), 1);
}

TEST(GroupTest, FirstTextOfAll) {
  const auto texts = run_on_all(3, [](const Group& group) {
    const auto none = group.first_text("");
    const auto one = group.first_text(group.rank() == 1   ? "one's"
                                      : group.rank() == 2 ? "two's"
                                                          : "");
    return std::tuple(none.text, none.rank, one.text, one.rank);
  });
  for (const auto& text : texts) EXPECT_EQ(text, std::tuple("", 3, "one's", 1));
}

struct Note {
  std::string text;
  std::string to_bytes() const { return text; }
  static Note from_bytes(const std::string& bytes) { return {bytes}; }
};

TEST(GroupTest, BroadcastsValuesOfTheFirst) {
  const std::string whole("a\0b\xff", 4);
  const auto notes = run_on_all(3, [&](const Group& group) {
    const auto given = broadcast(group, Note{group.leads() ? whole : "another's"}).text;
    const auto empty = broadcast(group, Note{group.leads() ? "" : "another's"}).text;
    const auto third = group.broadcast_bytes(cat("rank ", group.rank()), 2);
    int64_t made = 0;
    const auto own = from_leader<Note>(group, [&] {
      ++made;
      return Note{cat("of ", group.rank())};
    });
    return std::tuple(given, empty, third, own.text, made);
  });
  for (size_t rank = 0; rank < notes.size(); ++rank) {
    EXPECT_EQ(notes[rank], std::tuple(whole, "", "rank 2", "of 0", rank == 0 ? 1 : 0));
  }
  EXPECT_EQ(broadcast(alone(), Note{whole}).text, whole);
  EXPECT_EQ(from_leader<Note>(alone(), [] { return Note{"x"}; }).text, "x");
}

TEST(GroupTest, AnErrorOfTheFirstEndsAll) {
  const auto codes = run_on_all(2, [](const Group& group) {
    try {
      from_leader<Note>(group, []() -> Note { user_error("wrong"); });
    } catch (const UserError&) {
      return 1;
    } catch (const FailedElsewhere& error) {
      return 10 + error.code();
    }
    return 0;
  });
  EXPECT_EQ(codes, (std::vector<int>{1, 12}));
}

TEST(GroupTest, TheOthersFindWhatTheFirstHasLeft) {
  std::atomic<int> left = 0;
  const auto found = run_on_all(3, [&](const Group& group) {
    int seen = 0;
    group.leader_first([&] {
      seen = left;
      if (group.leads()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        left = 7;
      }
    });
    return seen;
  });
  EXPECT_EQ(found, (std::vector<int>{0, 7, 7}));
}

class EveryDtype : public ::testing::TestWithParam<torch::Dtype> {};

TEST_P(EveryDtype, ReducesAndBroadcasts) {
  const torch::Dtype dtype = GetParam();
  const auto results = run_on_all(3, [&](const Group& group) {
    const torch::Tensor summed = torch::arange(5001).remainder(8).to(dtype) + group.rank();
    group.reduce(summed, 1);
    const torch::Tensor given = torch::full({7}, group.rank(), dtype);
    group.broadcast(given, 2);
    // A part of a larger tensor.
    const torch::Tensor large = torch::zeros({10}, dtype);
    if (group.rank() == 0) large.fill_(5);
    group.broadcast(large.narrow(0, 3, 4), 0);
    return std::tuple(summed, given, large);
  });
  const torch::Tensor expected = (torch::arange(5001).remainder(8) * 3 + 3).to(dtype);
  EXPECT_TRUE(std::get<0>(results[1]).equal(expected));
  for (size_t rank = 0; rank < results.size(); ++rank) {
    EXPECT_TRUE(std::get<1>(results[rank]).equal(torch::full({7}, 2, dtype)));
    EXPECT_EQ(std::get<2>(results[rank]).sum().item<double>(), rank == 0 ? 50 : 20);
  }
}

INSTANTIATE_TEST_SUITE_P(OfGradients, EveryDtype,
                         ::testing::Values(torch::kFloat, torch::kDouble, torch::kBFloat16));

TEST(GroupTest, SendsOptimizerState) {
  for (const torch::Dtype dtype :
       {torch::kFloat, torch::kDouble, torch::kBFloat16, torch::kInt16, torch::kUInt8}) {
    const auto results = run_on_all(2, [&](const Group& group) {
      const torch::Tensor own = torch::full({300}, group.rank() + 1, dtype);
      if (group.rank() == 1) group.send(own, 0);
      if (group.rank() == 0) group.receive(own, 1);
      return own;
    });
    EXPECT_TRUE(results[0].equal(results[1])) << dtype;
  }
}

TEST(GroupTest, AllFailAndTheFirstReportsWhy) {
  const auto run = [](auto error, int64_t failing) {
    return run_on_all(3, [&](const Group& group) -> std::string {
      try {
        group.all_or_none([&] {
          if (group.rank() >= failing) throw error;
        });
      } catch (const UserError& thrown) {
        return cat("user: ", thrown.what());
      } catch (const NonFiniteError& thrown) {
        return cat("not finite: ", thrown.what());
      } catch (const FailedElsewhere& thrown) {
        return cat("code ", thrown.code());
      }
      return "well";
    });
  };
  EXPECT_EQ(run(UserError("wrong"), 0),
            (std::vector<std::string>{"user: wrong", "code 2", "code 2"}));
  EXPECT_EQ(run(NonFiniteError("nan"), 1),
            (std::vector<std::string>{"not finite: process 1: nan", "code 3", "code 3"}));
  EXPECT_EQ(run(UserError("x"), 3), (std::vector<std::string>{"well", "well", "well"}));
}

TEST(GroupTest, AProcessThatIsGoneIsNoticed) {
  const auto lost = run_on_all(2, [](const Group& group) {
    if (group.rank() == 1) return true;  // leaves, and closes its connections
    try {
      group.barrier();
    } catch (const ConnectionLost&) {
      return true;
    }
    return false;
  });
  EXPECT_TRUE(lost[0]);
}

}  // namespace
}  // namespace unlearn::distributed
