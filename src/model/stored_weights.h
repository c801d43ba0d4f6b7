// Which tensor of a folder fills which parameter of a model.
#pragma once

#include <string>
#include <vector>

#include "model/decoder.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

// Under which name a store holds a parameter: the same; without the trunk's prefix in a file of
// the trunk alone; or, for the embedding of a tied model, the head's.
std::string stored_name(const Decoder& model, const checkpoint::TensorStore& store,
                        const std::string& name);

// Compares a model's parameters with the tensors of a folder by their headers. UserError for
// another shape or a dtype that is no floating-point one.
LoadReport compare_by_headers(const Decoder& model, const checkpoint::TensorStore& store);

// The config with tie_word_embeddings: false where a tied model's folder holds a head that differs
// from the embedding: like transformers from 5.0 on, the stored head is taken.
checkpoint::HfConfig with_stored_ties(const checkpoint::HfConfig& config,
                                      const checkpoint::TensorStore& store);

// A model without memory behind its parameters, for names and shapes.
std::shared_ptr<Decoder> build_shapes(const checkpoint::HfConfig& config);

// "'a', 'b', 'c' and 5 more"
std::string list_names(const std::vector<std::string>& names);

}  // namespace unlearn::model
