// The `model` part of tokenizer.json: one piece of text to ids.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/json_fields.h"

namespace unlearn::tokenizer {

class Model {
 public:
  virtual ~Model() = default;
  virtual void encode(std::string_view piece, std::vector<int32_t>& out) const = 0;
  virtual std::optional<int32_t> find(std::string_view token) const = 0;
  virtual const std::string* token(int32_t id) const = 0;  // nullptr for an unknown id
  virtual int32_t size() const = 0;                        // number of tokens
  virtual int32_t largest_id() const = 0;
  virtual std::string kind() const = 0;
};

std::unique_ptr<Model> make_bpe(const Fields& fields);
std::unique_ptr<Model> make_unigram(const Fields& fields);

// By `type` (older files leave it out: BPE when there are merges). UserError for other types.
std::unique_ptr<Model> make_model(const Fields& fields);

}  // namespace unlearn::tokenizer
