// unlearn quantise: a model folder whose weights are what an 8- or 4-bit copy would compute with.
#include "unlearn/checkpoint/quantise.h"

#include <cmath>
#include <iostream>

#include "commands/cli.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/folder_writer.h"

namespace unlearn::commands {
namespace {

struct QuantiseFlags {
  std::string model, output;
  int64_t bits = 8;
  bool overwrite = false;
};

// What rounding did, over all quantised weights.
struct QuantiseReport {
  int64_t tensors = 0;
  int64_t weights = 0;
  double squared_error = 0;
  double squared_weights = 0;
};

torch::Tensor quantise_tensor(const torch::Tensor& tensor, int64_t bits, QuantiseReport& report) {
  const torch::Tensor exact = tensor.to(torch::kFloat);
  torch::Tensor rounded =
      bits == 8 ? checkpoint::round_trip_int8(exact) : checkpoint::round_trip_nf4(exact);
  ++report.tensors;
  report.weights += exact.numel();
  report.squared_error += (rounded - exact).square().sum(torch::kDouble).item<double>();
  report.squared_weights += exact.square().sum(torch::kDouble).item<double>();
  return rounded.to(tensor.scalar_type());
}

QuantiseReport write_quantised(const QuantiseFlags& flags) {
  const checkpoint::HfConfig config = checkpoint::open_hf_folder(flags.model);
  const checkpoint::TensorStore store(flags.model);
  FolderWriter writer(flags.output,
                      flags.overwrite ? ExistingFolder::kReplace : ExistingFolder::kRefuse,
                      {flags.model});
  QuantiseReport report;
  std::vector<checkpoint::NamedTensor> tensors;
  torch::Dtype dtype = torch::kFloat;
  for (const std::string& name : store.names()) {
    const torch::Tensor tensor = store.view(name);
    if (checkpoint::is_quantised(name, tensor)) {
      dtype = tensor.scalar_type();
      tensors.push_back({name, quantise_tensor(tensor, flags.bits, report)});
    } else {
      tensors.push_back({name, tensor.clone()});
    }
    store.release(name);
  }
  if (report.tensors == 0) user_error(flags.model, ": holds no weight matrix to quantise");
  store.check_unchanged();
  writer.add("config.json",
             write_hashed_file(writer.path() / "config.json",
                               checkpoint::portable_config(config, dtype).dump(2) + "\n"));
  writer.add(checkpoint::copy_companion_files(flags.model, writer.path()));
  writer.add(
      checkpoint::write_tensor_folder(writer.path(), tensors, dtype, checkpoint::kLargestShard));
  writer.commit();
  return report;
}

}  // namespace

int run_quantise(std::vector<std::string> arguments) {
  SharedFlags shared;
  QuantiseFlags flags;
  Flags app("a model folder with the weights of an 8- or 4-bit copy", "quantise");
  app.add_option("--model", flags.model, "Hugging Face model folder").required();
  app.add_option("--bits", flags.bits, "8: int8 by rows; 4: NF4 in blocks of 64").required();
  app.add_option("--output", flags.output, "folder for the result, in the model's own dtype")
      .required();
  app.add_flag("--overwrite", flags.overwrite, "replace the model in --output");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  if (flags.bits != 8 && flags.bits != 4) {
    user_error("--bits: must be 8 or 4, not ", flags.bits);
  }
  const QuantiseReport report = write_quantised(flags);
  const Json line = {{"bits", flags.bits},
                     {"tensors", report.tensors},
                     {"weights", report.weights},
                     {"relative_error", std::sqrt(report.squared_error / report.squared_weights)}};
  std::cout << line.dump() << "\n";
  return 0;
}

}  // namespace unlearn::commands
