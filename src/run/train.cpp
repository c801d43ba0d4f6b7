#include "unlearn/run/train.h"

#include "run/reference.h"
#include "unlearn/core/error.h"
#include "unlearn/scoring/reference_cache.h"

namespace unlearn::run {
namespace {

// The first process computes the values, or finds them on disk; the others read what it has left.
scoring::ReferenceCache shared_reference(const Training& training, const TrainingOptions& options,
                                         const scoring::ReferenceNeeds& needs) {
  UNLEARN_CHECK(options.reference_key != nullptr, "no key for the reference values");
  const distributed::Group& group = training.group;
  const std::string key = group.broadcast_bytes(group.leads() ? options.reference_key() : "");
  std::optional<scoring::ReferenceCache> reference;
  group.leader_first([&] { reference.emplace(open_reference(training, key, needs)); });
  return std::move(*reference);
}

}  // namespace

int64_t train(const Training& training, TrainingOptions options) {
  train::TrainerInputs inputs = trainer_inputs(training.config, training.run);
  inputs.model = &training.model;
  inputs.group = &training.group;
  std::optional<scoring::ReferenceCache> reference;
  if (const scoring::ReferenceNeeds needs = train::reference_needs(inputs); needs.any()) {
    reference.emplace(shared_reference(training, options, needs));
    inputs.reference = &*reference;
  }
  train::Trainer trainer(std::move(inputs), training.folder, std::move(options.hooks));
  if (!options.origin.empty()) {
    trainer.resume_from({options.origin, train::read_training_state(options.origin).fingerprint});
  } else if (options.checkpoint) {
    trainer.resume_from(*options.checkpoint);
  }
  const train::AfterStep wish =
      options.on_ready ? options.on_ready(trainer.step()) : train::AfterStep::kContinue;
  if (training.group.all_reduce(stops(wish) ? 1.0 : 0.0) == 0) trainer.run();
  return trainer.step();
}

}  // namespace unlearn::run
