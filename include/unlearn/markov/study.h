// One run of the synthetic experiment: pre-train, unlearn with each method, measure after every
// iteration.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "unlearn/markov/evaluate.h"
#include "unlearn/markov/study_config.h"

namespace unlearn::markov {

// Trains on `set`, shuffled anew each epoch; the token-mean cross-entropy of the last epoch.
double pretrain(Decoder& decoder, const SequenceSet& set, const PretrainOptions& options,
                uint64_t seed);

// One method's way through the distances: `iterations` + 1 points, the first before any step.
using Path = std::vector<Distances>;

// Unlearns a copy of `original`, which is also the reference.
Path unlearn_path(const Decoder& original, losses::Loss& loss, const SequenceSet& forget,
                  const UnlearnOptions& options, uint64_t seed,
                  const std::function<Distances(const Decoder&)>& evaluate);

// A model after pre-training, and how well it learned.
struct Pretrained {
  std::shared_ptr<Decoder> decoder;
  Json cross_entropy;  // {"trained": of the last epoch, "least": what the chains allow}
};

// Whole runs. Both experiments of a seed share their retrained model, so it is kept.
class Laboratory {
 public:
  // The record: {"experiment", "seed", "config", "cross_entropy" (of both models, and
  // the least possible), "retrained", "paths"}; "retrained" and each of "paths" have the keys of
  // the reference's records: "Retain Test", "Forget Test", "Forget1 Test", "Forget2 Test", "batch".
  Json run(Study& study, uint64_t seed);

 private:
  const Pretrained& retrained(const StudyConfig& config, const SequenceSet& retain, uint64_t seed);

  std::map<std::string, Pretrained> retrained_;  // by everything it depends on
};

}  // namespace unlearn::markov
