// tokenizer.json of Hugging Face `tokenizers`: added tokens, normalizer, pre-tokenizer, model,
// post-processor, decoder.
#include <algorithm>

#include "tokenizer/added_tokens.h"
#include "tokenizer/decoder.h"
#include "tokenizer/model.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/post_processor.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/side_files.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::tokenizer {
namespace {

class JsonTokenizer : public Tokenizer {
 public:
  JsonTokenizer(const Fields& fields, const SideFiles& files) {
    // truncation and padding are what a caller may switch on; plain encoding does neither.
    fields.only({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                 "post_processor", "decoder", "model"});
    const auto part = [&](const char* key) {
      const Json* found = fields.find(key);
      return found == nullptr ? Json() : *found;
    };
    model_ = make_model(fields.child("model"));
    normalizer_ = make_normalizer(part("normalizer"), fields.where);
    pre_tokenizer_ = make_pre_tokenizer(part("pre_tokenizer"), fields.where);
    decoder_ = make_decoder(part("decoder"), fields.where);
    affixes_ = read_post_processor(part("post_processor"), fields.where);
    if (fields.find("added_tokens") != nullptr) read_added(fields);
    read_side_tokens(files);
    added_.index(normalizer_);
    special_ = special_ids(files, *this);
    if (!special_.unk && fields.child("model").find("unk_token") != nullptr) {
      special_.unk = token_to_id(fields.child("model").text("unk_token"));
    }
  }

  std::vector<int32_t> encode(std::string_view text, bool add_special) const override {
    if (!is_valid_utf8(text)) user_error("the text to tokenize is not valid UTF-8");
    std::vector<int32_t> ids;
    ids.reserve(text.size() / 3 + 8);
    if (add_special) ids = affixes_.before;
    for (const auto& segment : added_.split(text, false)) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
      } else {
        encode_segment(segment.text, segment.text.data() == text.data(), ids);
      }
    }
    if (add_special) ids.insert(ids.end(), affixes_.after.begin(), affixes_.after.end());
    return ids;
  }

  std::string decode(std::span<const int32_t> ids, bool skip_special) const override {
    std::vector<std::string> tokens;
    tokens.reserve(ids.size());
    for (const int32_t id : ids) {
      const std::string* token = spelling(id);
      if (token == nullptr || (skip_special && added_.is_special(*token))) continue;
      tokens.push_back(*token);
    }
    if (!decoder_) return join(tokens, " ");
    if (tokens.empty()) return "";
    decoder_(tokens);
    return join(tokens, "");
  }

  int64_t vocab_size() const override {
    return 1 + static_cast<int64_t>(std::max(model_->largest_id(), added_.largest_id()));
  }

  std::optional<int32_t> token_to_id(std::string_view token) const override {
    const auto added = added_.find(token);
    return added ? added : model_->find(token);
  }

  std::string id_to_token(int32_t id) const override {
    const std::string* token = spelling(id);
    if (token == nullptr) user_error("the tokenizer has no token with id ", id);
    return *token;
  }

  std::string kind() const override { return cat("tokenizer.json ", model_->kind()); }

 private:
  void read_added(const Fields& fields) {
    for (const Json& json : fields.list("added_tokens")) {
      const Fields entry(json, cat(fields.where, ": added_tokens"));
      const AddedToken token = parse_added_token(entry);
      added_.add(token, *model_);
      const auto id = added_.find(token.content);
      if (id && *id != entry.whole("id")) {
        log::warn(fields.where, ": added token '", token.content, "' says id ", entry.whole("id"),
                  " but gets id ", *id, ", as in Hugging Face tokenizers");
      }
    }
  }

  // transformers adds what the side files name and tokenizer.json does not.
  void read_side_tokens(const SideFiles& files) {
    for (const NumberedToken& numbered : files.added) {
      if (!added_.find(numbered.token.content)) added_.add(numbered.token, *model_);
    }
    for (const auto& [name, token] : files.named) {
      if (!added_.find(token.content)) added_.add(token, *model_);
    }
  }

  void encode_segment(std::string_view raw, bool first, std::vector<int32_t>& ids) const {
    std::string normalized;
    std::string_view text = raw;
    if (normalizer_) {
      normalized = normalizer_(std::string(raw));
      text = normalized;
    }
    for (const auto& segment : added_.split(text, true)) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
        continue;
      }
      Arena arena;
      std::vector<Piece> pieces{{segment.text, first && segment.text.data() == text.data()}};
      if (pre_tokenizer_) pre_tokenizer_(pieces, arena);
      for (const Piece& piece : pieces) model_->encode(piece.text, ids);
    }
  }

  const std::string* spelling(int32_t id) const {
    const AddedToken* added = added_.token(id);
    return added != nullptr ? &added->content : model_->token(id);
  }

  std::unique_ptr<Model> model_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  Decoder decoder_;
  Affixes affixes_;
  AddedTokens added_;
};

}  // namespace

std::unique_ptr<Tokenizer> load_json_tokenizer(const std::filesystem::path& file,
                                               const SideFiles& files) {
  const Json json = read_json(file);
  return std::make_unique<JsonTokenizer>(Fields(json, file.string()), files);
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    user_error(folder.string(), ": not a folder with a tokenizer");
  }
  const std::filesystem::path json = folder / "tokenizer.json";
  const std::filesystem::path model = folder / "tokenizer.model";
  if (std::filesystem::exists(json)) return load_json_tokenizer(json, read_side_files(folder));
  if (std::filesystem::exists(model)) return load_sentencepiece(model, read_side_files(folder));
  user_error(folder.string(), ": no tokenizer.json and no tokenizer.model in this folder");
}

}  // namespace unlearn::tokenizer
