#include "run/audit/auditor.h"

#include <algorithm>
#include <chrono>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/mix_bits.h"
#include "unlearn/eval/request_counts.h"
#include "unlearn/model/lora.h"
#include "unlearn/run/version.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPlanFile = "plan.json";
constexpr const char* kCostsFile = "costs.json";
constexpr int64_t kCellVersion = 1;  // of what a cell holds and how it is made

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

const Cell& Auditor::baseline(AuditedModel& model) {
  const auto known = facts_.baselines.find(model.role());
  if (known != facts_.baselines.end()) return known->second;
  const std::string key = key_of(model, "baseline");
  if (std::optional<Cell> cell = store_.find(key)) {
    ++taken_;
    return facts_.baselines[model.role()] = std::move(*cell);
  }
  log::info("audit: ", role_name(model.role()), " as it is");
  const auto start = std::chrono::steady_clock::now();
  const eval::Outcome outcome = model.evaluate_all(folder_);
  Cell cell;
  cell.points.push_back({0, read_outcome(outcome, inputs_.benchmark().audit)});
  cell.extra = describe_baseline(outcome);
  store_.put(key, cell);
  ++measured_;
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
  predict_costs(
      {tokens_of(unlearned.evaluator().requests()), static_cast<int64_t>(inputs_.models.size())},
      plan);
  keep_within(room - static_cast<double>(inputs_.models.size()), plan);
  for (const LeftOut& left : plan.left_out) {
    log::info("audit: left out: ", left.id, " (", left.reason, ")");
  }
}

torch::Tensor Auditor::original_tensor(const std::string& name, const torch::Device& device) {
  if (!original_) {
    original_ = inputs_.models.at(AuditRole::kOriginal)->evaluator().load();
    model::merge_lora(*original_);
  }
  const auto parameters = original_->named_parameters();
  const torch::Tensor* found = parameters.find(name);
  // The head of an original whose embedding is its head has no name of its own.
  if (found == nullptr && original_->dims().tied_embeddings) {
    return original_->head().weight.detach().to(device);
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
          [&](int64_t step) {
            const bool is_training = model.model().is_training();
            const torch::NoGradGuard no_grad;
            model.model().eval();
            cell.points.push_back(
                {step, read_outcome(model.evaluate(folder_), inputs_.benchmark().audit)});
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
  Probe probe(model, *inputs_.questions, folder_);
  if (way.change_prompt) return probe.ask(way);
  return probe.sample(*way.decoding, request_.seed);
}

// Changed weights of the original say nothing about forgetting; prompts and decoding give it the
// "before" that the others are compared with.
bool Auditor::is_tried_on(const PlannedWay& way, AuditRole role) const {
  if (role != AuditRole::kOriginal || !way.way.change_weights) return true;
  return !request_.quick && way.attack->name != "reset";
}

void Auditor::measure_ways() {
  for (const auto& [role, model] : inputs_.models) {
    size_t done = 0;
    baseline(*model);
    for (const PlannedWay& way : inputs_.plan.ways) {
      ++done;
      if (!is_tried_on(way, role)) continue;
      for (int64_t seed = 0; seed < way.way.seeds; ++seed) {
        const std::string key =
            key_of(*model, {{"way", way.way.id}, {"settings", way.way.settings}, {"number", seed}});
        std::optional<Cell> cell = store_.find(key);
        if (cell) {
          ++taken_;
        } else {
          log::info("audit: ", role_name(role), ", ", way.way.id,
                    way.way.seeds > 1 ? cat(" (", seed + 1, " of ", way.way.seeds, ")") : "", ", ",
                    done, " of ", inputs_.plan.ways.size());
          const auto start = std::chrono::steady_clock::now();
          cell = measure_way(*model, way.way, seed);
          store_.put(key, *cell);
          ++measured_;
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
}

std::string Auditor::id_of(const AuditedModel& model) const {
  constexpr size_t kShown = 12;
  return cat(model.folder().filename().string(), "@", model.key().substr(0, kShown));
}

// Per row the most that any prompt brought: one attacker may try them all.
void Auditor::add_worst_prompt(Json& entries) const {
  std::map<AuditRole, std::vector<Cell>> prompts;
  const PlannedWay* example = nullptr;
  int64_t kinds = 0;
  for (const PlannedWay& way : inputs_.plan.ways) {
    if (!way.way.change_prompt || way.way.settings.value("kind", "") == "prefill") continue;
    example = &way;
    ++kinds;
    for (const auto& [role, cells] : ways_.at(way.way.id).of) {
      prompts[role].insert(prompts[role].end(), cells.begin(), cells.end());
    }
  }
  if (kinds < 2) return;
  PlannedWay worst = *example;
  worst.way.id = "prompt-worst";
  worst.way.settings = {{"kind", "per row the best of the prompts"}, {"prompts", kinds}};
  WayCells cells;
  for (const auto& [role, of_role] : prompts) cells.of[role] = {worst_of(of_role)};
  for (Json& entry : way_entries(worst, cells, facts_)) entries.push_back(std::move(entry));
}

Json Auditor::result() const {
  Json entries = Json::array();
  for (const PlannedWay& way : inputs_.plan.ways) {
    for (Json& entry : way_entries(way, ways_.at(way.way.id), facts_)) {
      entries.push_back(std::move(entry));
    }
  }
  add_worst_prompt(entries);
  Json left_out = Json::array();
  for (const LeftOut& left : inputs_.plan.left_out) {
    left_out.push_back({{"id", left.id}, {"reason", left.reason}});
  }
  Json models = Json::object(), baselines = Json::object();
  const std::pair<const char*, AuditRole> roles[] = {{"original", AuditRole::kOriginal},
                                                     {"unlearned", AuditRole::kUnlearned},
                                                     {"retain", AuditRole::kRetain}};
  for (const auto& [name, role] : roles) {
    const auto model = inputs_.models.find(role);
    models[name] = model == inputs_.models.end() ? Json() : Json(id_of(*model->second));
    const auto as_it_is = facts_.baselines.find(role);
    if (as_it_is != facts_.baselines.end()) baselines[name] = as_it_is->second.extra;
  }
  const eval::EvaluationInputs given =
      inputs_.models.at(AuditRole::kUnlearned)->evaluator().inputs();
  return {{"version", 1},
          {"program", cat("unlearn ", version_text())},
          {"models", std::move(models)},
          {"benchmark", inputs_.benchmark().info.name},
          {"forget", inputs_.narrow.data.forget},
          {"template", given.prompt_template.name},
          {"seed", request_.seed},
          {"quick", request_.quick},
          {"verdict", overall_verdict(entries)},
          {"attacks", std::move(entries)},
          {"privacy", privacy_entries(facts_)},
          {"baselines", std::move(baselines)},
          {"left_out", std::move(left_out)}};
}

Json Auditor::costs() const {
  const eval::RequestCounts requests = eval::request_counts();
  return {{"cells_measured", measured_},      {"cells_taken", taken_},
          {"requests_asked", requests.asked}, {"requests_run", requests.run},
          {"seconds_in_attacks", seconds_},   {"seconds_of_a_baseline", baseline_seconds_}};
}

}  // namespace unlearn::run
