// What a training run is made of: model, loss, examples and settings.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/data/example.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/distributed/group.h"
#include "unlearn/losses/loss.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/scoring/reference_cache.h"
#include "unlearn/train/train_config.h"

namespace unlearn::train {

// The examples of each role; an empty vector where the loss needs none.
struct TrainingData {
  const std::vector<data::Example>* forget = nullptr;
  const std::vector<data::Example>* retain = nullptr;
  const std::vector<data::Example>* alternate = nullptr;

  const data::Example* find(data::Role role, int64_t row) const;
};

struct TrainerInputs {
  model::CausalLM* model = nullptr;
  losses::Loss* loss = nullptr;
  TrainingData data = {};
  const scoring::ReferenceCache* reference = nullptr;  // null when the loss needs none
  data::Pairing pairing = data::Pairing::kRandom;
  bool alternate_per_forget = false;
  TrainConfig config = {};
  Json fingerprint = Json::object();  // what a resumed run must share with the interrupted one
  // The processes that share each step's examples; outlives the trainer.
  const distributed::Group* group = &distributed::alone();
};

// The examples whose reference values the run will ask for: only rows that the stream draws.
scoring::ReferenceNeeds reference_needs(const TrainerInputs& inputs);

}  // namespace unlearn::train
