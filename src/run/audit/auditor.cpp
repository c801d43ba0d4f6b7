#include "run/audit/auditor.h"

#include <algorithm>
#include <chrono>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/mix_bits.h"
#include "unlearn/model/lora.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPlanFile = "plan.json";
constexpr const char* kCostsFile = "costs.json";
constexpr int64_t kCellVersion = 2;  // of what a cell holds and how it is made

double seconds_from(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double tokens_of(const eval::Plan& plan) {
  double tokens = 0;
  plan.for_each_kind([&](const auto& items) {
    for (const auto& item : items) {
      for (const auto part : item.tokens()) tokens += static_cast<double>(part.size());
    }
  });
  return tokens;
}

}  // namespace

Auditor::Auditor(const AuditRequest& request, AuditInputs& inputs, OwnFolder& folder)
    : request_(request), inputs_(inputs), folder_(folder), store_(folder) {
  facts_.seed = request.seed;
  const fs::path costs = folder.path() / kCostsFile;
  if (fs::exists(costs)) {
    const Json before = read_json(costs);
    const auto seconds = before.is_object() ? before.find("seconds_of_a_baseline") : before.end();
    if (seconds != before.end() && seconds->is_number()) baseline_seconds_ = *seconds;
  }
}

std::string Auditor::key_of(AuditedModel& model, const Json& what) const {
  const Json key = {{"version", kCellVersion},
                    {"weights", model.key()},
                    {"evaluation", model.evaluation_key()},
                    {"material", inputs_.material_key},
                    {"seed", request_.seed},
                    {"what", what}};
  constexpr size_t kLength = 24;
  return sha256(key.dump()).substr(0, kLength);
}

void Auditor::keep(AuditedModel& model, const Json& what, const Cell& cell) {
  store_.put(key_of(model, what), cell, {{"weights", model.key()}, {"what", what}});
  ++measured_;
}

const Cell& Auditor::baseline(AuditedModel& model) {
  const auto known = facts_.baselines.find(model.role());
  if (known != facts_.baselines.end()) return known->second;
  const Json what = "baseline";
  if (std::optional<Cell> cell = store_.find(key_of(model, what))) {
    ++taken_;
    return facts_.baselines[model.role()] = std::move(*cell);
  }
  log::info("audit: ", role_name(model.role()), " as it is");
  const auto start = std::chrono::steady_clock::now();
  const eval::Outcome outcome = model.evaluate_all(folder_);
  Cell cell;
  cell.points.push_back({0, read_outcome(outcome, inputs_.benchmark().audit)});
  cell.extra = describe_baseline(outcome);
  keep(model, what, cell);
  baseline_seconds_ = std::max(baseline_seconds_, seconds_from(start));
  folder_.write(kCostsFile, costs().dump(1) + "\n");  // a later budget is counted in them
  return facts_.baselines[model.role()] = std::move(cell);
}

void Auditor::measure_unlearned() { baseline(*inputs_.models.at(AuditRole::kUnlearned)); }

void Auditor::apply_budget(double minutes) {
  AuditPlan& plan = inputs_.plan;
  std::vector<std::string> ids;
  for (const PlannedWay& way : plan.ways) ids.push_back(way.way.id);
  AuditedModel& unlearned = *inputs_.models.at(AuditRole::kUnlearned);
  const std::string key = key_of(unlearned, {{"ways", ids}, {"minutes", minutes}});
  const fs::path file = folder_.path() / kPlanFile;
  const Json before = fs::exists(file) ? read_json(file) : Json::object();
  double room = 0;
  if (before.value("key", "") == key) {
    room = before.at("evaluations").get<double>();  // the same choice as when it was started
  } else {
    // Counted in baselines, of which one took this long: now, or when its cached results were made.
    if (!(baseline_seconds_ > 0)) {
      user_error("--budget: ", (folder_.path() / kCostsFile).string(),
                 " does not say how long an evaluation of this model takes, and its results are ",
                 "there already; give another --output");
    }
    room = 60 * minutes / baseline_seconds_;
    folder_.write(kPlanFile, Json({{"key", key}, {"evaluations", room}}).dump() + "\n");
  }
  const double tokens = tokens_of(unlearned.evaluator().requests());
  EvaluationCost evaluation{.tokens = tokens,
                            .models = static_cast<int64_t>(inputs_.models.size())};
  if (tokens > 0) evaluation.knowledge = tokens_of(unlearned.knowledge_requests()) / tokens;
  room -= static_cast<double>(inputs_.models.size());
  if (inputs_.depth) {
    // Of one model: a pass of each, and of the original half a one for every block.
    const double passes = 2 + static_cast<double>(inputs_.material.num_layers) / 2;
    const double cost = tokens > 0 ? passes * inputs_.depth->tokens() / tokens : 0;
    if (2 * cost > room) {
      inputs_.depth.reset();
      plan.left_out.push_back({kDepthId, "no room in --budget"});
    } else {
      room -= 2 * cost;
      if (inputs_.settings.depth.attacks) evaluation.white_box = cost;
    }
  }
  predict_costs(evaluation, plan);
  keep_within(room, plan);
  for (const LeftOut& left : plan.left_out) {
    log::info("audit: left out: ", left.id, " (", left.reason, ")");
  }
}

model::CausalLM& Auditor::original_model() {
  if (!original_) {
    original_ = inputs_.models.at(AuditRole::kOriginal)->evaluator().load();
    model::merge_lora(*original_);
    original_->eval();
  }
  return *original_;
}

torch::Tensor Auditor::original_tensor(const std::string& name, const torch::Device& device) {
  model::CausalLM& original = original_model();
  const auto parameters = original.named_parameters();
  const torch::Tensor* found = parameters.find(name);
  // The head of an original whose embedding is its head has no name of its own.
  if (found == nullptr && original.dims().tied_embeddings) {
    return original.head().weight.detach().to(device);
  }
  if (found == nullptr) {
    user_error("--original: has no tensor '", name, "', which the audited model has");
  }
  return found->detach().to(device);
}

Cell Auditor::attack_weights(AuditedModel& model, const attacks::AttackedModel& way, int64_t seed) {
  Cell cell;
  const torch::Device device = model.model().parameters().front().device();
  const std::string scratch = "training";
  attacks::Subject subject{
      .model = model.model(),
      .original = [&](const std::string& name) { return original_tensor(name, device); },
      .seed = mix_bits(static_cast<uint64_t>(request_.seed), static_cast<uint64_t>(seed)) >> 1,
      .scratch = folder_.path() / scratch,
      .measure =
          [&](int64_t step, bool is_result) {
            const bool is_training = model.model().is_training();
            const torch::NoGradGuard no_grad;
            model.model().eval();
            const eval::Outcome outcome =
                is_result ? model.evaluate(folder_) : model.evaluate_knowledge(folder_);
            cell.points.push_back({step, read_outcome(outcome, inputs_.benchmark().audit)});
            if (is_result && is_attacked_depth(model)) {
              cell.extra = measure_depth(*inputs_.depth, inputs_.settings.depth, original_model(),
                                         model.model())
                               .extra;
            }
            model.model().train(is_training);
          }};
  try {
    way.change_weights(subject);
  } catch (const NonFiniteError& error) {
    cell.failure = error.what();
  }
  model.restore();
  return cell;
}

Cell Auditor::measure_way(AuditedModel& model, const attacks::AttackedModel& way, int64_t seed) {
  if (way.change_weights) return attack_weights(model, way, seed);
  PromptProbe probe(model, *inputs_.questions, folder_);
  if (way.change_prompt) return probe.ask(way);
  return probe.sample(*way.decoding, request_.seed);
}

// Changed weights of the original say nothing about forgetting; prompts and decoding give it the
// "before" that the others are compared with.
bool Auditor::is_tried_on(const PlannedWay& way, AuditRole role) const {
  if (role != AuditRole::kOriginal || !way.way.change_weights) return true;
  return !request_.quick && way.attack->name != "reset";
}

Json Auditor::depth_key() const {
  return {{"depth", inputs_.depth->key},
          {"original", inputs_.models.at(AuditRole::kOriginal)->key()}};
}

bool Auditor::is_attacked_depth(const AuditedModel& model) const {
  return inputs_.depth && inputs_.settings.depth.attacks && model.role() != AuditRole::kOriginal;
}

void Auditor::measure_depth_of(AuditedModel& model) {
  if (!inputs_.depth || model.role() == AuditRole::kOriginal) return;
  std::optional<Cell> cell = store_.find(key_of(model, depth_key()));
  if (cell) {
    ++taken_;
  } else {
    log::info("audit: ", role_name(model.role()), ", block by block");
    const auto start = std::chrono::steady_clock::now();
    cell = measure_depth(*inputs_.depth, inputs_.settings.depth, original_model(), model.model());
    keep(model, depth_key(), *cell);
    seconds_ += seconds_from(start);
    original_.reset();  // two models in memory only as long as it takes
  }
  depth_[model.role()] = std::move(*cell);
}

void Auditor::measure_ways() {
  for (const auto& [role, model] : inputs_.models) {
    size_t done = 0;
    baseline(*model);
    measure_depth_of(*model);
    for (const PlannedWay& way : inputs_.plan.ways) {
      ++done;
      if (!is_tried_on(way, role)) continue;
      for (int64_t seed = 0; seed < way.way.seeds; ++seed) {
        Json what = {{"way", way.way.id}, {"settings", way.way.settings}, {"number", seed}};
        if (way.way.change_weights && is_attacked_depth(*model)) what["white_box"] = depth_key();
        std::optional<Cell> cell = store_.find(key_of(*model, what));
        if (cell) {
          ++taken_;
        } else {
          log::info("audit: ", role_name(role), ", ", way.way.id,
                    way.way.seeds > 1 ? cat(" (", seed + 1, " of ", way.way.seeds, ")") : "", ", ",
                    done, " of ", inputs_.plan.ways.size());
          const auto start = std::chrono::steady_clock::now();
          cell = measure_way(*model, way.way, seed);
          keep(*model, what, *cell);
          seconds_ += seconds_from(start);
        }
        ways_[way.way.id].of[role].push_back(std::move(*cell));
      }
    }
    if (model->is_loaded()) {
      UNLEARN_CHECK(weights_hash(model->model()) == model->loaded_hash(),
                    "weights were not put back");
    }
    model->unload();
  }
  original_.reset();
  if (inputs_.depth && inputs_.settings.depth.attacks) add_depth_measures();
}

// As measures of knowledge beside the benchmark's: 1 is what the original has, 0 the retain model.
void Auditor::add_depth_measures() {
  const Cell& control = depth_.at(AuditRole::kRetain);
  for (const auto& [name, kind] : kDepthMeasures) {
    for (auto& [role, baseline] : facts_.baselines) {
      auto& rows = baseline.points.back().measured.metrics[name];
      if (role != AuditRole::kOriginal) {
        rows = depth_knowledge(depth_.at(role), control, kind);
        continue;
      }
      for (const auto& [row, value] : depth_knowledge(control, control, kind)) rows[row] = 1;
    }
    for (auto& [id, way] : ways_) {
      for (auto& [role, cells] : way.of) {
        for (Cell& cell : cells) {
          if (cell.points.empty() || !cell.extra.contains("rows")) continue;
          cell.points.back().measured.metrics[name] = depth_knowledge(cell, control, kind);
        }
      }
    }
  }
}

}  // namespace unlearn::run
