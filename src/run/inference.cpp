#include "unlearn/run/inference.h"

#include "unlearn/checkpoint/finite.h"
#include "unlearn/core/error.h"
#include "unlearn/model/lora.h"
#include "unlearn/run/device.h"
#include "unlearn/run/prepare.h"
#include "unlearn/run/prompt_template.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

void check_finite(const model::CausalLM& model, const std::string& folder) {
  for (const auto& entry : model.named_parameters()) {
    if (checkpoint::has_nonfinite(entry.value())) {
      user_error(folder, ": tensor '", entry.key(),
                 "' holds NaN or infinities; the model is damaged");
    }
  }
}

}  // namespace

const tokenizer::Tokenizer& LoadedModel::text_tokenizer() const {
  if (tokenizer == nullptr) {
    user_error(
        "the model's folder has no tokenizer.json, no tokenizer.model, and no vocab.json with ",
        "merges.txt: without a tokenizer only rows of input_ids can be read");
  }
  return *tokenizer;
}

LoadedModel open_model(const RunConfig& config, const InferenceOptions& options) {
  const std::string& folder = config.model.path;
  const torch::Device device = resolve_device(options.device);
  LoadedModel loaded;
  if (!fs::is_directory(folder) || tokenizer::has_tokenizer(folder)) {
    loaded.tokenizer =
        tokenizer::load_tokenizer(folder, resolve_rules(config.model.tokenizer, folder));
    loaded.stops = loaded.tokenizer->special().stops;
  } else {
    loaded.stops = tokenizer::model_special_ids(folder).stops;
  }
  loaded.folder = folder;
  check_model(folder, config.model.strict);
  if (!options.adapter.empty()) model::check_adapter(folder, options.adapter);
  loaded.prompt_template = resolve_template(config, folder, ForeignChat::kWarn);
  loaded.model = model::load_model(folder, resolve_dtype(options.dtype, device), device);
  if (!options.adapter.empty()) model::merge_adapter(*loaded.model, options.adapter);
  check_finite(*loaded.model, folder);
  loaded.model->eval();
  return loaded;
}

std::shared_ptr<model::CausalLM> open_second_model(const std::string& folder,
                                                   const LoadedModel& first, bool is_strict,
                                                   const std::string& flag) {
  const torch::Tensor weight = first.model->head().weight;
  check_model(folder, is_strict);
  auto model = model::load_model(folder, weight.scalar_type(), weight.device());
  check_finite(*model, folder);
  if (model->dims().vocab_size != first.model->dims().vocab_size) {
    user_error(flag, ": ", folder, " has a vocabulary of ", model->dims().vocab_size,
               " tokens, --model one of ", first.model->dims().vocab_size);
  }
  return model;
}

}  // namespace unlearn::run
