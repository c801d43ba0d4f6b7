// A model folder whose weights are what a copy of few bits would compute with.
#include <map>

#include "model/family.h"
#include "model/linear_layers.h"
#include "model/stored_weights.h"
#include "unlearn/checkpoint/finite.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/folder_writer.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {
namespace fs = std::filesystem;
namespace {

using checkpoint::TensorStore;

// The stored tensors that linear layers read, and how they lie.
std::map<std::string, WeightLayout> stored_matrices(const checkpoint::HfConfig& config,
                                                    const TensorStore& store,
                                                    const fs::path& folder) {
  const auto model = build_shapes(with_stored_ties(config, store));
  const LoadReport report = compare_by_headers(*model, store);
  if (!report.missing.empty()) {
    user_error(folder.string(), ": tensors are missing: ", list_names(report.missing));
  }
  std::map<std::string, WeightLayout> matrices;
  for (const LinearLayer& layer : linear_layers(*model)) {
    matrices.emplace(stored_name(*model, store, layer.name + ".weight"), layer.linear->layout());
  }
  return matrices;
}

torch::Tensor round_tensor(const torch::Tensor& tensor, WeightLayout layout,
                           const WeightFormat& format, const std::string& where,
                           RoundingReport& report) {
  const auto turned = [&](const torch::Tensor& matrix) {
    return layout == WeightLayout::kOutIn ? matrix : matrix.t();
  };
  const torch::Tensor exact = tensor.to(torch::kFloat);
  const torch::Tensor rounded =
      turned(PackedMatrix::pack(format, turned(exact), where).unpack()).contiguous();
  ++report.tensors;
  report.weights += exact.numel();
  report.squared_error += (rounded - exact).square().sum(torch::kDouble).item<double>();
  report.squared_weights += exact.square().sum(torch::kDouble).item<double>();
  return rounded.to(tensor.scalar_type());
}

}  // namespace

RoundingReport write_rounded_copy(const fs::path& source, const WeightFormat& format,
                                  const fs::path& destination, bool replace) {
  const checkpoint::HfConfig config = checkpoint::open_hf_folder(source);
  const TensorStore store(source);
  const auto matrices = stored_matrices(config, store, source);
  FolderWriter writer(destination, replace ? ExistingFolder::kReplace : ExistingFolder::kRefuse,
                      {source});
  RoundingReport report;
  std::vector<checkpoint::NamedTensor> tensors;
  torch::Dtype dtype = torch::kFloat;
  for (const std::string& name : store.names()) {
    const torch::Tensor tensor = store.view(name);
    const std::string where = cat(store.file_of(name).string(), ": tensor '", name, "'");
    if (checkpoint::has_nonfinite(tensor)) {
      user_error(where, " holds NaN or infinities; the model is damaged");
    }
    const auto matrix = matrices.find(name);
    if (matrix != matrices.end()) {
      dtype = tensor.scalar_type();
      tensors.push_back({name, round_tensor(tensor, matrix->second, format, where, report)});
    } else {
      tensors.push_back({name, tensor.clone()});
    }
    store.release(name);
  }
  store.check_unchanged();
  const Json written = checkpoint::portable_config(config, dtype, find_family(config).rope_keys);
  writer.add("config.json",
             write_hashed_file(writer.path() / "config.json", written.dump(2) + "\n"));
  writer.add(checkpoint::copy_companion_files(source, writer.path()));
  writer.add(
      checkpoint::write_tensor_folder(writer.path(), tensors, dtype, checkpoint::kLargestShard));
  writer.commit();
  return report;
}

void round_weights(CausalLM& model, const WeightFormat& format) {
  const torch::NoGradGuard no_grad;
  for (const LinearLayer& layer : linear_layers(model)) {
    torch::Tensor matrix = layer.linear->matrix();
    matrix.copy_(PackedMatrix::pack(format, matrix.to(torch::kFloat), layer.name).unpack());
  }
}

}  // namespace unlearn::model
