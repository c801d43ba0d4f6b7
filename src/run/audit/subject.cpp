#include "run/audit/subject.h"

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/model/lora.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

// The results of some weights, listed as the audit's own.
fs::path claim_cache(OwnFolder& folder, const std::string& hash) {
  constexpr size_t kHashShown = 16;
  const fs::path name = fs::path("cache") / hash.substr(0, kHashShown);
  folder.claim({(name / eval::kResultsFile).string()});
  return folder.path() / name;
}

}  // namespace

const char* role_letter(AuditRole role) {
  return role == AuditRole::kUnlearned ? "U" : role == AuditRole::kRetain ? "R" : "O";
}

const char* role_name(AuditRole role) {
  switch (role) {
    case AuditRole::kUnlearned:
      return "the unlearned model";
    case AuditRole::kRetain:
      return "the retain model";
    case AuditRole::kOriginal:
      return "the original model";
  }
  UNLEARN_CHECK(false, "no such role");
}

std::string weights_hash(const model::CausalLM& model) {
  std::string hashes;
  for (const auto& entry : model.named_parameters()) {
    const torch::Tensor values = entry.value().detach().to(torch::kCPU).contiguous();
    hashes +=
        cat(entry.key(), " ", values.scalar_type(), " ",
            sha256({static_cast<const char*>(values.const_data_ptr()), values.nbytes()}), "\n");
  }
  return sha256(hashes);
}

AuditedModel::AuditedModel(AuditRole role, EvaluatedModel evaluated, const AuditConfigs& configs,
                           torch::Device device)
    : role_(role),
      evaluated_(evaluated),
      full_(configs.full, evaluated, device),
      narrow_(configs.narrow, evaluated, device),
      knowledge_(configs.knowledge, evaluated, device),
      key_(full_.model_key()) {}

const std::string& AuditedModel::evaluation_key() {
  if (evaluation_key_.empty()) {
    evaluation_key_ =
        sha256(full_.requests_key() + narrow_.requests_key() + knowledge_.requests_key());
  }
  return evaluation_key_;
}

model::CausalLM& AuditedModel::model() {
  if (!model_) {
    model_ = narrow_.load();
    model::merge_lora(*model_);  // attacks are on the weights that the model computes with
    model_->eval();
    for (const auto& entry : model_->named_parameters()) {
      loaded_[entry.key()] = entry.value().detach().to(torch::kCPU, /*non_blocking=*/false,
                                                       /*copy=*/true);
    }
  }
  return *model_;
}

void AuditedModel::restore() {
  const torch::NoGradGuard no_grad;
  model::merge_lora(*model_);  // what an attack that failed left beside the weights
  size_t restored = 0;
  for (auto& entry : model_->named_parameters()) {
    entry.value().mutable_grad() = torch::Tensor();
    entry.value().set_requires_grad(true);
    entry.value().copy_(loaded_.at(entry.key()));
    ++restored;
  }
  UNLEARN_CHECK(restored == loaded_.size(), restored, " of ", loaded_.size(), " parameters");
  model_->eval();
}

void AuditedModel::unload() {
  model_.reset();
  loaded_.clear();
  loaded_hash_.clear();
}

const std::string& AuditedModel::loaded_hash() {
  model::CausalLM& loaded = model();
  if (loaded_hash_.empty()) loaded_hash_ = weights_hash(loaded);
  return loaded_hash_;
}

fs::path AuditedModel::cache_of_loaded(OwnFolder& folder) {
  return claim_cache(folder, loaded_hash());
}

eval::Outcome AuditedModel::evaluate_all(OwnFolder& folder) {
  return full_.measure(model(), cache_of_loaded(folder));
}

eval::Outcome AuditedModel::evaluate(OwnFolder& folder) {
  return narrow_.measure(model(), claim_cache(folder, weights_hash(model())));
}

eval::Outcome AuditedModel::evaluate_knowledge(OwnFolder& folder) {
  return knowledge_.measure(model(), claim_cache(folder, weights_hash(model())));
}

}  // namespace unlearn::run
