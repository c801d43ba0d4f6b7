// tokenizer.json of Hugging Face `tokenizers`: added tokens, normalizer, pre-tokenizer, model,
// post-processor, decoder.
#pragma once

#include "tokenizer/added_tokens.h"
#include "tokenizer/decoder.h"
#include "tokenizer/model.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/post_processor.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/side_files.h"

namespace unlearn::tokenizer {

class JsonTokenizer : public Tokenizer {
 public:
  // UserError names what is unknown or wrong in `fields`.
  JsonTokenizer(const Fields& fields, const SideFiles& files);

  // Makes the tokens with a role plain special ones, whatever their flags are (Qwen2Tokenizer).
  void mark_roles(const SideFiles& files);

  // What goes around a text when special tokens are asked for.
  const Affixes& affixes() const { return affixes_; }
  void set_affixes(Affixes affixes) { affixes_ = std::move(affixes); }
  // BOS before and EOS after it, as add_bos_token and add_eos_token say.
  Affixes flagged_affixes(bool add_bos, bool add_eos) const;

  std::vector<int32_t> encode(std::string_view text, bool add_special) const override;
  std::string decode(std::span<const int32_t> ids, bool skip_special) const override;
  int64_t vocab_size() const override;
  std::optional<int32_t> token_to_id(std::string_view token) const override;
  std::string id_to_token(int32_t id) const override;
  std::string kind() const override { return cat("tokenizer.json ", model_->kind()); }

 private:
  void read_added(const Fields& fields);
  void read_side_tokens(const SideFiles& files, const std::string& where);
  void warn_of_id(const NumberedToken& numbered, const std::string& where) const;
  void encode_segment(std::string_view raw, bool first, std::vector<int32_t>& ids) const;
  const std::string* spelling(int32_t id) const;

  std::unique_ptr<Model> model_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  Decoder decoder_;
  Affixes affixes_;
  AddedTokens added_;
};

}  // namespace unlearn::tokenizer
