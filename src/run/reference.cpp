#include "run/reference.h"

#include <cstdlib>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/model/weight_format.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/train/trainer.h"

namespace unlearn::run {
namespace {

std::filesystem::path cache_folder(const train::RunFolder& folder) {
  const char* shared = std::getenv("UNLEARN_CACHE_DIR");
  return shared != nullptr && *shared != '\0' ? std::filesystem::path(shared)
                                              : folder.path() / "reference";
}

// (1 - share) theta + share theta_random, with theta_random as a fresh model of the same config
// (arXiv 2410.07163, appendix B: share 0.5).
void perturb(model::CausalLM& model, const Json& hf_config, double share, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const auto random = model::make_model(hf_config, seed);
  const auto values = random->named_parameters();
  for (auto& entry : model.named_parameters()) {
    torch::Tensor parameter = entry.value();
    parameter.lerp_(values[entry.key()].to(parameter.options().requires_grad(false)), share);
  }
}

}  // namespace

scoring::ReferenceCache open_reference(const Training& training, const std::string& inputs_key,
                                       const scoring::ReferenceNeeds& needs) {
  const RunConfig& config = training.config;
  const PreparedRun& run = training.run;
  const double share = config.model.reference_perturb;
  const bool other = !config.model.reference.empty();
  std::string key = sha256(cat(inputs_key, model::format_key(config.train.base_format()),
                               config.train.fp8 == train::Fp8::kOn ? " fp8" : ""));
  std::shared_ptr<model::CausalLM> own;
  if (other || share > 0) {
    const std::string& path = other ? config.model.reference : config.model.path;
    own = model::load_model(path, run.dtype, run.device);
    const Json hf_config = model::model_config(path);
    const auto seed = static_cast<uint64_t>(config.train.seed);
    if (share > 0) perturb(*own, hf_config, share, seed);
    key = sha256(cat(key, " reference ", path, " perturbed ", number(share), " seed ", seed));
  }
  return scoring::ReferenceCache::open_or_build(
      cache_folder(training.folder), own ? *own : training.model, key, needs,
      config.train.batch_tokens.value_or(runtime::kTrainingTokens.on(run.device)));
}

}  // namespace unlearn::run
