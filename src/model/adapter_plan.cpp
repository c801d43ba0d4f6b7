#include "model/adapter_plan.h"

#include <algorithm>
#include <set>

#include "model/linear_layers.h"
#include "model/stored_weights.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"
#include "unlearn/model/lora.h"

namespace unlearn::model {
namespace fs = std::filesystem;
namespace {

using checkpoint::SafetensorsFile;

// Transformers 5 calls every family's head so, whatever its tensor is called.
constexpr const char* kPeftHead = "lm_head";

struct AdaptedLayer {
  std::string name;      // in the adapter's tensors
  std::string own_name;  // in the model
  bool is_head = false;
  int64_t in = 0, out = 0;
  bool is_in_out = false;  // as GPT-2 stores matrices
};

void require_files(const fs::path& folder) {
  std::error_code ignored;
  const auto has = [&](const char* name) { return fs::exists(folder / name, ignored); };
  if (!has(kAdapterConfig)) {
    user_error(folder.string(), ": no ", kAdapterConfig, " there; an adapter folder in PEFT's ",
               "format is needed");
  }
  if (has(kAdapterWeights)) return;
  if (has("adapter_model.bin")) {
    user_error(folder.string(), ": holds only pickled tensors (adapter_model.bin); load it with ",
               "PEFT and save it again with save_pretrained, which writes ", kAdapterWeights);
  }
  user_error(folder.string(), ": no ", kAdapterWeights, " there; an adapter folder in PEFT's ",
             "format is needed");
}

// The layers that PEFT would put pairs beside, in the model's order.
std::vector<AdaptedLayer> adapted_layers_of(const Decoder& model, const AdapterConfig& config) {
  std::vector<AdaptedLayer> adapted;
  for (const LinearLayer& layer : linear_layers(model)) {
    if (!config.targets(layer.name, /*is_inner_linear=*/true)) continue;
    adapted.push_back({layer.name, layer.name, false, layer.linear->in_features(),
                       layer.linear->out_features(),
                       layer.linear->layout() == WeightLayout::kInOut});
  }
  for (const std::string& name : {model.head_name(), std::string(kPeftHead)}) {
    if (!config.targets(name, /*is_inner_linear=*/false)) continue;
    adapted.push_back(
        {name, model.head_name(), true, model.dims().hidden_size, model.dims().vocab_size});
    break;
  }
  for (const std::string& name : model.embedding_names()) {
    if (config.targets(name, false)) {
      config.refuse("target_modules", cat("a pair beside the embedding (", name,
                                          ") is not supported; merge the adapter into its base "
                                          "with PEFT's merge_and_unload and give that model"));
    }
  }
  if (adapted.empty()) {
    config.refuse("target_modules",
                  cat(config.target_text(), " names no linear layer of this model"));
  }
  return adapted;
}

// What PEFT cannot do either with an initialisation that takes a part of the weight.
void check_start(const AdapterConfig& config, const AdaptedLayer& layer, int64_t rank) {
  if (config.start() == AdapterStart::kPlain) return;
  if (rank > std::min(layer.in, layer.out)) {
    config.refuse("r", cat("is ", rank, ", too much for layer '", layer.name, "' of ", layer.out,
                           " x ", layer.in, ", which init_lora_weights takes a part of"));
  }
  if (config.start() == AdapterStart::kOlora && layer.is_in_out) {
    config.refuse("init_lora_weights", "olora does not go with weights stored [in, out] (GPT-2's)");
  }
}

// Checks one tensor's shape and dtype by the header.
void check_tensor(const SafetensorsFile& file, const std::string& name,
                  const std::vector<int64_t>& shape, const char* whose) {
  const checkpoint::TensorInfo& info = file.tensors().at(name);
  const std::string where = cat(file.path().string(), ": tensor '", name, "' ");
  const auto text = [](const std::vector<int64_t>& sizes) {
    std::vector<std::string> parts;
    for (const int64_t size : sizes) parts.push_back(std::to_string(size));
    return cat("[", join(parts, ", "), "]");
  };
  if (info.shape != shape) {
    user_error(where, "has shape ", text(info.shape), ", ", whose, " needs ", text(shape));
  }
  if (!torch::isFloatingType(info.dtype)) {
    user_error(where, "has dtype ", checkpoint::dtype_name(info.dtype),
               ", a floating-point dtype is needed");
  }
}

std::vector<AdapterPlan::Pair> plan_pairs(const std::vector<AdaptedLayer>& layers,
                                          const AdapterConfig& config, const SafetensorsFile& file,
                                          std::set<std::string>& used) {
  std::vector<AdapterPlan::Pair> pairs;
  std::vector<std::string> missing;
  for (const AdaptedLayer& layer : layers) {
    AdapterPlan::Pair pair{layer.own_name,
                           cat(kPeftPrefix, layer.name, kPeftA),
                           cat(kPeftPrefix, layer.name, kPeftB),
                           layer.is_head,
                           config.rank(layer.name),
                           config.scale(layer.name)};
    for (const std::string& name : {pair.a, pair.b}) {
      used.insert(name);
      if (!file.tensors().contains(name)) missing.push_back(name);
    }
    pairs.push_back(std::move(pair));
  }
  if (!missing.empty()) {
    user_error(file.path().string(), ": tensors are missing that target_modules of ",
               kAdapterConfig, " ask for: ", list_names(missing));
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    const AdapterPlan::Pair& pair = pairs[i];
    check_start(config, layers[i], pair.rank);
    const auto& shape = file.tensors().at(pair.a).shape;
    if (shape.size() == 2 && shape[0] != pair.rank) {
      config.refuse("r", cat("is ", pair.rank, " for layer '", layers[i].name,
                             "', its tensors have ", shape[0]));
    }
    check_tensor(file, pair.a, {pair.rank, layers[i].in}, "the layer");
    check_tensor(file, pair.b, {layers[i].out, pair.rank}, "the layer");
  }
  return pairs;
}

// The base's own embedding and head, which the file may hold.
std::vector<AdapterPlan::Copy> plan_copies(const Decoder& model, const SafetensorsFile& file,
                                           std::set<std::string>& used) {
  const std::string embedding = model.embedding_names().front();
  const bool tied = model.dims().tied_embeddings;
  const std::string head = tied ? embedding : model.head_name();
  const std::pair<std::string, std::string> places[] = {
      {embedding, embedding}, {model.head_name(), head}, {kPeftHead, head}};
  std::vector<AdapterPlan::Copy> copies;
  for (const auto& [module, target] : places) {
    for (const char* ending : {".weight", ".base_layer.weight"}) {
      const std::string name = cat(kPeftPrefix, module, ending);
      if (!file.tensors().contains(name) || !used.insert(name).second) continue;
      check_tensor(file, name, {model.dims().vocab_size, model.dims().hidden_size}, "the base");
      copies.push_back({name, target + ".weight"});
    }
  }
  return copies;
}

}  // namespace

bool AdapterPlan::unties(const Decoder& model) const {
  return model.dims().tied_embeddings &&
         std::any_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.is_head; });
}

AdapterPlan plan_adapter(const Decoder& model, const fs::path& folder) {
  require_files(folder);
  AdapterPlan plan{
      AdapterConfig(folder / kAdapterConfig), SafetensorsFile(folder / kAdapterWeights), {}, {}};
  const std::vector<AdaptedLayer> layers = adapted_layers_of(model, plan.config);
  std::set<std::string> used;
  plan.pairs = plan_pairs(layers, plan.config, plan.file, used);
  plan.copies = plan_copies(model, plan.file, used);
  std::vector<std::string> unused;
  for (const auto& [name, info] : plan.file.tensors()) {
    if (!used.contains(name)) unused.push_back(name);
  }
  if (!unused.empty()) {
    user_error(plan.file.path().string(), ": tensors that have no place beside the layers that ",
               kAdapterConfig, " names: ", list_names(unused));
  }
  return plan;
}

}  // namespace unlearn::model
