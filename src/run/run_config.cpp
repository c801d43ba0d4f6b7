#include "unlearn/run/run_config.h"

#include "run/method_settings.h"
#include "run/stopping.h"
#include "unlearn/core/error.h"
#include "unlearn/losses/compat.h"
#include "unlearn/model/weight_format.h"
#include "unlearn/run/catalogue.h"

namespace unlearn::run {
namespace {

using config::Settings;
using config::SettingsReader;

constexpr const char* kDefaultMethod = "simnpo";
constexpr const char* kFinetuneMethod = "nll";

// What training and evaluation share.
void read_model_and_data(const Settings& settings, SettingsReader& reader, RunConfig& run) {
  const auto is_template_part = [](const auto& entry) {
    return entry.first.starts_with("model.template.");
  };
  if (std::any_of(settings.values().begin(), settings.values().end(), is_template_part)) {
    run.custom_template = data::template_from_json(reader.subtree("model.template"));
    run.model.prompt_template = "custom";
  }
  reader.read("model", run.model);
  reader.read("data", run.data);
  reader.read("data", run.left_out);
  reader.read("eval", run.eval);
  struct Root {
    RunConfig& run;
    void visit(config::FieldVisitor& v) {
      v.field("output", run.output, {.help = "run folder"});
      v.field("device", run.device, {.help = "auto, cpu, cuda or cuda:N"});
    }
  } root{run};
  reader.read("", root);
  run.model.path = find_bundled(run.model.path);
  run.data.root = find_bundled(run.data.root);
}

void read_sections(const Settings& settings, RunConfig& run, bool finetune) {
  SettingsReader reader(settings);
  read_model_and_data(settings, reader, run);
  reader.read("train", run.train);
  reader.read("method", *run.loss);
  reader.claim("method.name");
  if (finetune) reader.claim("method");  // a shared config may hold an unlearning method
  reader.refuse_unknown();
  losses::enable_quirks(*run.loss, run.method, run.train.compat);
  run.loss->check();
  run.train.check();
  run.eval.check();
  const bool own_reference = !run.model.reference.empty() || run.model.reference_perturb > 0;
  if (own_reference && !run.loss->needs().any_reference()) {
    user_error("model.reference: ", run.method, " as configured uses no reference model");
  }
}

// What LoRA does not go together with.
void check_lora(const RunConfig& run) {
  if (run.model.init == Init::kRandom) {
    user_error("train.lora.rank: model.init: random has no base worth freezing; use 0");
  }
  const model::WeightFormat* format = run.train.base_format();
  if (!run.model.adapter.empty() && format != nullptr) {
    const char* key = run.train.lora_base_bits != 0 ? "base_bits" : "base_format";
    user_error("model.adapter: cannot be added into a base of ", format->bits,
               " bits; merge it first (unset train.lora.", key, ", or use a merged model)");
  }
}

}  // namespace

void ModelConfig::visit(config::FieldVisitor& v) {
  v.field("path", path, {.help = "Hugging Face model folder"});
  v.field("adapter", adapter,
          {.help = "LoRA adapter folder (PEFT's format) to add into the weights when loading"});
  v.field("dtype", dtype, kDtypes,
          {.help = "training precision; auto: float32 on the CPU, bfloat16 on CUDA"});
  if (prompt_template != "custom") {
    v.field("template", prompt_template,
            {.help = "prompt template: auto (by family), a name, or a map {question_start, "
                     "question_end, answer_tag}"});
  }
  v.field(
      "tokenizer", tokenizer, kTokenizerRules,
      {.help = "whose rules read the tokenizer's files where they differ: auto is those of the run "
               "that wrote the model, else transformers5"});
  v.field("reference", reference,
          {.help = "model folder of the reference; empty: the model before its first step"});
  v.field("reference_perturb", reference_perturb,
          {.help = "share of a random Gaussian-weight model in the reference (the paper's "
                   "appendix B: 0.5)",
           .min = 0,
           .max = 1});
  v.field("save_dtype", save_dtype, kSavedDtypes,
          {.help = "precision of the saved model; auto: that of model.path, or the training "
                   "precision where that has fewer bits"});
  v.field(
      "strict", strict,
      {.help = "refuse a folder with tensors that have no place in the model, or whose index or "
               "config.json disagrees with them, instead of warning"});
  v.field("init", init, kInits,
          {.help = "random: new weights from config.json and train.seed (finetune), the folder "
                   "needs none"});
}

void TrainingRows::set(const std::vector<int64_t>& rows) {
  exclude.clear();
  for (const int64_t row : rows) exclude.push_back(std::to_string(row));
}

void TrainingRows::visit(config::FieldVisitor& v) {
  v.field("exclude", exclude,
          {.help = "rows that are not trained on, of data.train (finetune) or data.forget (train): "
                   "numbers from 0, content hashes, or a file with one per line; their places in "
                   "the order of the data stay empty"});
}

RunConfig resolve_evaluation(const Settings& user) {
  RunConfig run;
  SettingsReader reader(user);
  read_model_and_data(user, reader, run);
  reader.read("train", run.train);
  reader.claim("method");
  reader.refuse_unknown();
  run.eval.check();
  return run;
}

RunConfig resolve_run(const Settings& user, Purpose purpose) {
  Settings given = user;
  drop_earlier_warmup(given);
  const bool finetune = purpose == Purpose::kFinetune;
  const std::string spelling =
      finetune ? kFinetuneMethod : text_setting(given, "method.name", kDefaultMethod);
  const losses::Method& method = losses::find_method(spelling);
  const Settings own = finetune ? given : with_own_names(given, method, spelling);
  RunConfig run;
  run.purpose = purpose;
  run.method = method.info.name;
  run.loss = method.make();
  read_sections(layered_settings(own, method, spelling), run, finetune);
  if (run.model.path.empty()) user_error("no model: give --model DIR or model.path in the config");
  if (!finetune && run.model.init == Init::kRandom) {
    user_error("model.init: random weights have nothing to forget; use it with unlearn finetune");
  }
  if (run.train.lora_rank > 0) check_lora(run);
  if (run.train.stops()) check_stop(run);
  if (!run.left_out.exclude.empty() && run.train.averaging != train::Averaging::kExact) {
    user_error("data.exclude: with train.averaging: micro_batch_mean a row that is left out would ",
               "change the weight of those beside it in its micro-batch; use averaging: exact");
  }
  if (run.output.empty()) user_error("no run folder: give --output DIR or output in the config");
  return run;
}

Json RunConfig::resolved() const {
  const auto dump = [](auto section) {
    config::FieldDumper dumper;
    section.visit(dumper);
    return dumper.json();
  };
  Json json;
  json["model"] = dump(model);
  if (custom_template) {
    json["model"]["template"] = {{"question_start", custom_template->question_start},
                                 {"question_end", custom_template->question_end},
                                 {"answer_tag", custom_template->answer_tag}};
  }
  json["data"] = dump(data);
  json["data"].update(dump(left_out));
  json["method"] = {{"name", method}};
  config::FieldDumper method_fields;
  loss->visit(method_fields);
  json["method"].update(method_fields.json());
  json["train"] = dump(train);
  json["eval"] = dump(eval);
  json["output"] = output;
  json["device"] = device;
  return json;
}

Json RunConfig::fingerprint() const {
  Json json = resolved();
  json.erase("output");
  json.erase("device");
  // An evaluation that may end the training decides the result.
  if (train.stops()) {
    json["eval"].erase("at_end");
    json["eval"].erase("cache");
  } else {
    json.erase("eval");
  }
  // What changes no bit of the result may differ when a run is resumed.
  for (const char* key : {"save_every", "log_every", "recompute", "memory_gib"})
    json["train"].erase(key);
  if (!train.keeps_best()) json["train"].erase("keep");
  // Unset, they are left out, so that runs of versions without them can be resumed.
  if (!train.stops()) json["train"].erase("stop");
  if (train.gradient_sum != train::GradientSum::kFloat32) json["train"].erase("gradient_sum");
  if (train.fp8 == train::Fp8::kOff) json["train"].erase("fp8");
  if (left_out.exclude.empty()) json["data"].erase("exclude");
  json["model"].erase("save_dtype");
  json["data"].erase("allow_overlap");
  json["model"].erase("strict");
  return json;
}

}  // namespace unlearn::run
