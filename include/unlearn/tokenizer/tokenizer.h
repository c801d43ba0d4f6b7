// Text to token ids and back, as the model's own Hugging Face tokenizer does it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unlearn::tokenizer {

struct SpecialIds {
  std::optional<int32_t> bos, eos, pad, unk;
  // Tokens that end a generation: those of generation_config.json, without that file those of
  // config.json (transformers' rule; either may list several), and `eos`.
  std::vector<int32_t> stops;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // add_special: adds what the tokenizer adds by itself (BOS, template), as transformers'
  // add_special_tokens=True.
  virtual std::vector<int32_t> encode(std::string_view text, bool add_special) const = 0;
  // skip_special: drops special tokens; no clean-up of spaces.
  virtual std::string decode(std::span<const int32_t> ids, bool skip_special) const = 0;
  virtual int64_t vocab_size() const = 0;  // 1 + largest id, added tokens included
  virtual std::optional<int32_t> token_to_id(std::string_view token) const = 0;
  virtual std::string id_to_token(int32_t id) const = 0;
  virtual std::string kind() const = 0;  // "tokenizer.json BPE", "SentencePiece BPE"
  const SpecialIds& special() const { return special_; }

 protected:
  SpecialIds special_;
};

// Whose reading of a folder's files counts where transformers 4 and 5 differ: 5 lets some tokenizer
// classes (LlamaTokenizer, GPT2Tokenizer, …) rebuild what tokenizer.json says, and takes BOS and
// EOS from tokenizer.json; 4 reads tokenizer.json as it is, and some of its classes take BOS and
// EOS from add_bos_token and add_eos_token.
enum class Rules { kTransformers5, kTransformers4 };
// "transformers5" or "transformers4".
Rules rules_named(const std::string& name);
std::vector<std::string> rules_names();

bool has_tokenizer(const std::filesystem::path& folder);

// Reads a Hugging Face folder: tokenizer.json wins over tokenizer.model, that over vocab.json and
// merges.txt. UserError when there is none, when a part of it is unknown, or when it is corrupt.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          Rules rules = Rules::kTransformers5);

// What config.json and generation_config.json say without a tokenizer.
SpecialIds model_special_ids(const std::filesystem::path& folder);

// transformers' clean_up_tokenization: " ." becomes ".", " n't" becomes "n't", and so on.
std::string clean_up_spaces(std::string text);

}  // namespace unlearn::tokenizer
