// Models from and to Hugging Face folders.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <map>
#include <set>

#include "dropout.h"
#include "family.h"
#include "linear_layers.h"
#include "staged_copy.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/folder_writer.h"
#include "unlearn/core/rng.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/model/model_source.h"

namespace unlearn::model {
namespace fs = std::filesystem;
namespace {

using checkpoint::HfConfig;
using checkpoint::TensorInfo;
using checkpoint::TensorStore;

std::string shape_text(torch::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += cat(i == 0 ? "" : ", ", shape[i]);
  return text + "]";
}

bool is_float(torch::Dtype dtype) { return torch::isFloatingType(dtype); }

// Under which name a store holds a parameter: the same, or without the trunk's prefix in a file of
// the trunk alone.
std::string stored_name(const Decoder& model, const TensorStore& store, const std::string& name) {
  return store.contains(name) ? name : model.trunk_name(name);
}

// Compares a model's parameters with the tensors of a folder by their headers.
LoadReport compare(const Decoder& model, const TensorStore& store) {
  LoadReport report;
  std::map<std::string, torch::Tensor> parameters;
  std::set<std::string> used;
  for (const auto& entry : model.named_parameters()) parameters[entry.key()] = entry.value();
  for (const auto& [own_name, parameter] : parameters) {
    const std::string name = stored_name(model, store, own_name);
    if (!store.contains(name)) {
      report.missing.push_back(own_name);
      continue;
    }
    used.insert(name);
    const TensorInfo& info = store.info(name);
    const std::string where = cat(store.file_of(name).string(), ": tensor '", name, "': ");
    if (parameter.sizes() != torch::IntArrayRef(info.shape)) {
      user_error(where, "has shape ", shape_text(info.shape), ", config.json asks for ",
                 shape_text(parameter.sizes()));
    }
    if (!is_float(info.dtype)) {
      user_error(where, "has dtype ", checkpoint::dtype_name(info.dtype),
                 ", a floating-point dtype is needed (quantised weights are not supported)");
    }
  }
  for (const std::string& name : store.names()) {
    if (!used.contains(name) && !model.is_known_extra(name)) report.unused.push_back(name);
  }
  return report;
}

std::string list_names(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    text += cat(i == 0 ? "'" : ", '", names[i], "'");
  }
  return names.size() > kShown ? cat(text, " and ", names.size() - kShown, " more") : text;
}

// A model without memory behind its parameters, for names and shapes.
std::shared_ptr<Decoder> build_shapes(const HfConfig& config) {
  return find_family(config).build(config, {torch::kFloat32, torch::kMeta});
}

}  // namespace

std::shared_ptr<CausalLM> make_model(const Json& hf_config, uint64_t seed) {
  const HfConfig config(hf_config);
  const double deviation = config.number_or("initializer_range", 0.02);
  const auto model = find_family(config).build(config, Placement{});
  const auto parameters = model->named_parameters();
  // ATen fills a CPU tensor from one generator in order, so each parameter is one thread's work.
  at::parallel_for(0, static_cast<int64_t>(parameters.size()), 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;
    for (int64_t i = begin; i < end; ++i) {
      const auto& entry = parameters[static_cast<size_t>(i)];
      torch::Tensor parameter = entry.value();
      if (parameter.dim() < 2) {
        parameter.fill_(entry.key().ends_with("bias") ? 0.0 : model->norm_start());
      } else {
        auto generator = at::detail::createCPUGenerator(mix_bits(seed, name_hash(entry.key())));
        parameter.normal_(0.0, deviation, generator);
      }
    }
  });
  return model;
}

std::shared_ptr<CausalLM> load_model(const fs::path& folder, torch::Dtype dtype,
                                     torch::Device device, int64_t linear_bits) {
  const HfConfig config = checkpoint::open_hf_folder(folder);
  const TensorStore store(folder);
  // Everything is compared by headers before memory is taken.
  const LoadReport report = compare(*build_shapes(config), store);
  if (!report.missing.empty()) {
    user_error(folder.string(), ": tensors are missing: ", list_names(report.missing));
  }
  if (!report.unused.empty()) {
    user_error(folder.string(),
               ": tensors that this model does not have: ", list_names(report.unused));
  }
  // What will be packed is never touched where it was allocated: on the CPU that costs no memory.
  const auto model =
      find_family(config).build(config, {dtype, linear_bits == 0 ? device : torch::kCPU});
  const torch::NoGradGuard no_grad;
  if (linear_bits != 0) {
    for (const LinearLayer& layer : linear_layers(*model)) {
      const std::string name = stored_name(*model, store, layer.name + ".weight");
      layer.linear->pack(store.view(name).to(dtype), linear_bits, device);
      store.release(name);
    }
  }
  StagedCopy staged(linear_bits == 0 ? device : torch::kCPU);
  for (auto& entry : model->named_parameters()) {
    const std::string name = stored_name(*model, store, entry.key());
    staged.copy(entry.value(), store.view(name));
    store.release(name);
  }
  store.check_unchanged();
  if (linear_bits != 0) model->to(device);
  return model;
}

LoadReport check_model_folder(const fs::path& folder) {
  const HfConfig config = checkpoint::open_hf_folder(folder);
  return compare(*build_shapes(config), TensorStore(folder));
}

FolderSummary summarize_model_folder(const fs::path& folder) {
  const HfConfig config = checkpoint::open_hf_folder(folder);
  const TensorStore store(folder);
  const auto model = build_shapes(config);
  FolderSummary summary;
  summary.family = find_family(config).info.name;
  summary.dims = model->dims();
  summary.parameters = count_parameters(*model);
  for (const std::string& name : store.names()) {
    const TensorInfo& info = store.info(name);
    summary.elements_by_dtype[checkpoint::dtype_name(info.dtype)] += info.elements();
    summary.bytes += static_cast<int64_t>(info.end - info.begin);
  }
  summary.report = compare(*model, store);
  return summary;
}

int64_t count_parameters(const CausalLM& model) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : model.parameters()) count += parameter.numel();
  return count;
}

ModelSource::ModelSource(const fs::path& folder)
    : config_(checkpoint::open_hf_folder(folder)),
      companions_(checkpoint::read_companion_files(folder)) {}

void ModelSource::save(const CausalLM& model, const fs::path& destination, torch::Dtype dtype,
                       int64_t max_shard_bytes, bool replace) const {
  std::vector<checkpoint::NamedTensor> tensors;
  for (const auto& entry : model.named_parameters()) {
    tensors.push_back({entry.key(), entry.value()});
  }
  FolderWriter writer(destination, replace ? ExistingFolder::kYield : ExistingFolder::kRefuse);
  const Json written = checkpoint::portable_config(config_, dtype, find_family(config_).rope_keys);
  writer.add("config.json",
             write_hashed_file(writer.path() / "config.json", written.dump(2) + "\n"));
  writer.add(checkpoint::write_files(writer.path(), companions_));
  writer.add(checkpoint::write_tensor_folder(writer.path(), tensors, dtype, max_shard_bytes));
  writer.commit();
}

void save_model(const CausalLM& model, const fs::path& source_folder, const fs::path& destination,
                torch::Dtype dtype, int64_t max_shard_bytes, bool replace) {
  ModelSource(source_folder).save(model, destination, dtype, max_shard_bytes, replace);
}

}  // namespace unlearn::model
