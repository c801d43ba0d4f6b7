// "Did you mean": the nearest name that a typing error leads from, and other programs' words.
#include <algorithm>
#include <numeric>

#include "unlearn/core/strings.h"

namespace unlearn {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

// Empty: none is near enough.
std::string nearest_within(std::string_view name, const std::vector<std::string>& candidates,
                           size_t limit) {
  std::string best;
  size_t best_distance = std::string::npos;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(to_lower(name), to_lower(candidate));
    if (distance <= limit && distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

// A typing error changes a letter or two, and leaves one of a short word.
size_t largest_distance(const std::string& typed) {
  return typed.empty() ? 0 : std::min<size_t>(2, typed.size() - 1);
}

// "--learning-rate" and "train.learning_rate" are both a "learning_rate".
std::string last_part(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  std::string part = to_lower(name.substr(name.rfind('.') + 1));
  std::replace(part.begin(), part.end(), '-', '_');
  return part;
}

std::string candidate_called(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty()) return "";
  for (const std::string& candidate : candidates) {
    if (last_part(candidate) == word) return candidate;
  }
  return "";
}

// What other programs of the field call it, and what people type.
struct OtherWord {
  const char* typed;
  const char* meant;
  const char* note = "";
};
constexpr const char* kWholeStep = "it counts the forget rows of a whole optimizer step";
constexpr OtherWord kOtherWords[] = {
    {"learning_rate", "lr"},
    {"num_train_epochs", "epochs"},
    {"num_epochs", "epochs"},
    {"per_device_train_batch_size", "batch_size", kWholeStep},
    {"per_device_batch_size", "batch_size", kWholeStep},
    {"train_batch_size", "batch_size", kWholeStep},
    {"gradient_accumulation_steps", "batch_size", kWholeStep},
    {"bs", "batch_size", kWholeStep},
    {"micro_batch_size", "batch_tokens", "micro-batches are cut by it"},
    {"lr_scheduler_type", "schedule"},
    {"lr_scheduler", "schedule"},
    {"scheduler", "schedule"},
    {"warmup_ratio", "warmup_epochs"},
    {"optim", "optimizer"},
    {"gradient_clipping", "max_grad_norm"},
    {"max_norm", "max_grad_norm"},
    {"gradient_checkpointing", "recompute"},
    {"logging_steps", "log_every"},
    {"save_steps", "save_every"},
    {"save_strategy", "save_every"},
    {"save_total_limit", "keep"},
    {"eval_steps", "every"},
    {"eval_strategy", "every"},
    {"resume_from_checkpoint", "resume"},
    {"overwrite_output_dir", "overwrite"},
    {"output_dir", "output"},
    {"save_dir", "output"},
    {"out", "output"},
    {"model_name_or_path", "model"},
    {"model_name_or_path", "path"},
    {"pretrained_model_name_or_path", "model"},
    {"pretrained_model_name_or_path", "path"},
    {"model_path", "model"},
    {"model_path", "path"},
    {"model_family", "template"},
    {"torch_dtype", "dtype"},
    {"bf16", "dtype"},
    {"fp16", "dtype"},
    {"max_seq_length", "max_length"},
    {"max_seq_len", "max_length"},
    {"max_len", "max_length"},
    {"max_tokens", "max_new_tokens"},
    {"data_path", "data"},
    {"data_dir", "data"},
    {"split", "forget"},
    {"forget_split", "forget"},
    {"forget_file", "forget"},
    {"retain_split", "retain"},
    {"retain_file", "retain"},
    {"retain_logs_path", "retain_log"},
    {"forget_loss", "method"},
    {"forget_loss", "name"},
    {"trainer", "method"},
    {"loss_type", "name"},
    {"unlearn_method", "method"},
    {"algo", "method"},
    {"lora_r", "rank"},
    {"r", "rank"},
    {"lora_alpha", "alpha"},
    {"lora_dropout", "dropout"},
    {"target_modules", "targets"},
    {"world_size", "nproc"},
    {"nproc_per_node", "nproc"},
    {"num_processes", "nproc"},
    {"gpu", "device"},
    {"cuda", "device"},
    {"v", "version"},
    {"verbose", "log_level"},
    {"evaluate", "eval"},
    {"evaluation", "eval"},
    {"unlearn", "train"},
    {"run", "train"},
    {"sft", "finetune"},
    {"fine_tuning", "finetune"},
    {"compare", "report"},
    {"quantize", "quantise"},
    {"completions", "completion"},
    {"autocomplete", "completion"},
    {"manpage", "man"},
};

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  return nearest_within(name, candidates, std::string::npos);
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const auto suggestion = [](const std::string& text, const char* note) {
    return cat(" (did you mean '", text, "'?", *note == '\0' ? "" : " ", note, ")");
  };
  const std::string typed = last_part(name);
  if (const std::string same = candidate_called(typed, candidates); !same.empty()) {
    return suggestion(same, "");
  }
  for (const OtherWord& word : kOtherWords) {
    if (typed != word.typed) continue;
    const std::string meant = candidate_called(word.meant, candidates);
    if (!meant.empty()) return suggestion(meant, word.note);
  }
  const std::string found = nearest_within(name, candidates, largest_distance(typed));
  return found.empty() ? "" : suggestion(found, "");
}

}  // namespace unlearn
