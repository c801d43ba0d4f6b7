#include "run/remove/removal_plan.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "run/forget/verdict_files.h"
#include "run/run_start.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/data/exclusion.h"
#include "unlearn/data/layout.h"
#include "unlearn/data/row_file.h"
#include "unlearn/run/device.h"
#include "unlearn/run/progress.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/run/version.h"
#include "unlearn/train/checkpoint.h"
#include "unlearn/train/resume.h"
#include "unlearn/train/trainer_inputs.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRowsFlag = "--rows";
constexpr const char* kRemoveOrigin = "unlearn remove";

std::string absolute_text(const fs::path& path) {
  return (fs::absolute(path).lexically_normal() / "").parent_path().string();
}

// With which the rows of a training file are read.
struct RowReader {
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  data::Template prompt_template;

  explicit RowReader(const RunConfig& config)
      : tokenizer(tokenizer::load_tokenizer(
            config.model.path, resolve_rules(config.model.tokenizer, config.model.path))),
        prompt_template(resolve_template(
            config, config.model.path,
            config.data.chosen().reads_template ? ForeignChat::kRefuse : ForeignChat::kIgnore)) {}
};

data::Split read_training_rows(const RunConfig& config, const RowReader& reader) {
  const int64_t vocab_size = checkpoint::open_hf_folder(config.model.path).size("vocab_size");
  return *data::load_splits(config.data, config.data.chosen().layout, {.train = true},
                            *reader.tokenizer, reader.prompt_template, vocab_size)
              .train;
}

// The rows of a file of people's rows, each found among the training rows.
data::RowNames matching_rows(const RunConfig& config, const RowReader& reader,
                             const std::map<int64_t, std::string>& hashes, const fs::path& train,
                             const fs::path& file) {
  const data::Split wanted = config.data.chosen().layout.read(
      {config.data, *reader.tokenizer, reader.prompt_template}, file);
  std::set<std::string> known;
  for (const auto& [row, hash] : hashes) known.insert(hash);
  data::RowNames names;
  for (const auto& [row, hash] : data::row_hashes(wanted, kRowsFlag)) {
    if (!known.contains(hash)) {
      user_error(kRowsFlag, ": row ", row, " of ", file.string(), " is no row of ", train.string(),
                 ", which the run was trained on; its text must be the same to the character");
    }
    names.hashes.push_back(hash);
  }
  return names;
}

data::RowNames asked_rows(const RunConfig& config, const RowReader& reader,
                          const std::map<int64_t, std::string>& hashes, const fs::path& train,
                          const std::string& rows) {
  std::error_code ignored;
  const bool is_file = fs::is_regular_file(rows, ignored);
  if (!is_file || data::holds_row_names(data::read_data_file(rows))) {
    return data::read_row_names({rows}, kRowsFlag);
  }
  return matching_rows(config, reader, hashes, train, rows);
}

std::vector<int64_t> rows_in(const std::vector<std::string>& exclude, const fs::path& file,
                             const std::map<int64_t, std::string>& hashes) {
  return data::find_rows(hashes, data::read_row_names(exclude, "data.exclude"), file,
                         "data.exclude");
}

// A run whose checkpoints may serve: its folder, and what it left out.
struct Ancestor {
  train::RunFolder folder;
  std::vector<int64_t> excluded;
};

// The run, and those that it was itself made from by removals, as far as they are still there.
std::vector<Ancestor> ancestors(const fs::path& run, const fs::path& file,
                                const std::map<int64_t, std::string>& hashes) {
  std::vector<Ancestor> found;
  std::set<std::string> seen;
  std::string next = absolute_text(run);
  while (!next.empty() && seen.insert(next).second) {
    try {
      const RunConfig config = recorded_config(next, next);
      found.push_back(
          {train::RunFolder::for_reading(next), rows_in(config.left_out.exclude, file, hashes)});
    } catch (const UserError& error) {
      if (found.empty()) throw;
      log::warn(error.what(), "; its checkpoints are not used");
      break;
    }
    const auto removal = removal_of(found.back().folder);
    next = removal ? removal->run : "";
  }
  return found;
}

// How many steps are made before the first that uses one of the rows of `all` that are not in
// `before`.
std::optional<int64_t> steps_before_use(const RunConfig& config, const PreparedRun& run,
                                        const std::vector<int64_t>& all,
                                        const std::vector<int64_t>& before) {
  std::vector<int64_t> fresh;
  std::set_difference(all.begin(), all.end(), before.begin(), before.end(),
                      std::back_inserter(fresh));
  const std::vector<char> marks = data::examples_of_rows(run.leading(), fresh, kRowsFlag);
  train::TrainerInputs inputs = trainer_inputs(config, run);
  inputs.data.excluded = &marks;
  return train::steps_before_excluded(inputs);
}

// The newest checkpoint of all that a training without the rows passes through.
void choose_start(const PreparedRun& run, const std::vector<int64_t>& all,
                  const std::vector<Ancestor>& runs, RemovalPlan& plan) {
  Removal& removal = plan.removal;
  // What its evaluations ended is trained from the beginning: they are not in the checkpoints.
  if (plan.config.train.stops()) return;
  for (const Ancestor& ancestor : runs) {
    const int64_t last =
        steps_before_use(plan.config, run, all, ancestor.excluded).value_or(run.plan.total);
    const auto step = train::whole_checkpoint_before(ancestor.folder, last);
    if (!step || *step <= removal.start_step) continue;
    const fs::path checkpoint = ancestor.folder.checkpoint(*step);
    const std::string difference = train::first_difference(
        without_exclusion(train::read_training_state(checkpoint).fingerprint),
        without_exclusion(plan.config.fingerprint()));
    if (!difference.empty()) {
      log::warn(checkpoint.string(), ": was made with other settings (", difference,
                "); it is not used");
      continue;
    }
    removal.start_step = *step;
    removal.checkpoint = absolute_text(checkpoint);
  }
}

double mean_seconds(const fs::path& run) {
  double sum = 0;
  int64_t count = 0;
  for_each_json_row(run / "metrics.jsonl", [&](int64_t, const Json& line) {
    const auto seconds = line.is_object() ? line.find("seconds") : line.end();
    if (!line.is_object() || seconds == line.end() || !seconds->is_number()) return;
    sum += seconds->get<double>();
    ++count;
  });
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

// Bits depend on what computed them.
void check_machine(const Json& run_json, torch::Device device) {
  const auto recorded = run_json.value("device", std::string());
  if (recorded.starts_with("cuda") != device.is_cuda()) {
    user_error("--run: the run was made on ", recorded, ", and a replay on ",
               device.is_cuda() ? "a GPU" : "the CPU", " would give other bits; give --device");
  }
  const auto version = run_json.value("version", std::string());
  if (version != version_text()) {
    log::warn("the run was made by version ", version, ", this is ", version_text(),
              ": a training from the beginning with this version may give other bits than a ",
              "replay");
  }
}

}  // namespace

RunConfig recorded_config(const fs::path& run, const fs::path& output) {
  if (!fs::exists(run / "run.json") || !fs::exists(run / "config.resolved.yaml")) {
    user_error("--run: ", run.string(), " is no run folder (run.json and config.resolved.yaml)");
  }
  const Json run_json = read_json(run / "run.json");
  const bool is_finetune = run_json.value("purpose", "") == kFinetunePurpose ||
                           run_json.value("command", "").starts_with("unlearn finetune ");
  if (!is_finetune) {
    user_error("--run: ", run.string(),
               " is no run of unlearn finetune; exact removal replays a fine-tuning");
  }
  const std::string status = run_json.value("status", "");
  if (status != kDone && status != kEvaluating) {
    user_error("--run: ", run.string(), " is not done (", status, "); finish it with unlearn ",
               "finetune --resume --output ", run.string());
  }
  auto settings = config::Settings::from_file(run / "config.resolved.yaml");
  settings.begin_layer();
  settings.set("output", output.string(), kRemoveOrigin);
  RunConfig config = resolve_run(settings, Purpose::kFinetune);
  if (!fs::exists(fs::path(config.model.path) / "config.json")) {
    user_error("--run: the model that ", run.string(), " began with, ", config.model.path,
               ", is not there; paths of a run are relative to where it was started");
  }
  return config;
}

data::Split training_rows(const RunConfig& config) {
  return read_training_rows(config, RowReader(config));
}

Json inputs_of_run(const fs::path& run, const fs::path& training_file,
                   const std::map<int64_t, std::string>& hashes) {
  Json inputs = read_json(run / "run.json").at("inputs_sha256");
  if (!fs::exists(run / kCertificateFile)) return inputs;
  const Json certificate = read_json(run / kCertificateFile);
  const auto excluded = certificate.at("excluded_rows").get<std::vector<int64_t>>();
  if (rows_sha256(hashes, excluded) == certificate.at("remaining_rows_sha256")) {
    inputs.erase(training_file.string());
  }
  return inputs;
}

RemovalPlan plan_removal(const RemoveRequest& request) {
  RemovalPlan plan;
  plan.config = recorded_config(request.run, request.output);
  const Json run_json = read_json(request.run / "run.json");
  const torch::Device device = resolve_device(plan.config.device);
  check_machine(run_json, device);

  const RowReader reader(plan.config);
  const data::Split rows = read_training_rows(plan.config, reader);
  const auto hashes = data::row_hashes(rows, kRowsFlag);
  const auto asked =
      data::find_rows(hashes, asked_rows(plan.config, reader, hashes, rows.file, request.rows),
                      rows.file, kRowsFlag);
  const std::vector<Ancestor> runs = ancestors(request.run, rows.file, hashes);
  const std::vector<int64_t>& before = runs.front().excluded;
  std::vector<int64_t> all;
  std::set_union(asked.begin(), asked.end(), before.begin(), before.end(), std::back_inserter(all));
  for (const int64_t row : asked) {
    if (std::binary_search(before.begin(), before.end(), row)) {
      user_error(kRowsFlag, ": row ", row, " is left out of ", request.run.string(), " already");
    }
    plan.removed[row] = hashes.at(row);
  }
  plan.config.left_out.set(all);

  PreparedRun run = prepare_model(plan.config, device);
  prepare_data(plan.config, run);
  prepare_steps(plan.config, run);
  plan.num_rows = static_cast<int64_t>(hashes.size());
  plan.total_steps = run.plan.total;
  plan.seconds_per_step = mean_seconds(request.run);
  const auto first_use = steps_before_use(plan.config, run, all, before);
  if (!first_use) {
    user_error(kRowsFlag, ": the run ended before it used any of these rows; its model is what a ",
               "training without them gives");
  }
  plan.nearest_step = *first_use;
  plan.inputs = inputs_of_run(request.run, rows.file, hashes);
  plan.removal.run = absolute_text(request.run);
  plan.removal.removed_rows = asked;
  plan.removal.first_use_step = *first_use + 1;
  plan.removal.run_version = run_json.value("version", "");
  choose_start(run, all, runs, plan);
  plan.removal.start_sha256 = plan.removal.checkpoint.empty()
                                  ? model_sha256(plan.config.model.path)
                                  : checkpoint_sha256(plan.removal.checkpoint);
  return plan;
}

std::string RemovalPlan::text() const {
  constexpr size_t kShown = 10;
  const int64_t replayed = total_steps - removal.start_step;
  std::vector<std::string> names;
  for (const auto& [row, hash] : removed) names.push_back(std::to_string(row));
  const size_t more = names.size() > kShown ? names.size() - kShown : 0;
  if (more > 0) names.resize(kShown);
  std::string text =
      cat("rows        ", removed.size(), " of ", num_rows, " to remove: ", join(names, ", "),
          more > 0 ? cat(" and ", more, " more") : "", "\n", "first used  in step ",
          removal.first_use_step, " of ", total_steps, "\n", "start       ",
          removal.checkpoint.empty()
              ? cat("the original model, ", config.model.path)
              : cat("the checkpoint after step ", removal.start_step, ", ", removal.checkpoint),
          "\n", "replay      ", counted(replayed, "step"), " of ", total_steps, ", ",
          number(100.0 * static_cast<double>(replayed) / static_cast<double>(total_steps), 3),
          " % of the run");
  if (seconds_per_step > 0) {
    text += cat(", about ", duration_text(seconds_per_step * static_cast<double>(replayed)),
                " at the ", number(seconds_per_step, 2), " s a step that it took");
  }
  text += "\n";
  if (nearest_step > removal.start_step && !config.train.stops()) {
    text += cat("            (a checkpoint after step ", nearest_step,
                " would do; train.save_every: first_use and train.keep: all keep those)\n");
  }
  return text + cat("output      ", config.output, "\n");
}

}  // namespace unlearn::run
