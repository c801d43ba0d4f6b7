// How many tokens the program works on at a time where no setting says it: the only place of these
// numbers. On a CPU more tokens only take memory; a GPU needs many to be busy.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace unlearn::runtime {

struct TokenBudget {
  int64_t cpu;
  int64_t cuda;

  int64_t on(torch::Device device) const { return device.is_cuda() ? cuda : cpu; }
};

// Input tokens of a micro-batch that is trained on, and of a pack of the reference pre-pass.
inline constexpr TokenBudget kTrainingTokens{.cpu = 2048, .cuda = 8192};
// Input tokens of a batch that is scored without gradient.
inline constexpr TokenBudget kScoringTokens{.cpu = 4096, .cuda = 32768};
// Cached tokens (prompt and new) of the outputs that are generated at the same time.
inline constexpr TokenBudget kGenerationTokens{.cpu = 8192, .cuda = 131072};

}  // namespace unlearn::runtime
