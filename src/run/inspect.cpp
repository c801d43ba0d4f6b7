#include "unlearn/run/inspect.h"

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::run {
namespace {

Json describe_tokenizer(const std::filesystem::path& folder) {
  try {
    const auto tok = tokenizer::load_tokenizer(folder, resolve_rules("auto", folder));
    const auto& special = tok->special();
    const auto id = [](const std::optional<int32_t>& value) {
      return value ? Json(*value) : Json();
    };
    return {{"kind", tok->kind()},    {"vocab_size", tok->vocab_size()}, {"bos", id(special.bos)},
            {"eos", id(special.eos)}, {"stops", special.stops},          {"pad", id(special.pad)}};
  } catch (const UserError& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

Json describe_folder(const std::filesystem::path& folder) {
  const checkpoint::HfConfig config = checkpoint::open_hf_folder(folder);
  const checkpoint::TensorStore store(folder);
  std::map<std::string, int64_t> dtypes;
  int64_t parameters = 0;
  for (const std::string& name : store.names()) {
    const checkpoint::TensorInfo& info = store.info(name);
    parameters += info.elements();
    dtypes[checkpoint::dtype_name(info.dtype)] += info.elements();
  }
  const model::FamilyInfo& family = model::family_of(config.json());
  const model::LoadReport report = model::check_model_folder(folder);
  return {
      {"folder", folder.string()},         {"family", family.name},
      {"model_type", config.model_type()}, {"template", model::prompt_template_of(config.json())},
      {"parameters", parameters},          {"tensors", store.names().size()},
      {"elements_by_dtype", dtypes},       {"tokenizer", describe_tokenizer(folder)},
      {"missing_tensors", report.missing}, {"unused_tensors", report.unused},
      {"findings", report.oddities}};
}

}  // namespace unlearn::run
