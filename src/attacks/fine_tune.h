// Fine-tuning as an attack: plain next-token training of the model in memory, measured on the way.
#pragma once

#include <string>
#include <vector>

#include "unlearn/attacks/attack.h"

namespace unlearn::attacks {

struct FineTuning {
  std::vector<data::Example> rows;
  int64_t steps = 0;
  int64_t measure_every = 0;  // steps; the last one is measured in any case
  int64_t batch_size = 4;
  double lr = 1e-5;
  double weight_decay = 0;
  bool lora = false;
  int64_t lora_rank = 8;
  double lora_alpha = 32, lora_dropout = 0.05;
  std::string lora_targets = "all-linear";

  Json settings() const;
  int64_t points() const;
  double passes() const;
};

// AdamW at a constant rate, gradients clipped at 1; the order of rows and dropout follow the seed.
// NonFiniteError when the training diverges.
void fine_tune(const FineTuning& tuning, Subject& subject);

// `count` of the rows in a random order that only the seed decides; all where there are fewer.
std::vector<data::Example> draw_rows(const std::vector<data::Example>& rows, int64_t count,
                                     uint64_t seed);

}  // namespace unlearn::attacks
