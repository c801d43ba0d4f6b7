// What the processes of a run exchange in a step. Threads stand for processes.
#include "train/gradient_exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

namespace unlearn::train {
namespace {

using Event = GradientExchange::Event;

// A chain of layers whose gradients come from the last to the first; the third layer is large, the
// others small. `skip`: a layer that this process does not use.
struct Chain {
  explicit Chain(int64_t skipped = -1) : skip(skipped) {
    torch::manual_seed(41);
    for (int64_t i = 0; i < kLayers; ++i) {
      const int64_t width = i == 2 ? 2400 : 60;
      weights.emplace_back(std::to_string(i),
                           (torch::randn({width, 1000}) / 30).set_requires_grad(true));
    }
  }
  void backward(int64_t rank) const {
    torch::Tensor x = torch::ones({1000}) * static_cast<double>(rank + 1);
    for (int64_t i = 0; i < kLayers; ++i) {
      if (i == skip || i == kUnused) continue;
      const torch::Tensor& weight = weights[static_cast<size_t>(i)].second;
      x = torch::tanh(torch::matmul(weight, x).mean() + x);
    }
    x.sum().backward();
  }
  static constexpr int64_t kLayers = 6, kUnused = 1;
  NamedTensors weights;
  int64_t skip;
};

struct Result {
  std::vector<torch::Tensor> own;  // this process's elements of every gradient, flat
  std::vector<Event> events;
  size_t buckets = 0;
};

enum class How { kBeside, kAfterwards };

// One step of each of `size` processes; the last has nothing to do where `is_one_idle`.
std::vector<Result> sum_on(int64_t size, How how, bool is_one_idle = false) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  std::vector<Chain> chains;  // here, because the generator of random numbers is shared by threads
  for (int64_t rank = 0; rank < size; ++rank) chains.emplace_back(rank == 1 ? 4 : -1);
  std::vector<std::future<Result>> running;
  for (int64_t rank = 0; rank < size; ++rank) {
    running.push_back(std::async(std::launch::async, [=, &chains] {
      const distributed::Group group(store, rank, size);
      const Chain& chain = chains[static_cast<size_t>(rank)];
      const ShardedParameters parameters(chain.weights, ShardRule::kBlocks, rank, size);
      GradientExchange exchange(parameters, group);
      Result result;
      for (int step = 0; step < 2; ++step) {  // it can be used again
        parameters.clear_gradients();
        if (!is_one_idle || rank + 1 < size) {
          if (how == How::kBeside) exchange.begin_sum();
          chain.backward(rank + step);
        }
        exchange.send_rest();
        group.barrier();  // what else processes say to each other comes after all buckets
        exchange.sum_gradients();
      }
      for (size_t i = 0; i < parameters.size(); ++i) {
        const torch::Tensor own = parameters.own_gradient(i);
        result.own.push_back(own.defined() ? own.reshape({-1}).clone() : torch::Tensor());
      }
      result.events = exchange.events();
      return result;
    }));
  }
  std::vector<Result> results;
  for (auto& one : running) results.push_back(one.get());
  return results;
}

torch::Tensor whole(const std::vector<Result>& results, size_t parameter) {
  std::vector<torch::Tensor> parts;
  for (const Result& result : results) {
    if (result.own[parameter].defined()) parts.push_back(result.own[parameter]);
  }
  return parts.empty() ? torch::Tensor() : torch::cat(parts);
}

// The same bits whether gradients travel during the backward pass or after it, and the sum of the
// processes' gradients; what nobody's examples reached has none.
TEST(GradientExchangeTest, SumsAreThoseOfAnExchangeAfterwards) {
  for (const int64_t size : {1, 2, 3, 4}) {
    for (const bool is_one_idle : {false, true}) {
      if (is_one_idle && size < 3) continue;
      const auto beside = sum_on(size, How::kBeside, is_one_idle);
      const auto after = sum_on(size, How::kAfterwards, is_one_idle);
      std::vector<Chain> alone;
      for (int64_t rank = 0; rank < size - (is_one_idle ? 1 : 0); ++rank) {
        alone.emplace_back(rank == 1 ? 4 : -1);
        alone.back().backward(rank + 1);
      }
      for (size_t i = 0; i < Chain::kLayers; ++i) {
        const torch::Tensor sum = whole(beside, i);
        ASSERT_EQ(sum.defined(), i != Chain::kUnused) << i;
        if (!sum.defined()) continue;
        EXPECT_TRUE(sum.equal(whole(after, i))) << size << " processes, parameter " << i;
        torch::Tensor want = torch::zeros({sum.numel()}, torch::kDouble);
        for (const Chain& one : alone) {
          const torch::Tensor& gradient = one.weights[i].second.grad();
          if (gradient.defined()) want += gradient.reshape({-1}).to(torch::kDouble);
        }
        EXPECT_TRUE(sum.to(torch::kDouble).allclose(want, 1e-5, 1e-7)) << size << ", " << i;
      }
    }
  }
}

// The first buckets are on their way while gradients of earlier layers are still to come, and all
// processes send in one order.
TEST(GradientExchangeTest, BucketsTravelDuringTheBackwardPass) {
  const auto results = sum_on(2, How::kBeside);
  std::vector<size_t> order;
  for (const Event& event : results[0].events) {
    if (event.kind == Event::kSent) order.push_back(event.index);
  }
  ASSERT_GE(order.size(), 3U);
  EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
  for (const Result& result : results) {
    std::vector<size_t> sent;
    size_t sent_before_last_gradient = 0, gradients = 0;
    for (const Event& event : result.events) {
      if (event.kind == Event::kSent) sent.push_back(event.index);
      if (event.kind != Event::kGradient) continue;
      ++gradients;
      sent_before_last_gradient = sent.size();
    }
    EXPECT_EQ(sent, order);
    EXPECT_GE(gradients, 4U);
    // The second one has no gradient of a late layer: nothing before it can be sent.
    EXPECT_EQ(sent_before_last_gradient >= 1, &result == &results[0]);
  }
  const auto after = sum_on(2, How::kAfterwards);
  for (const Event& event : after[0].events) EXPECT_NE(event.kind, Event::kGradient);
}

// The trace is that of one sum, also where no backward pass announces itself.
TEST(GradientExchangeTest, KeepsTheTraceOfOneSum) {
  const distributed::Group group;
  const Chain chain;
  const ShardedParameters parameters(chain.weights, ShardRule::kBlocks, 0, 1);
  GradientExchange exchange(parameters, group);
  size_t first = 0;
  for (int step = 0; step < 3; ++step) {
    parameters.clear_gradients();
    chain.backward(0);
    exchange.sum_gradients();
    if (step == 0) first = exchange.events().size();
    EXPECT_EQ(exchange.events().size(), first);
  }
  EXPECT_GT(first, 0u);
}

TEST(GradientExchangeTest, RefusesAGradientThatComesTwice) {
  const distributed::Group group;
  const Chain chain;
  const ShardedParameters parameters(chain.weights, ShardRule::kBlocks, 0, 1);
  GradientExchange exchange(parameters, group);
  exchange.begin_sum();
  chain.backward(0);
  EXPECT_ANY_THROW(chain.backward(0));
  exchange.send_rest();
}

}  // namespace
}  // namespace unlearn::train
