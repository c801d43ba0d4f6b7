// Update rules on functions of two or three numbers, against values worked out in fp64 from the
// papers' formulas.
#include "unlearn/train/update_rule.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <sstream>

#include "train/started_optimizer.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/train/train_config.h"

namespace unlearn::train {
namespace {
namespace fs = std::filesystem;

using torch::Tensor;
using Function = std::function<Tensor(const Tensor&)>;

Tensor vector_of(const std::vector<double>& values) {
  return torch::tensor(values, torch::kDouble);
}

// L = c_f f + c_r r of one parameter, with the passes that were asked for.
class ToyLoss : public StepLoss {
 public:
  ToyLoss(const std::vector<double>& start, Function forget, Function retain, double retain_weight)
      : theta(vector_of(start).set_requires_grad(true)),
        forget_(std::move(forget)),
        retain_(std::move(retain)),
        retain_weight_(retain_weight) {}

  void add_gradient(const TermPass& pass) override {
    const double weight = pass.coefficients == Coefficients::kApplied ? retain_weight_ : 1.0;
    Tensor value = torch::zeros({}, torch::kDouble);
    if (pass.terms != Terms::kRetain) value = value + forget_(theta);
    if (pass.terms != Terms::kForget && retain_) value = value + weight * retain_(theta);
    value.backward();
    passes.push_back(pass);
    places.push_back(theta.detach().clone());
  }
  bool has(Terms terms) const override { return terms != Terms::kRetain || retain_; }
  double retain_weight() const override { return retain_weight_; }

  Tensor theta;
  std::vector<TermPass> passes;
  std::vector<Tensor> places;

 private:
  Function forget_, retain_;
  double retain_weight_;
};

// Toy T of the derivations: softplus and two parabolas.
ToyLoss toy() {
  return {{0.5, -0.3},
          [](const Tensor& t) { return torch::softplus(t[0] - 2 * t[1]) + 0.5 * t[1] * t[1]; },
          [](const Tensor& t) { return 0.5 * (t[0] - 1).square() + 1.5 * (t[1] + 0.5).square(); },
          2.0};
}

ToyLoss linear(const std::vector<double>& forget, const std::vector<double>& retain) {
  return {{0.1, 0.2, 0.3},
          [forget](const Tensor& t) { return t.dot(vector_of(forget)); },
          [retain](const Tensor& t) { return t.dot(vector_of(retain)); },
          1.0};
}

// One rule with its optimizer on the toy's parameter.
struct Bench {
  Bench(ToyLoss& toy, const Choice& choice)
      : loss(toy),
        optimizer(start_default_optimizer({{"theta", toy.theta}}, {.weight_decay = 0.01},
                                          [](const std::string&) { return true; })),
        rule(make_chosen(updates(), choice)) {
    rule->start(optimizer->parameters(), 1);
  }
  Tensor gradient() {
    StepWeights weights(*optimizer, nullptr, distributed::alone(), optimizer->steps_done() + 1);
    optimizer->parameters().clear_gradients();
    rule->make_gradient(loss, weights);
    return loss.theta.grad().clone();
  }
  void step() {
    const double norm = gradient().norm().item<double>();
    optimizer->step(0.01, std::min(1.0, 1.0 / (norm + 1e-6)));
  }

  ToyLoss& loss;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<UpdateRule> rule;
};

void expect_near(const Tensor& value, const std::vector<double>& want, double bound = 1e-12) {
  EXPECT_LT((value - vector_of(want)).abs().max().item<double>(), bound) << value << want;
}

TEST(GoldenUpdate, PlainStepsOfTheToy) {
  ToyLoss loss = toy();
  Bench bench(loss, {"plain"});
  bench.step();
  expect_near(loss.theta.detach(), {0.5099499995996, -0.2899700001665}, 1e-11);
  bench.step();
  expect_near(loss.theta.detach(), {0.5198725454884, -0.2799966560104}, 1e-11);
}

TEST(GoldenUpdate, SamStepsOfTheToy) {
  ToyLoss loss = toy();
  Bench bench(loss, {"sam", {{"rho", 0.1}}});
  expect_near(bench.gradient(), {-0.2103067767507, -0.7716933497466});
  // Forget at theta, forget at theta + delta, retain at theta: two of them are the step's values.
  ASSERT_EQ(loss.passes.size(), 3U);
  expect_near(loss.places[1] - loss.places[0], {0.0384634321501, -0.092306903248});
  EXPECT_TRUE(loss.places[2].equal(loss.places[0]));
  EXPECT_TRUE(loss.passes[0].is_recorded && loss.passes[2].is_recorded);
  EXPECT_FALSE(loss.passes[1].is_recorded);
  EXPECT_TRUE(loss.theta.detach().equal(loss.places[0]));
  bench.step();
  expect_near(loss.theta.detach(), {0.5099499995245, -0.2899700001296}, 1e-11);
  bench.step();
  expect_near(loss.theta.detach(), {0.5198651856262, -0.279979619714}, 1e-11);
}

TEST(GoldenUpdate, SamWithoutADirectionOrARetainTerm) {
  ToyLoss flat(
      {0.1, 0.2, 0.3}, [](const Tensor& t) { return 0 * t.sum(); },
      [](const Tensor& t) { return t.sum(); }, 1.0);
  expect_near(Bench(flat, {"sam"}).gradient(), {1, 1, 1});
  EXPECT_EQ(flat.passes.size(), 2U);
  ToyLoss alone(
      {1.0, 2.0}, [](const Tensor& t) { return 0.5 * t.square().sum(); }, nullptr, 0.0);
  const double scale = 1 + 0.1 / std::sqrt(5.0);
  expect_near(Bench(alone, {"sam", {{"rho", 0.1}}}).gradient(), {scale, 2 * scale});
}

TEST(GoldenUpdate, GruProjects) {
  ToyLoss first = linear({1, -2, 0.5}, {0.5, 1, 1});
  Bench one(first, {"gru", {{"smoothing", 1.0}, {"objective", "forget"}}});
  expect_near(one.gradient(), {1.2222222222222, -1.5555555555556, 0.9444444444444});
  // The same against a mean of two steps' retain gradients, and after the first step's state went
  // through a checkpoint.
  ToyLoss before = linear({1, 1, 1}, {0, 1, 0}), after = linear({1, -2, 0.5}, {0.5, 1, 1});
  Bench start(before, {"gru", {{"objective", "forget"}}});
  expect_near(start.gradient(), {1, 1, 1});  // no conflict
  Bench then(after, {"gru", {{"objective", "forget"}}});
  const Tensor saved = start.rule->state().front().own.clone();
  load_parts(then.rule->state(), then.optimizer->parameters(), [&](const std::string& name) {
    EXPECT_EQ(name, "retain_mean.theta");
    return saved;
  });
  expect_near(then.gradient(), {1.2602230483271, -1.3754646840149, 1.0204460966543});
  expect_near(then.rule->state().front().own, {0.4, 0.96, 0.8});
}

TEST(GoldenUpdate, GruOptions) {
  // The whole loss: g_f + g_r = (1.5, -1, 1.5) agrees with m, and stays.
  ToyLoss all = linear({1, -2, 0.5}, {0.5, 1, 1});
  expect_near(Bench(all, {"gru"}).gradient(), {1.5, -1, 1.5});
  // 2 g_r is added after the projection.
  ToyLoss added = linear({1, -2, 0.5}, {0.5, 1, 1});
  expect_near(Bench(added, {"gru", {{"objective", "forget"}, {"added_retain", 2.0}}}).gradient(),
              {2.2222222222222, 0.4444444444444, 2.9444444444444});
  // Opposite directions: a cosine of -1 counts as -0.5, and half of the gradient is left.
  ToyLoss opposite = linear({-2, 0, 0}, {1, 0, 0});
  expect_near(Bench(opposite, {"gru", {{"objective", "forget"}, {"cos_clip", true}}}).gradient(),
              {-1, 0, 0});
  ToyLoss whole = linear({-2, 0, 0}, {1, 0, 0});
  expect_near(Bench(whole, {"gru", {{"objective", "forget"}}}).gradient(), {0, 0, 0});
}

// bf16 weights move from their exact master, and come back to the bit.
TEST(Update, SamMovesTheMaster) {
  torch::manual_seed(6);
  const Tensor start = (torch::randn({5000}) * 0.02).to(torch::kBFloat16);
  for (const char* rounding : {"nearest", "stochastic"}) {
    Tensor theta = start.clone().set_requires_grad(true);
    const auto optimizer = start_default_optimizer({{"theta", theta}}, {.weight_decay = 0},
                                                   [](const std::string&) { return false; });
    theta.mutable_grad() = torch::randn({5000}).to(torch::kBFloat16);
    optimizer->step(1e-4, 1.0);  // now the remainder is not 0
    const Tensor weights = theta.detach().clone(), master = optimizer->master(0, 0, 5000);
    EXPECT_FALSE(master.equal(weights.to(torch::kFloat)));
    EXPECT_TRUE(master.to(torch::kBFloat16).equal(weights));
    const auto rule =
        make_chosen(updates(), {"sam", {{"rho", 0.01}, {"perturb_rounding", rounding}}});
    rule->start(optimizer->parameters(), 3);
    struct Linear : StepLoss {
      explicit Linear(const Tensor& parameter) : weight(parameter) {}
      void add_gradient(const TermPass&) override {
        places.push_back(weight.detach().clone());
        weight.mutable_grad() = torch::ones_like(weight.detach());
      }
      bool has(Terms terms) const override { return terms != Terms::kRetain; }
      double retain_weight() const override { return 0; }
      Tensor weight;
      std::vector<Tensor> places;
    } loss(theta);
    optimizer->parameters().clear_gradients();
    StepWeights access(*optimizer, nullptr, distributed::alone(), 2);
    rule->make_gradient(loss, access);
    EXPECT_TRUE(theta.detach().equal(weights)) << rounding;
    const double shift = 0.01 / std::sqrt(5000.0);
    const Tensor moved = loss.places.at(1), want = master + shift;
    if (std::string(rounding) == "nearest") {
      EXPECT_TRUE(moved.equal(want.to(torch::kBFloat16)));
    } else {
      // The mean error of 5,000 draws of at most one unit in the last place (2^-13 at 0.02).
      const Tensor error = moved.to(torch::kDouble) - want.to(torch::kDouble);
      EXPECT_LT(std::abs(error.mean().item<double>()), 2e-6);
      EXPECT_FALSE(moved.equal(want.to(torch::kBFloat16)));
      EXPECT_LT((error / want.to(torch::kDouble)).abs().max().item<double>(), 1.0 / 128);
    }
  }
}

// Folder and list say the same.
void expect_listed(const std::string& folder, const std::string& list, const std::string& word,
                   const std::string& opening, const std::vector<std::string>& registered) {
  const fs::path place = fs::path(UNLEARN_SOURCE_DIR) / "src/train" / folder;
  std::vector<std::string> listed;
  std::istringstream lines(read_file(place / list));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(word + "(")) {
      listed.push_back(line.substr(word.size() + 1, line.find(')') - word.size() - 1));
    }
  }
  std::set<std::string> defined;
  for (const auto& entry : fs::directory_iterator(place)) {
    const std::string text = read_file(entry.path());
    const size_t at = text.find("\nRegistered<" + opening);
    if (entry.path().extension() != ".cpp" || at == std::string::npos) continue;
    const size_t name = at + opening.size() + 12;
    EXPECT_EQ(text.substr(name, text.find("() {", name) - name), entry.path().stem());
    defined.insert(entry.path().stem());
  }
  EXPECT_EQ(defined, std::set<std::string>(listed.begin(), listed.end()));
  EXPECT_EQ(registered, listed);
}

TEST(Registries, FoldersAndListsAgree) {
  expect_listed("optim", "optimizers.def", "OPTIMIZER", "Optimizer> optimizer_",
                names_of(optimizers()));
  expect_listed("update", "updates.def", "UPDATE", "UpdateRule> update_", names_of(updates()));
  EXPECT_EQ(TrainConfig().optimizer.name, optimizers().front().name);
  EXPECT_EQ(TrainConfig().update.name, updates().front().name);
}

std::string refusal(const std::vector<std::string>& assignments) {
  try {
    config::Settings settings;
    for (const std::string& assignment : assignments) settings.assign(assignment, "test");
    TrainConfig config;
    config::SettingsReader reader(settings);
    reader.read("train", config);
    reader.refuse_unknown();
    config.check();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Settings, OwnSettingsStandBesideTheName) {
  config::Settings settings;
  settings.assign("train.update={name: sam, rho: 0.25}", "test");
  settings.assign("train.beta1=0.5", "test");
  TrainConfig config;
  config::SettingsReader reader(settings);
  reader.read("train", config);
  reader.refuse_unknown();
  config::FieldDumper dumper;
  config.visit(dumper);
  EXPECT_EQ(dumper.json().at("update"),
            (Json{{"name", "sam"}, {"rho", 0.25}, {"perturb_rounding", "nearest"}}));
  EXPECT_EQ(dumper.json().at("beta1"), 0.5);
  EXPECT_EQ(dumper.json().at("optimizer"), "adamw");
}

TEST(Settings, WrongOnesAreRefusedByName) {
  const auto expect = [](const std::vector<std::string>& given, const std::string& part) {
    EXPECT_NE(refusal(given).find(part), std::string::npos) << refusal(given);
  };
  expect({"train.update.name=samm"}, "did you mean 'sam'");
  expect({"train.update.name=sam", "train.update.rh=1"}, "did you mean 'train.update.rho'");
  expect({"train.update.rho=1"}, "unknown key 'train.update.rho'");
  expect({"train.update.name=sam", "train.update.rho=-1"}, "train.update.rho");
  expect({"train.update.name=gru", "train.update.smoothing=0"}, "train.update.smoothing");
  expect({"train.update=sam"}, "train.update.name");
  expect({"train.optimizer=adamv"}, "did you mean 'adamw'");
  EXPECT_EQ(refusal({"train.update={name: gru, cos_clip: true}"}), "");
}

// Tensors that a rule reads whole are never cut.
TEST(Shards, WholeTensorsHaveOneOwner) {
  const auto tensor = [](int64_t size) { return torch::zeros({size}); };
  const NamedTensors parameters = {
      {"a", tensor(3000)}, {"b", tensor(10)}, {"c", tensor(5000)}, {"d", tensor(2000)}};
  for (const int64_t parts : {1, 2, 3, 5}) {
    std::vector<int64_t> owners(parameters.size(), 0);
    int64_t elements = 0;
    for (int64_t part = 0; part < parts; ++part) {
      const ShardedParameters sharded(parameters, ShardRule::kTensors, part, parts);
      for (size_t i = 0; i < parameters.size(); ++i) {
        const int64_t size = sharded.own(i).size;
        EXPECT_TRUE(size == 0 || size == parameters[i].second.numel());
        EXPECT_EQ(sharded.own_weight(i).defined(), size > 0);
        if (size > 0) ++owners[i];
        elements += size;
      }
      EXPECT_EQ(sharded.shards().size(), parameters.size());
    }
    EXPECT_EQ(owners, std::vector<int64_t>(parameters.size(), 1)) << parts;
    EXPECT_EQ(elements, 10010);
  }
}

}  // namespace
}  // namespace unlearn::train
