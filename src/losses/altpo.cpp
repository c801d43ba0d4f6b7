// AltPO (arXiv 2409.13474): DPO whose winner is a model-written alternative answer to the forget
// question. OpenUnlearning community/methods/AltPO.
#include "losses/dpo.h"

namespace unlearn::losses {
namespace {

std::unique_ptr<Loss> make_altpo() { return std::make_unique<Dpo>(AlternateSource::kProvided); }

BenchmarkDefaults altpo_defaults() {
  // Five alternatives a question make five rows, hence two epochs instead of ten.
  return {{"tofu", "", tofu_training() + Defaults{{"train.epochs", "2"}}}};
}

}  // namespace

Method method_altpo() {
  return {{"altpo",
           "direct preference optimisation: an alternative answer preferred to the forget answer",
           {}},
          make_altpo,
          altpo_defaults()};
}

}  // namespace unlearn::losses
