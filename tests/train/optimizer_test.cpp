#include "unlearn/train/optimizer.h"

#include <gtest/gtest.h>

#include <map>

#include "train/started_optimizer.h"

namespace unlearn::train {
namespace {

// The update rule of Loshchilov & Hutter, algorithm 2, written out in fp64.
struct ReferenceAdamW {
  double lr, beta1, beta2, epsilon, decay;
  torch::Tensor first, second;
  int64_t step = 0;

  void update(torch::Tensor& weight, const torch::Tensor& gradient) {
    if (!first.defined()) {
      first = torch::zeros_like(weight);
      second = torch::zeros_like(weight);
    }
    ++step;
    weight.mul_(1 - lr * decay);
    first.mul_(beta1).add_(gradient, 1 - beta1);
    second.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
    const auto n = static_cast<double>(step);
    const torch::Tensor corrected = (second / (1 - std::pow(beta2, n))).sqrt().add_(epsilon);
    weight.addcdiv_(first, corrected, -lr / (1 - std::pow(beta1, n)));
  }
};

class OptimizerTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(3); }
};

TEST_F(OptimizerTest, FollowsTheRuleWithAndWithoutDecay) {
  const torch::Tensor start = torch::randn({7, 5}, torch::kDouble);
  torch::Tensor weight = start.clone().set_requires_grad(true);
  torch::Tensor bias = start.clone().set_requires_grad(true);
  const auto optimizer =
      start_default_optimizer({{"w", weight}, {"b", bias}}, {.weight_decay = 0.1},
                              [](const std::string& name) { return name == "w"; });
  torch::Tensor want_weight = start.clone();
  torch::Tensor want_bias = start.clone();
  ReferenceAdamW weight_rule{1e-2, 0.9, 0.999, 1e-8, 0.1, {}, {}};
  ReferenceAdamW bias_rule{1e-2, 0.9, 0.999, 1e-8, 0.0, {}, {}};
  for (int i = 0; i < 20; ++i) {
    const torch::Tensor gradient = torch::randn({7, 5}, torch::kDouble);
    weight.mutable_grad() = gradient * 4;
    bias.mutable_grad() = gradient * 4;
    optimizer->step(1e-2, 0.25);
    weight_rule.update(want_weight, gradient);
    bias_rule.update(want_bias, gradient);
  }
  EXPECT_LT((weight - want_weight).abs().max().item<double>(), 1e-9);
  EXPECT_LT((bias - want_bias).abs().max().item<double>(), 1e-9);
}

torch::Tensor join_master(const torch::Tensor& high, const torch::Tensor& low) {
  torch::Tensor bits = high.view(torch::kShort).to(torch::kInt);
  bits.bitwise_left_shift_(16).add_(low.to(torch::kInt));
  return bits.view(torch::kFloat);
}

torch::Tensor state_of(const Optimizer& optimizer, const std::string& name) {
  for (const StatePart& part : optimizer.state()) {
    if (part.name == name) return part.own;
  }
  return {};
}

bool decay_all(const std::string&) { return true; }

// fp32 parameters follow ATen's own kernel up to rounding.
TEST_F(OptimizerTest, FollowsATen) {
  torch::Tensor weight = torch::randn({70, 300}).set_requires_grad(true);
  const auto optimizer = start_default_optimizer({{"w", weight}}, {.weight_decay = 0.1}, decay_all);
  torch::Tensor want = weight.detach().clone();
  torch::Tensor first = torch::zeros_like(want), second = torch::zeros_like(want);
  for (int i = 1; i <= 50; ++i) {
    weight.mutable_grad() = torch::randn({70, 300});
    at::_fused_adamw_({want}, {weight.grad()}, {first}, {second}, {},
                      {torch::full({}, i, torch::kFloat)}, 1e-3, 0.9, 0.999, 0.1, 1e-8, false,
                      false);
    optimizer->step(1e-3, 1.0);
  }
  EXPECT_LT((weight - want).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(state_of(*optimizer, "exp_avg.w").allclose(first, 1e-5, 1e-7));
  EXPECT_TRUE(state_of(*optimizer, "exp_avg_sq.w").allclose(second, 1e-5, 1e-9));
}

// 200 steps: bf16 weight and remainder together are the fp32 weight, bit for bit, and so are the
// moments.
TEST_F(OptimizerTest, SplitMasterIsFp32AdamW) {
  const torch::Tensor start = torch::randn({37, 301}).to(torch::kBFloat16);
  torch::Tensor half = start.clone().set_requires_grad(true);
  torch::Tensor full = start.to(torch::kFloat).set_requires_grad(true);
  const auto half_optimizer = start_default_optimizer({{"w", half}}, {}, decay_all);
  const auto full_optimizer = start_default_optimizer({{"w", full}}, {}, decay_all);
  for (int i = 0; i < 200; ++i) {
    const torch::Tensor gradient = torch::randn({37, 301}).to(torch::kBFloat16);
    half.mutable_grad() = gradient;
    full.mutable_grad() = gradient.to(torch::kFloat);
    half_optimizer->step(1e-4, 0.7);
    full_optimizer->step(1e-4, 0.7);
  }
  EXPECT_TRUE(join_master(half.detach(), state_of(*half_optimizer, "remainder.w")).equal(full));
  for (const char* name : {"exp_avg.w", "exp_avg_sq.w"}) {
    EXPECT_TRUE(state_of(*half_optimizer, name).equal(state_of(*full_optimizer, name)));
  }
  EXPECT_FALSE(full.equal(start.to(torch::kFloat)));
}

// A gradient that is too small to move a bf16 weight moves it on average under stochastic rounding
// (4,096,000 draws, fixed seed) and never under rounding to nearest.
TEST_F(OptimizerTest, StochasticRoundingIsUnbiased) {
  const auto moved = [](Master master) {
    torch::Tensor weight = torch::ones({40960}, torch::kBFloat16).set_requires_grad(true);
    const auto optimizer = start_default_optimizer(
        {{"w", weight}}, {.weight_decay = 0, .master = master, .seed = 5}, decay_all);
    for (int i = 0; i < 100; ++i) {
      weight.mutable_grad() = torch::ones({40960}, torch::kBFloat16);
      optimizer->step(1e-5, 1.0);
    }
    return 1.0 - weight.detach().to(torch::kDouble).mean().item<double>();
  };
  // Steps of 2^-8 below 1: the mean of 40,960 weights deviates by less than 2e-5 (one sigma).
  EXPECT_NEAR(moved(Master::kStochastic), 100 * 1e-5, 1e-4);
  EXPECT_EQ(moved(Master::kRounded), 0.0);
}

struct Mode {
  torch::Dtype dtype;
  Master master;
  int64_t bits;
};

class EveryMode : public ::testing::TestWithParam<Mode> {};

// A restored optimizer goes on to the same bits, also when the updates come one at a time.
TEST_P(EveryMode, StateRestoresToTheBit) {
  torch::manual_seed(4);
  const Mode mode = GetParam();
  const OptimizerOptions options{.master = mode.master, .state_bits = mode.bits, .seed = 9};
  const auto gradient = [&](torch::IntArrayRef n) { return torch::randn(n).to(mode.dtype); };
  torch::Tensor weight = torch::randn({5003, 1}).to(mode.dtype).set_requires_grad(true);
  torch::Tensor bias = torch::randn({9}).to(mode.dtype).set_requires_grad(true);
  const auto optimizer = start_default_optimizer({{"w", weight}, {"b", bias}}, options, decay_all);
  for (int i = 0; i < 3; ++i) {
    weight.mutable_grad() = gradient({5003, 1});
    bias.mutable_grad() = gradient({9});
    optimizer->step(1e-3, 1.0);
  }
  std::map<std::string, torch::Tensor> saved;
  for (const StatePart& part : optimizer->state()) saved[part.name] = part.own.clone();
  torch::Tensor weight_copy = weight.detach().clone().set_requires_grad(true);
  torch::Tensor bias_copy = bias.detach().clone().set_requires_grad(true);
  const auto restored =
      start_default_optimizer({{"w", weight_copy}, {"b", bias_copy}}, options, decay_all);
  restored->load_state([&](const std::string& name) { return saved.at(name); },
                       optimizer->steps_done());
  weight.mutable_grad() = gradient({5003, 1});
  bias.mutable_grad() = gradient({9});
  weight_copy.mutable_grad() = weight.grad().clone();
  bias_copy.mutable_grad() = bias.grad().clone();
  optimizer->step(1e-3, 1.0);
  restored->begin_step();
  const torch::Tensor scale = torch::ones({}, torch::kDouble);
  restored->update({1}, 1e-3, scale);
  restored->update({0}, 1e-3, scale);
  EXPECT_TRUE(weight.equal(weight_copy));
  EXPECT_TRUE(bias.equal(bias_copy));
  const auto now = optimizer->state(), again = restored->state();
  for (size_t i = 0; i < now.size(); ++i) {
    EXPECT_TRUE(now[i].own.equal(again[i].own)) << now[i].name;
  }
  EXPECT_EQ(optimizer->state_bytes(), optimizer->state_bytes({5003, 1}, mode.dtype, options) +
                                          optimizer->state_bytes({9}, mode.dtype, options));
}

// Parts of the state that are held apart, each updating its own elements, do together what one
// optimizer does, to the bit; and each takes its part from what one optimizer saved.
TEST_P(EveryMode, PartsAreTheWhole) {
  const Mode mode = GetParam();
  torch::manual_seed(5);
  const torch::Tensor big = torch::randn({61, 83}).to(mode.dtype);
  const torch::Tensor small = torch::randn({9}).to(mode.dtype);
  for (const int64_t parts : {1, 2, 3, 7, 40}) {
    struct Replica {
      NamedTensors parameters;
      std::unique_ptr<Optimizer> optimizer;
    };
    const auto replica = [&](int64_t part, int64_t of) {
      Replica made;
      made.parameters = {{"w", big.clone().set_requires_grad(true)},
                         {"b", small.clone().set_requires_grad(true)},
                         {"v", (big * 2).clone().set_requires_grad(true)}};
      made.optimizer = start_default_optimizer(
          made.parameters,
          OptimizerOptions{.master = mode.master, .state_bits = mode.bits, .seed = 9}, decay_all,
          part, of);
      return made;
    };
    Replica whole = replica(0, 1);
    std::vector<Replica> shared;
    for (int64_t part = 0; part < parts; ++part) shared.push_back(replica(part, parts));
    for (int step = 0; step < 4; ++step) {
      if (step == 2) {
        std::map<std::string, torch::Tensor> saved;
        for (const auto& part : whole.optimizer->state()) saved[part.name] = part.own;
        for (Replica& one : shared) {
          one.optimizer->load_state([&](const std::string& name) { return saved.at(name); }, 2);
        }
      }
      double squares = 0;
      for (size_t i = 0; i < whole.parameters.size(); ++i) {
        torch::Tensor& parameter = whole.parameters[i].second;
        parameter.mutable_grad() = torch::randn(parameter.sizes()).to(mode.dtype);
      }
      for (Replica& one : shared) {
        for (size_t i = 0; i < one.parameters.size(); ++i) {
          one.parameters[i].second.mutable_grad() = whole.parameters[i].second.grad().clone();
        }
        squares += std::pow(one.optimizer->parameters().gradient_norm().item<double>(), 2);
        one.optimizer->step(1e-3, 0.8);
      }
      const auto norm = whole.optimizer->parameters().gradient_norm().item<double>();
      EXPECT_NEAR(std::sqrt(squares), norm, 1e-6 * norm);
      whole.optimizer->step(1e-3, 0.8);
      // Each gives what it updated to the others.
      const torch::NoGradGuard no_grad;
      for (const Shard& shard : whole.optimizer->parameters().shards()) EXPECT_EQ(shard.part, 0);
      int64_t elements = 0;
      for (const Shard& shard : shared.front().optimizer->parameters().shards()) {
        const auto of = [&](Replica& one) {
          return one.parameters[shard.parameter].second.detach().view({-1}).narrow(0, shard.begin,
                                                                                   shard.size);
        };
        for (Replica& one : shared) {
          of(one).copy_(of(shared[static_cast<size_t>(shard.part)]).clone());
        }
        elements += shard.size;
      }
      EXPECT_EQ(elements, 2 * big.numel() + small.numel());
      for (Replica& one : shared) {
        for (size_t i = 0; i < one.parameters.size(); ++i) {
          EXPECT_TRUE(one.parameters[i].second.equal(whole.parameters[i].second))
              << parts << " parts, " << one.parameters[i].first;
        }
      }
    }
    int64_t bytes = 0;
    for (const Replica& one : shared) bytes += one.optimizer->state_bytes();
    EXPECT_EQ(bytes, whole.optimizer->state_bytes());
  }
}

// Narrow state follows wide state: over 100 steps with gradients of very different sizes in one
// block, the weights' path differs by a small part of its length.
TEST_P(EveryMode, FollowsFp32State) {
  const Mode mode = GetParam();
  if (mode.bits == 32 || mode.dtype == torch::kFloat64) GTEST_SKIP() << "it is the yardstick";
  torch::manual_seed(8);
  const torch::Tensor start = (torch::randn({8, 1024}) * 0.02).to(mode.dtype);
  const torch::Tensor sizes = torch::pow(10.0, -4 * torch::rand({8, 1024}));
  torch::Tensor wide = start.clone().set_requires_grad(true);
  torch::Tensor narrow = start.clone().set_requires_grad(true);
  const auto wide_optimizer =
      start_default_optimizer({{"w", wide}}, {.weight_decay = 0, .master = mode.master}, decay_all);
  const auto narrow_optimizer = start_default_optimizer(
      {{"w", narrow}}, {.weight_decay = 0, .master = mode.master, .state_bits = mode.bits},
      decay_all);
  for (int i = 0; i < 100; ++i) {
    const torch::Tensor gradient = ((torch::randn({8, 1024}) + 0.5) * sizes).to(mode.dtype);
    wide.mutable_grad() = gradient;
    narrow.mutable_grad() = gradient.clone();
    wide_optimizer->step(1e-4, 1.0);
    narrow_optimizer->step(1e-4, 1.0);
  }
  const double path = (wide - start).to(torch::kFloat).norm().item<double>();
  const double error = (narrow - wide).to(torch::kFloat).norm().item<double>();
  // Seen: 0.09 with 8 bits and an exact master. Weights that are rounded to nearest move by a whole
  // step or not at all, so that a small difference in the update may count for much more (0.17).
  const double bound = mode.bits == 16 ? 0.02 : mode.master == Master::kRounded ? 0.2 : 0.12;
  EXPECT_LT(error, bound * path);
  EXPECT_GT(error, 0.0);
}

INSTANTIATE_TEST_SUITE_P(Modes, EveryMode,
                         ::testing::Values(Mode{torch::kFloat64, Master::kFull, 32},
                                           Mode{torch::kFloat, Master::kFull, 32},
                                           Mode{torch::kFloat, Master::kFull, 16},
                                           Mode{torch::kFloat, Master::kFull, 8},
                                           Mode{torch::kBFloat16, Master::kSplit, 32},
                                           Mode{torch::kBFloat16, Master::kSplit, 16},
                                           Mode{torch::kBFloat16, Master::kSplit, 8},
                                           Mode{torch::kBFloat16, Master::kStochastic, 32},
                                           Mode{torch::kBFloat16, Master::kStochastic, 16},
                                           Mode{torch::kBFloat16, Master::kStochastic, 8},
                                           Mode{torch::kBFloat16, Master::kRounded, 32},
                                           Mode{torch::kBFloat16, Master::kRounded, 16},
                                           Mode{torch::kBFloat16, Master::kRounded, 8}));

// Norms and biases of any width keep wide state, to the last bit; matrices do not.
TEST_F(OptimizerTest, VectorsKeepWideState) {
  for (const int64_t bits : {16, 8}) {
    for (const bool is_vector : {true, false}) {
      const torch::Tensor start = torch::randn({4096});
      const auto shaped = [&](const torch::Tensor& x) {
        return is_vector ? x.clone() : x.view({2, 2048}).clone();
      };
      torch::Tensor wide = shaped(start).set_requires_grad(true);
      torch::Tensor narrow = shaped(start).set_requires_grad(true);
      const auto wide_optimizer = start_default_optimizer({{"w", wide}}, {}, decay_all);
      const auto narrow_optimizer =
          start_default_optimizer({{"w", narrow}}, {.state_bits = bits}, decay_all);
      for (int i = 0; i < 5; ++i) {
        const torch::Tensor gradient = torch::randn({4096});
        wide.mutable_grad() = shaped(gradient);
        narrow.mutable_grad() = shaped(gradient);
        wide_optimizer->step(1e-3, 1.0);
        narrow_optimizer->step(1e-3, 1.0);
      }
      EXPECT_EQ(wide.equal(narrow), is_vector) << bits;
      const int64_t bytes =
          narrow_optimizer->state_bytes(wide.sizes(), torch::kFloat32, {.state_bits = bits});
      EXPECT_EQ(bytes == 4096 * 8, is_vector);
      EXPECT_EQ(bytes, narrow_optimizer->state_bytes());
    }
  }
}

// A scale that is not finite leaves everything as it is; the step is counted.
TEST_P(EveryMode, ABadScaleChangesNothing) {
  const Mode mode = GetParam();
  torch::manual_seed(6);
  torch::Tensor weight = torch::randn({61, 83}).to(mode.dtype).set_requires_grad(true);
  const auto optimizer = start_default_optimizer(
      {{"w", weight}}, {.master = mode.master, .state_bits = mode.bits}, decay_all);
  const auto take = [&](double scale) {
    weight.mutable_grad() = torch::randn({61, 83}).to(mode.dtype);
    optimizer->step(1e-3, scale);
    std::vector<torch::Tensor> all = {weight.detach().clone()};
    for (const StatePart& part : optimizer->state()) all.push_back(part.own.clone());
    return all;
  };
  const std::vector<torch::Tensor> before = take(0.5);
  for (const double bad : {NAN, INFINITY, -INFINITY}) {
    const std::vector<torch::Tensor> after = take(bad);
    for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(after[i].equal(before[i])) << i;
  }
  EXPECT_FALSE(take(0.5).front().equal(before.front()));
  EXPECT_EQ(optimizer->steps_done(), 5);
}

TEST_F(OptimizerTest, NormAndNonFiniteAreFound) {
  torch::Tensor a = torch::zeros({2}).set_requires_grad(true);
  torch::Tensor b = torch::zeros({2}).set_requires_grad(true);
  const auto optimizer =
      start_default_optimizer({{"a", a}, {"b", b}}, {}, [](const std::string&) { return false; });
  a.mutable_grad() = torch::tensor({3.0F, 0.0F});
  b.mutable_grad() = torch::tensor({0.0F, 4.0F});
  EXPECT_DOUBLE_EQ(optimizer->parameters().gradient_norm().item<double>(), 5.0);
  EXPECT_EQ(optimizer->parameters().first_nonfinite_gradient(), "");
  b.mutable_grad() = torch::tensor({0.0F, NAN});
  EXPECT_EQ(optimizer->parameters().first_nonfinite_gradient(), "b");
}

}  // namespace
}  // namespace unlearn::train
