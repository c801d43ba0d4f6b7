#include "model/stored_weights.h"

#include <map>
#include <set>

#include "model/family.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::model {
namespace {

using checkpoint::HfConfig;
using checkpoint::TensorInfo;
using checkpoint::TensorStore;

std::string shape_text(torch::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += cat(i == 0 ? "" : ", ", shape[i]);
  return text + "]";
}

// Whether the store holds a head beside the embedding that a tied model takes for it, with other
// values.
bool has_other_head(const Decoder& model, const TensorStore& store) {
  const std::string head = model.head_name() + ".weight";
  const std::string embedding =
      stored_name(model, store, model.embedding_names().front() + ".weight");
  if (!model.dims().tied_embeddings || embedding == head || !store.contains(head) ||
      !store.contains(embedding)) {
    return false;
  }
  if (store.info(head).shape != store.info(embedding).shape) return true;
  torch::Tensor own = store.view(head);
  torch::Tensor shared = store.view(embedding);
  if (own.scalar_type() != shared.scalar_type()) {
    own = own.to(torch::kDouble);
    shared = shared.to(torch::kDouble);
  }
  const bool differs = !torch::equal(own, shared);
  store.release(head);
  store.release(embedding);
  return differs;
}

}  // namespace

std::string stored_name(const Decoder& model, const TensorStore& store, const std::string& name) {
  const std::string of_trunk = model.trunk_name(name);
  if (store.contains(name) || store.contains(of_trunk))
    return store.contains(name) ? name : of_trunk;
  const bool is_embedding = name == model.embedding_names().front() + ".weight";
  const std::string head = model.head_name() + ".weight";
  return is_embedding && model.dims().tied_embeddings && store.contains(head) ? head : of_trunk;
}

LoadReport compare_by_headers(const Decoder& model, const TensorStore& store) {
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
    if (!torch::isFloatingType(info.dtype)) {
      user_error(where, "has dtype ", checkpoint::dtype_name(info.dtype),
                 ", a floating-point dtype is needed (quantised weights are not supported)");
    }
  }
  for (const std::string& name : store.names()) {
    if (!used.contains(name) && !model.is_known_extra(name)) report.unused.push_back(name);
  }
  report.oddities = store.oddities();
  return report;
}

HfConfig with_stored_ties(const HfConfig& config, const TensorStore& store) {
  if (!has_other_head(*build_shapes(config), store)) return config;
  Json json = config.json();
  json["tie_word_embeddings"] = false;
  return HfConfig(std::move(json), config.where());
}

std::shared_ptr<Decoder> build_shapes(const HfConfig& config) {
  return find_family(config).build(config, {torch::kFloat32, torch::kMeta});
}

std::string list_names(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    text += cat(i == 0 ? "'" : ", '", names[i], "'");
  }
  return names.size() > kShown ? cat(text, " and ", names.size() - kShown, " more") : text;
}

}  // namespace unlearn::model
