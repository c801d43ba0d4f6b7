#include "unlearn/scoring/reference_cache.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/core/manifest.h"
#include "unlearn/data/packing.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::scoring {
namespace fs = std::filesystem;
namespace {

using torch::Tensor;

constexpr const char* kLogp = "logp";
constexpr const char* kHidden = "hidden";
constexpr const char* kLayerHidden = "layer_hidden";
constexpr const char* kHeadWeight = "head.weight";
constexpr const char* kHeadBias = "head.bias";

template <class Wanted>
std::vector<const data::Example*> examples_of(const std::vector<Wanted>& wanted) {
  std::vector<const data::Example*> examples;
  for (const Wanted& item : wanted) examples.push_back(item.example);
  return examples;
}

template <class T>
void append_bytes(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string content_key(const std::string& model_key, const ReferenceNeeds& needs,
                        torch::Dtype dtype) {
  std::string content =
      cat("unlearn reference 2 ", model_key, " ", c10::toString(dtype), " layer ", needs.layer);
  const auto add = [&](const data::Example& example) {
    content += cat(example.tokens.size(), ",");
    append_bytes(content, example.tokens);
    append_bytes(content, example.labels);
    if (example.seen.empty()) return;
    content += " seen ";
    append_bytes(content, example.seen);
  };
  content += cat(" ", needs.logp.size(), ":");
  for (const ReferenceNeeds::Labels& labels : needs.logp) add(*labels.example);
  for (const auto* list : {&needs.hidden, &needs.layer_hidden}) {
    content += cat(" ", list->size(), ":");
    for (const ReferenceNeeds::Rows& rows : *list) {
      content += cat(static_cast<int>(rows.positions), ",", rows.skip, ",");
      add(*rows.example);
    }
  }
  return sha256(content);
}

// Runs the model over examples in packs; `visit` gets each pack with its hidden states (the final
// ones, or with `layer` >= 0 that block's).
using PackVisitor = std::function<void(const data::PackedBatch&, const Tensor&)>;
void for_each_pack(model::CausalLM& model, const std::vector<const data::Example*>& examples,
                   int64_t batch_tokens, int64_t layer, bool with_last_token,
                   const PackVisitor& visit) {
  std::vector<data::PackItem> items;
  for (const data::Example* example : examples) items.push_back({data::Role::kForget, example});
  const std::vector<size_t> cuts = data::cut_by_tokens(items, batch_tokens);
  const torch::Device device = model.head().weight.device();
  for (size_t c = 0; c + 1 < cuts.size(); ++c) {
    const data::PackedBatch batch = data::pack({items.begin() + static_cast<int64_t>(cuts[c]),
                                                items.begin() + static_cast<int64_t>(cuts[c + 1])},
                                               with_last_token);
    Tensor captured;
    model::ForwardOptions options;
    if (layer >= 0) {
      options.capture_layer = layer;
      options.captured = &captured;
    }
    const Tensor final = model.hidden_states(packed_ids(batch, device), options);
    visit(batch, layer >= 0 ? captured : final);
  }
}

Tensor all_logp(model::CausalLM& model, const ReferenceNeeds& needs, int64_t batch_tokens) {
  std::vector<Tensor> parts;
  for_each_pack(model, examples_of(needs.logp), batch_tokens, /*layer=*/-1,
                /*with_last_token=*/false,
                [&](const data::PackedBatch& batch, const Tensor& hidden) {
                  const Tensor rows = hidden.index_select(0, batch.label_rows.to(hidden.device()));
                  const Tensor targets = batch.targets.to(hidden.device());
                  parts.push_back(token_logprob(rows, model.head(), targets).to(torch::kCPU));
                });
  return torch::cat(parts);
}

// Hidden states at every item's positions, one item after another.
Tensor all_hidden(model::CausalLM& model, const std::vector<ReferenceNeeds::Rows>& wanted,
                  int64_t layer, int64_t batch_tokens) {
  const bool with_last_token = std::any_of(
      wanted.begin(), wanted.end(),
      [](const ReferenceNeeds::Rows& item) { return reads_last_token(item.positions); });
  std::vector<Tensor> parts;
  auto next = wanted.begin();
  for_each_pack(model, examples_of(wanted), batch_tokens, layer, with_last_token,
                [&](const data::PackedBatch& batch, const Tensor& hidden) {
                  std::vector<int64_t> rows;
                  for (const data::Segment& segment : batch.segments) {
                    const ReferenceNeeds::Rows& item = *next++;
                    for (const int64_t position :
                         row_positions(*segment.example, item.positions, item.skip)) {
                      rows.push_back(segment.offset + position);
                    }
                  }
                  const Tensor index = torch::tensor(rows, torch::kLong).to(hidden.device());
                  parts.push_back(hidden.index_select(0, index).to(torch::kCPU));
                });
  return torch::cat(parts);
}

void build(const fs::path& file, model::CausalLM& model, const ReferenceNeeds& needs,
           int64_t batch_tokens) {
  torch::NoGradGuard no_grad;
  const bool training = model.is_training();
  model.eval();
  std::vector<checkpoint::NamedTensor> tensors;
  if (!needs.logp.empty()) tensors.push_back({kLogp, all_logp(model, needs, batch_tokens)});
  if (!needs.hidden.empty()) {
    const model::Head head = model.head();
    tensors.push_back({kHidden, all_hidden(model, needs.hidden, /*layer=*/-1, batch_tokens)});
    tensors.push_back({kHeadWeight, head.weight.detach().to(torch::kCPU)});
    if (head.bias.defined()) tensors.push_back({kHeadBias, head.bias.detach().to(torch::kCPU)});
  }
  if (!needs.layer_hidden.empty()) {
    tensors.push_back(
        {kLayerHidden, all_hidden(model, needs.layer_hidden, needs.layer, batch_tokens)});
  }
  model.train(training);
  OwnFolder folder(file.parent_path());
  const std::string name = file.filename().string();
  folder.claim({name});
  folder.record(name, checkpoint::write_safetensors(file, tensors));
}

std::optional<checkpoint::SafetensorsFile> open_file(const fs::path& file) {
  if (!fs::exists(file)) return std::nullopt;
  try {
    return checkpoint::SafetensorsFile(file);
  } catch (const UserError& error) {
    log::warn("reference cache is damaged and built again: ", error.what());
    return std::nullopt;
  }
}

}  // namespace

ReferenceCache ReferenceCache::open_or_build(const fs::path& folder, model::CausalLM& model,
                                             const std::string& model_key,
                                             const ReferenceNeeds& needs, int64_t batch_tokens) {
  const model::Head head = model.head();
  const fs::path path =
      folder / (content_key(model_key, needs, head.weight.scalar_type()) + ".safetensors");
  auto file = open_file(path);
  if (!file) {
    build(path, model, needs, batch_tokens);
    file.emplace(path);
  }
  ReferenceCache cache;
  cache.file_ = std::make_shared<const checkpoint::SafetensorsFile>(*file);
  int64_t labels = 0;
  for (const ReferenceNeeds::Labels& wanted : needs.logp) {
    cache.logp_at_[wanted.key] = {labels, wanted.example->num_labels};
    labels += wanted.example->num_labels;
  }
  const auto place = [](const std::vector<ReferenceNeeds::Rows>& wanted, auto& ranges) {
    int64_t rows = 0;
    for (const ReferenceNeeds::Rows& item : wanted) {
      const auto positions = row_positions(*item.example, item.positions, item.skip);
      const auto count = static_cast<int64_t>(positions.size());
      ranges[item.key] = {rows, count};
      rows += count;
    }
    return rows;
  };
  const int64_t rows = place(needs.hidden, cache.hidden_at_);
  const int64_t layer_rows = place(needs.layer_hidden, cache.layer_hidden_at_);
  if (labels > 0) cache.logp_ = file->view(kLogp);
  if (rows > 0) {
    cache.hidden_ = file->view(kHidden);
    cache.head_ = {file->view(kHeadWeight).to(head.weight.device()),
                   head.bias.defined() ? file->view(kHeadBias).to(head.weight.device()) : Tensor(),
                   head.scale, head.softcap};
  }
  if (layer_rows > 0) cache.layer_hidden_ = file->view(kLayerHidden);
  UNLEARN_CHECK(!cache.logp_.defined() || cache.logp_.size(0) == labels);
  UNLEARN_CHECK(!cache.hidden_.defined() || cache.hidden_.size(0) == rows);
  return cache;
}

void ReferenceCache::check_file() const {
  if (file_) file_->check_unchanged();
}

Tensor ReferenceCache::logp(data::ExampleKey key) const {
  check_file();
  const Range range = logp_at_.at(key);
  return logp_.narrow(0, range.begin, range.count);
}

Tensor ReferenceCache::hidden(data::ExampleKey key) const {
  check_file();
  const Range range = hidden_at_.at(key);
  return hidden_.narrow(0, range.begin, range.count);
}

Tensor ReferenceCache::layer_hidden(data::ExampleKey key) const {
  check_file();
  const Range range = layer_hidden_at_.at(key);
  return layer_hidden_.narrow(0, range.begin, range.count);
}

}  // namespace unlearn::scoring
