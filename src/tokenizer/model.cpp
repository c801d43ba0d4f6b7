#include "tokenizer/model.h"

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {

std::unique_ptr<Model> make_model(const Fields& fields) {
  const bool merges = fields.find("merges") != nullptr;
  const std::string type = fields.text_or("type", merges ? "BPE" : "");
  if (type == "BPE") return make_bpe(fields);
  if (type == "Unigram") return make_unigram(fields);
  user_error(fields.where, ": type '", type, "' is not supported (known: BPE, Unigram)");
}

}  // namespace unlearn::tokenizer
