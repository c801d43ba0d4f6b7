// What an audit reads, checked before any weights are loaded.
#include <algorithm>
#include <array>

#include "run/audit/auditor.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/run/device.h"
#include "unlearn/run/prepare.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

RunConfig config_of(config::Settings settings, const std::vector<std::string>& metrics) {
  settings.set("eval.metrics", metrics, "audit");
  return resolve_evaluation(settings);
}

const benchmarks::Benchmark& auditable(const RunConfig& config) {
  const benchmarks::Benchmark& benchmark = config.data.chosen();
  if (!benchmark.audit.knowledge.empty() && benchmark.make_evaluation != nullptr) return benchmark;
  std::vector<std::string> names;
  for (const auto& other : benchmarks::registered_benchmarks()) {
    if (!other.audit.knowledge.empty()) names.push_back(other.info.name);
  }
  user_error("data.benchmark: ", benchmark.info.name,
             " has no measures that an audit could read; there are ", join(names, ", "));
}

AuditConfigs configs_of(const config::Settings& settings) {
  AuditConfigs configs{.full = config_of(settings, {"default"}), .narrow = {}, .knowledge = {}};
  const benchmarks::AuditSupport& support = auditable(configs.full).audit;
  for (RunConfig* config : {&configs.narrow, &configs.knowledge}) {
    *config = config_of(settings, support.metrics);
    if (support.narrow != nullptr) support.narrow(config->eval);
  }
  configs.knowledge.eval.tasks.clear();
  if (support.knowledge_only != nullptr) support.knowledge_only(configs.knowledge.eval);
  return configs;
}

// The weights of a model beside the audited one.
EvaluatedModel weights_of(const std::string& flag, const std::string& folder,
                          const std::string& merged_adapter) {
  const EvalTarget target = eval_targets({folder}, {}).front();
  if (!target.adapter.empty()) {
    user_error(flag, ": ", folder, " holds an adapter beside a model; give a merged model");
  }
  return {target.model, target.run_config.empty() ? merged_adapter : ""};
}

// The rows that attacks train on; what is not there is left out, as a benchmark's evaluation does
// without its training data.
std::optional<data::Split> training_rows(const AuditInputs& inputs, bool forget) {
  const eval::EvaluationInputs given =
      inputs.models.at(AuditRole::kUnlearned)->evaluator().inputs();
  data::DataConfig config = inputs.configs.narrow.data;
  config.allow_overlap = true;
  data::SplitRequest request;
  (forget ? request.forget : request.retain) = true;
  try {
    data::Splits splits =
        data::load_splits(config, inputs.benchmark().layout, request, given.tokenizer,
                          given.prompt_template, given.vocab_size);
    return forget ? std::move(splits.forget) : std::move(splits.retain);
  } catch (const UserError& error) {
    log::info("audit: no ", forget ? "forget" : "retain", " rows to train on: ", error.what());
    return std::nullopt;
  }
}

const std::vector<data::Example>* training_examples(const std::optional<data::Split>& split) {
  return split && !split->examples.empty() ? &split->examples : nullptr;
}

bool has_sizes_of_original(const AuditInputs& inputs, AuditRole role) {
  const auto sizes_of = [&](AuditRole of) {
    const model::ModelDims dims = inputs.models.at(of)->evaluator().dims();
    return std::array{dims.num_layers, dims.hidden_size, dims.vocab_size};
  };
  return inputs.models.contains(AuditRole::kOriginal) &&
         sizes_of(role) == sizes_of(AuditRole::kOriginal);
}

void fill_material(const AuditRequest& request, AuditInputs& inputs) {
  const Evaluator& evaluator = inputs.models.at(AuditRole::kUnlearned)->evaluator();
  const eval::EvaluationInputs given = evaluator.inputs();
  const model::ModelDims dims = evaluator.dims();
  inputs.material = {.tokenizer = &given.tokenizer,
                     .forget = training_examples(inputs.rows.forget),
                     .retain = training_examples(inputs.rows.retain),
                     .questions = inputs.questions ? &*inputs.questions : nullptr,
                     .benign_text = inputs.benign_text,
                     .context = given.context,
                     .num_layers = dims.num_layers,
                     .tied_embeddings = dims.tied_embeddings,
                     .has_original = has_sizes_of_original(inputs, AuditRole::kUnlearned),
                     .lr = inputs.configs.narrow.train.lr,
                     .quick = request.quick};
  std::string content = inputs.benign_text;
  for (const auto* rows : {inputs.material.forget, inputs.material.retain}) {
    if (rows == nullptr) continue;
    for (const data::Example& row : *rows) {
      const auto* bytes = reinterpret_cast<const char*>(row.tokens.data());
      content.append(bytes, row.tokens.size() * sizeof(row.tokens.front()));
    }
    content += "\n";
  }
  inputs.material_key = sha256(content);
}

// What the white-box measures need, or what of it is missing.
void plan_depth(AuditInputs& inputs) {
  const auto leave_out = [&](const std::string& reason) {
    if (inputs.settings.depth.attacks) user_error("audit.depth.attacks: ", reason);
    inputs.plan.left_out.push_back({kDepthId, reason});
  };
  for (const auto& [role, flag] :
       {std::pair{AuditRole::kOriginal, "--original"}, {AuditRole::kRetain, "--retain-model"}}) {
    if (!inputs.models.contains(role)) return leave_out(cat("needs ", flag));
  }
  for (const AuditRole role : {AuditRole::kUnlearned, AuditRole::kRetain}) {
    if (!has_sizes_of_original(inputs, role)) {
      return leave_out(cat("needs models of the same sizes as the original, which ",
                           role_name(role), " has not"));
    }
  }
  inputs.depth = depth_rows(inputs.settings.depth, inputs.questions ? &*inputs.questions : nullptr,
                            inputs.models.at(AuditRole::kUnlearned)->evaluator().inputs());
  if (!inputs.depth) leave_out("needs questions with answers (audit.depth.rows)");
}

}  // namespace

std::unique_ptr<AuditInputs> audit_inputs(const AuditRequest& request) {
  auto inputs = std::make_unique<AuditInputs>();
  config::Settings settings = request.settings;
  inputs->settings = take_audit_settings(settings);
  inputs->configs = configs_of(settings);
  const RunConfig& config = inputs->configs.narrow;
  const benchmarks::Benchmark& benchmark = inputs->benchmark();
  const torch::Device device = resolve_device(config.device);
  const auto add = [&](AuditRole role, const EvaluatedModel& evaluated) {
    check_model(evaluated.folder, config.model.strict);
    auto& model = inputs->models[role] =
        std::make_unique<AuditedModel>(role, evaluated, inputs->configs, device);
    try {
      model->evaluation_key();  // what will be asked of it, checked
    } catch (const UserError& error) {
      if (role == AuditRole::kUnlearned) throw;
      user_error(role == AuditRole::kRetain ? "--retain-model " : "--original ",
                 evaluated.folder.string(), ": ", error.what());
    }
  };
  add(AuditRole::kUnlearned, evaluated_model(request.unlearned, config, ""));
  if (!request.retain.empty()) {
    add(AuditRole::kRetain, weights_of("--retain-model", request.retain, ""));
  }
  if (!request.original.empty()) {
    // What the run began with has its adapter in it.
    add(AuditRole::kOriginal, weights_of("--original", request.original, config.model.adapter));
  }
  for (const auto& [role, model] : inputs->models) {
    if (lies_in(request.output, model->folder())) {
      user_error("--output ", request.output.string(), ": lies in ", role_name(role),
                 "'s folder, which an audit never writes to; give another folder");
    }
  }
  inputs->benign_text = read_benign_text(inputs->settings.benign_text);
  if (benchmark.audit.questions != nullptr) {
    inputs->questions =
        benchmark.audit.questions(inputs->models.at(AuditRole::kUnlearned)->evaluator().inputs());
  }
  inputs->rows.forget = training_rows(*inputs, /*forget=*/true);
  inputs->rows.retain = training_rows(*inputs, /*forget=*/false);
  fill_material(request, *inputs);
  inputs->plan = plan_ways(inputs->settings, inputs->material, request.attacks);
  plan_depth(*inputs);
  return inputs;
}

std::string describe_audit(const AuditRequest& request) {
  const auto inputs = audit_inputs(request);
  std::string text;
  for (const auto& [role, model] : inputs->models) {
    text +=
        cat(role_name(role), ": ", model->folder().string(), "\n  ", model->plan_summary(), "\n");
  }
  for (const PlannedWay& way : inputs->plan.ways) {
    text += cat(way.way.id, way.way.seeds > 1 ? cat(", ", way.way.seeds, " seeds") : "", "\n");
  }
  if (inputs->depth) {
    text += cat(kDepthId, ", ", inputs->depth->examples.size(), " rows, ", inputs->depth->entities,
                "\n");
  }
  for (const LeftOut& left : inputs->plan.left_out) {
    text += cat("left out: ", left.id, " (", left.reason, ")\n");
  }
  return text;
}

}  // namespace unlearn::run
