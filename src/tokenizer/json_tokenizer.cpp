#include "tokenizer/json_tokenizer.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::tokenizer {

JsonTokenizer::JsonTokenizer(const Fields& fields, const SideFiles& files) {
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
  read_side_tokens(files, fields.where);
  added_.split_special_tokens(files.split_special_tokens);
  added_.index(normalizer_);
  special_ = special_ids(files, *this);
  if (!special_.unk && fields.child("model").find("unk_token") != nullptr) {
    special_.unk = token_to_id(fields.child("model").text("unk_token"));
  }
}

void JsonTokenizer::mark_roles(const SideFiles& files) {
  for (const auto& [name, token] : files.named) {
    AddedToken plain;
    plain.content = token.content;
    plain.special = true;
    added_.add(plain, *model_);
  }
  added_.index(normalizer_);
}

Affixes JsonTokenizer::flagged_affixes(bool add_bos, bool add_eos) const {
  Affixes out;
  if (add_bos && special_.bos) out.before.push_back(*special_.bos);
  if (add_eos && special_.eos) out.after.push_back(*special_.eos);
  return out;
}

std::vector<int32_t> JsonTokenizer::encode(std::string_view text, bool add_special) const {
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

std::string JsonTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
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

int64_t JsonTokenizer::vocab_size() const {
  return 1 + static_cast<int64_t>(std::max(model_->largest_id(), added_.largest_id()));
}

std::optional<int32_t> JsonTokenizer::token_to_id(std::string_view token) const {
  const auto added = added_.find(token);
  return added ? added : model_->find(token);
}

std::string JsonTokenizer::id_to_token(int32_t id) const {
  const std::string* token = spelling(id);
  if (token == nullptr) user_error("the tokenizer has no token with id ", id);
  return *token;
}

void JsonTokenizer::read_added(const Fields& fields) {
  for (const Json& json : fields.list("added_tokens")) {
    const Fields entry(json, cat(fields.where, ": added_tokens"));
    const NumberedToken numbered{entry.whole("id"), parse_added_token(entry)};
    added_.add(numbered.token, *model_);
    warn_of_id(numbered, fields.where);
  }
}

// What transformers adds (TokenizersBackend.__init__): tokens of the side files, whose flags win
// over tokenizer.json's, then those with a role that are not there yet.
void JsonTokenizer::read_side_tokens(const SideFiles& files, const std::string& where) {
  const auto has_role = [&](const AddedToken& token) {
    return std::any_of(files.named.begin(), files.named.end(), [&](const auto& named) {
      return named.first != SideFiles::kExtra && named.second.content == token.content;
    });
  };
  for (NumberedToken numbered : files.added) {
    numbered.token.special = numbered.token.special || has_role(numbered.token);
    const bool known = added_.find(numbered.token.content).has_value();
    added_.add(numbered.token, *model_);
    if (!known) warn_of_id(numbered, where);
  }
  for (const auto& [name, token] : files.named) {
    if (!added_.find(token.content)) added_.add(token, *model_);
  }
}

// The ids in these files are not asked, as in Hugging Face tokenizers.
void JsonTokenizer::warn_of_id(const NumberedToken& numbered, const std::string& where) const {
  const auto id = added_.find(numbered.token.content);
  if (!id || *id == numbered.id) return;
  log::warn(where, ": added token '", numbered.token.content, "' says id ", numbered.id,
            " but gets id ", *id, ", as in Hugging Face tokenizers");
}

void JsonTokenizer::encode_segment(std::string_view raw, bool first,
                                   std::vector<int32_t>& ids) const {
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

const std::string* JsonTokenizer::spelling(int32_t id) const {
  const AddedToken* added = added_.token(id);
  return added != nullptr ? &added->content : model_->token(id);
}

}  // namespace unlearn::tokenizer
