// Models from and to Hugging Face folders.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include "model/family.h"
#include "model/linear_layers.h"
#include "model/stored_weights.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/folder_writer.h"
#include "unlearn/core/rng.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/model/model_source.h"
#include "unlearn/model/weight_format.h"
#include "unlearn/runtime/dropout.h"
#include "unlearn/runtime/staged_copy.h"

namespace unlearn::model {
namespace fs = std::filesystem;
namespace {

using checkpoint::HfConfig;
using checkpoint::TensorInfo;
using checkpoint::TensorStore;

// What a save must say of the head: a tied config's model may have one of its own.
Json saved_config(const CausalLM& model, const HfConfig& source, torch::Dtype dtype) {
  Json json = checkpoint::portable_config(source, dtype, find_family(source).rope_keys);
  const bool tied = model.dims().tied_embeddings;
  if (build_shapes(source)->dims().tied_embeddings != tied) json["tie_word_embeddings"] = tied;
  return json;
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
                                     torch::Device device, const WeightFormat* linear_format) {
  const HfConfig stated = checkpoint::open_hf_folder(folder);
  const TensorStore store(folder);
  const HfConfig config = with_stored_ties(stated, store);
  // Everything is compared by headers before memory is taken.
  const LoadReport report = compare_by_headers(*build_shapes(config), store);
  if (!report.missing.empty()) {
    user_error(folder.string(), ": tensors are missing: ", list_names(report.missing));
  }
  // What will be packed is never touched where it was allocated: on the CPU that costs no memory.
  const auto model =
      find_family(config).build(config, {dtype, linear_format == nullptr ? device : torch::kCPU});
  const torch::NoGradGuard no_grad;
  if (linear_format != nullptr) {
    for (const LinearLayer& layer : linear_layers(*model)) {
      const std::string name = stored_name(*model, store, layer.name + ".weight");
      layer.linear->pack(store.view(name).to(dtype), *linear_format, device,
                         cat(store.file_of(name).string(), ": tensor '", name, "'"));
      store.release(name);
    }
  }
  runtime::StagedCopy staged(linear_format == nullptr ? device : torch::kCPU);
  for (auto& entry : model->named_parameters()) {
    const std::string name = stored_name(*model, store, entry.key());
    staged.copy(entry.value(), store.view(name));
    store.release(name);
  }
  store.check_unchanged();
  if (linear_format != nullptr) model->to(device);
  return model;
}

Json model_config(const fs::path& folder) {
  const HfConfig config = checkpoint::open_hf_folder(folder);
  return with_stored_ties(config, TensorStore(folder)).json();
}

LoadReport check_model_folder(const fs::path& folder) {
  return summarize_model_folder(folder).report;
}

FolderSummary summarize_model_folder(const fs::path& folder) {
  const HfConfig stated = checkpoint::open_hf_folder(folder);
  const TensorStore store(folder);
  const HfConfig config = with_stored_ties(stated, store);
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
  summary.report = compare_by_headers(*model, store);
  if (build_shapes(stated)->dims().tied_embeddings != summary.dims.tied_embeddings) {
    summary.report.oddities.push_back(
        cat("tie_word_embeddings is true, but the stored '", model->head_name(),
            ".weight' is not the embedding; it is taken, as transformers 5 does (4.x drops it)"));
  }
  if (fs::exists(folder / kAdapterConfig)) {
    summary.report.oddities.push_back(cat(
        kAdapterConfig, " lies beside the weights; that adapter is not added (--adapter does)"));
  }
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
  writer.add("config.json", write_hashed_file(writer.path() / "config.json",
                                              saved_config(model, config_, dtype).dump(2) + "\n"));
  writer.add(checkpoint::write_files(writer.path(), companions_));
  writer.add(checkpoint::write_tensor_folder(writer.path(), tensors, dtype, max_shard_bytes));
  writer.commit();
}

void save_model(const CausalLM& model, const fs::path& source_folder, const fs::path& destination,
                torch::Dtype dtype, int64_t max_shard_bytes, bool replace) {
  ModelSource(source_folder).save(model, destination, dtype, max_shard_bytes, replace);
}

}  // namespace unlearn::model
