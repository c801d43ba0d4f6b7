// What a training run is made of: model, loss, examples and settings.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
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
  // Of each forget example whether it is left out (data.exclude); null: none is.
  const std::vector<char>* excluded = nullptr;

  const data::Example* find(data::Role role, int64_t row) const;
  // Whether this place of the stream is empty: its forget example is left out, and what is paired
  // with it.
  bool is_empty(const data::PairItem& item) const {
    return excluded != nullptr && excluded->at(static_cast<size_t>(item.forget)) != 0;
  }
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

// How many steps are made before the first one that would draw an excluded example; none where no
// step of the run does.
std::optional<int64_t> steps_before_excluded(const TrainerInputs& inputs);

}  // namespace unlearn::train
