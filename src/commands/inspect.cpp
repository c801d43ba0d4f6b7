// unlearn inspect: what a checkpoint folder holds, from its headers alone.
#include <algorithm>
#include <iostream>

#include "commands/cli.h"
#include "commands/prompt_template.h"
#include "commands/run_config.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::commands {
namespace {

Json describe_tokenizer(const std::filesystem::path& folder) {
  try {
    const auto tok = tokenizer::load_tokenizer(folder, resolve_rules(std::nullopt, folder));
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

constexpr size_t kLabelWidth = 20;

std::string plain(const Json& value) {
  if (value.is_null()) return "none";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (const Json& entry : value) parts.push_back(plain(entry));
  return parts.empty() ? "none" : join(parts, ", ");
}

void print_line(std::string label, const std::string& value) {
  std::replace(label.begin(), label.end(), '_', ' ');
  if (label.size() < kLabelWidth) label.resize(kLabelWidth, ' ');
  std::cout << label << " " << value << "\n";
}

// One line a fact, and one for each tensor, finding and entry of an object.
void print_text(const Json& facts) {
  for (const auto& [key, value] : facts.items()) {
    if (value.is_object()) {
      for (const auto& [name, entry] : value.items()) print_line(cat(key, " ", name), plain(entry));
    } else if (value.is_array() && value.size() > 1) {
      for (const Json& entry : value) print_line(key, plain(entry));
    } else {
      print_line(key, plain(value));
    }
  }
}

}  // namespace

int run_inspect(std::vector<std::string> arguments) {
  SharedFlags flags;
  std::string folder;
  bool as_json = false;
  Flags app("what a checkpoint folder holds", "inspect");
  app.add_option("folder", folder, "Hugging Face model folder").required();
  app.add_flag("--json", as_json, "as JSON");
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  const Json facts = describe_folder(folder);
  if (as_json) {
    std::cout << facts.dump(2) << "\n";
  } else {
    print_text(facts);
  }
  return 0;
}

}  // namespace unlearn::commands
