// What an adapter folder of PEFT's format does to a model, found from headers and settings alone.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/adapter_config.h"
#include "model/decoder.h"
#include "unlearn/checkpoint/safetensors.h"

namespace unlearn::model {

struct AdapterPlan {
  struct Pair {
    std::string layer;     // the model's name of it
    std::string a, b;      // tensors of `file`, [rank, in] and [out, rank]
    bool is_head = false;  // may be a layer that a tied model does not have yet
    int64_t rank = 0;
    double scale = 1.0;
  };
  // The base's embedding or head as PEFT stores it beside an adapter of the head or of a grown
  // vocabulary; loading puts it into the base.
  struct Copy {
    std::string tensor, parameter;
  };

  AdapterConfig config;
  checkpoint::SafetensorsFile file;
  std::vector<Pair> pairs;
  std::vector<Copy> copies;

  // Whether a pair changes the head of a model whose head is the embedding, which then part.
  bool unties(const Decoder& model) const;
};

// UserError unless every layer that the settings name has its two tensors, of the right shape, and
// the file holds nothing else.
AdapterPlan plan_adapter(const Decoder& model, const std::filesystem::path& folder);

}  // namespace unlearn::model
