// tokenizer.model as transformers' Python LlamaTokenizer uses it (tokenization_llama.py of v4):
// added tokens first, then SentencePiece on what lies between.
#include <sentencepiece_processor.h>

#include <algorithm>
#include <set>

#include "tokenizer/matcher.h"
#include "tokenizer/side_files.h"
#include "tokenizer/strings_map.h"
#include "tokenizer/text_parts.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::tokenizer {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // ▁, SentencePiece's space

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::string marks_to_spaces(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (starts_with(text.substr(i), kMark)) {
      out.push_back(' ');
      i += kMark.size();
    } else {
      out.push_back(text[i++]);
    }
  }
  return out;
}

class SentencePiece : public Tokenizer {
 public:
  SentencePiece(const std::filesystem::path& file, const SideFiles& files)
      : legacy_(files.legacy.value_or(true)),
        prefix_space_(files.add_prefix_space.value_or(true)),
        add_bos_(files.add_bos.value_or(true)),
        add_eos_(files.add_eos.value_or(false)),
        split_special_(files.split_special_tokens),
        where_(file.string()) {
    std::string bytes = read_file(file);
    // Not legacy: the space in front is ours. Protobuf merges a repeated message, so this sets
    // normalizer_spec.add_dummy_prefix to false and leaves the rest.
    if (!legacy_) bytes += std::string("\x1A\x02\x18\x00", 4);
    load(bytes);
    pieces_ = processor_.GetPieceSize();
    read_tokens(files);
    special_ = special_ids(files, *this);
    const auto own = [&](std::optional<int32_t>& id, int piece) {
      if (!id && piece >= 0) id = piece;
    };
    own(special_.bos, processor_.bos_id());
    own(special_.eos, processor_.eos_id());
    own(special_.unk, processor_.unk_id());
    own(special_.pad, processor_.pad_id());
    stop_at_eos(special_);
    if (add_bos_ && !special_.bos) user_error(where_, ": add_bos_token without a bos_token");
    if (add_eos_ && !special_.eos) user_error(where_, ": add_eos_token without an eos_token");
    // Without its own space SentencePiece strips leading ones; a known prefix protects them.
    if (!legacy_) unknown_length_ = pieces_of(unknown_prefix_).size();
    strips_mark_ = decodes_without_first_mark();
  }

  std::vector<int32_t> encode(std::string_view text, bool add_special) const override {
    if (!is_valid_utf8(text)) user_error("the text to tokenize is not valid UTF-8");
    std::vector<int32_t> ids;
    if (add_special && add_bos_) ids.push_back(*special_.bos);
    const size_t before = ids.size();
    if (legacy_ || text.empty()) {
      encode_segments(text, ids);
    } else {
      std::string prefixed = prefix_space_ ? std::string(kMark) : "";
      prefixed += marks_to_spaces(text);
      const size_t special = encode_segments(prefixed, ids);
      // A text that begins with a special token needs no space before it. A character that is
      // unknown has the id of <unk> and is none.
      if (special == before + 1 && token_to_id(kMark) == ids[before]) {
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(before));
      }
    }
    if (add_special && add_eos_) ids.push_back(*special_.eos);
    return ids;
  }

  std::string decode(std::span<const int32_t> ids, bool skip_special) const override {
    std::string out;
    std::vector<int32_t> run;
    for (const int32_t id : ids) {
      if (spelling(id) == nullptr || (skip_special && is_special(id))) continue;
      if (!stands_alone(id)) {
        run.push_back(id);
        continue;
      }
      out += decode_run(run);
      out += *spelling(id);
      run.clear();
    }
    return out + decode_run(run);
  }

  int64_t vocab_size() const override {
    const int32_t largest = tokens_.empty() ? -1 : tokens_.rbegin()->first;
    return std::max<int64_t>(pieces_, largest + 1);
  }

  std::optional<int32_t> token_to_id(std::string_view token) const override {
    if (const auto added = ids_.find(token); added != ids_.end()) return added->second;
    const int id = processor_.PieceToId(token);
    if (id < 0 || processor_.IdToPiece(id) != token) return std::nullopt;
    return id;
  }

  std::string id_to_token(int32_t id) const override {
    const std::string* token = spelling(id);
    if (token == nullptr) user_error("the tokenizer has no token with id ", id);
    return *token;
  }

  std::string kind() const override { return "SentencePiece"; }

 private:
  // Most of what is wrong comes back as a status; its table of pieces throws (an empty piece).
  void load(const std::string& bytes) {
    std::string reason;
    try {
      const auto status = processor_.LoadFromSerializedProto(bytes);
      if (status.ok() && processor_.GetPieceSize() > 0) return;
    } catch (const std::exception& error) {
      reason = cat(" (", error.what(), ")");
    }
    user_error(where_, ": not a SentencePiece model", reason);
  }

  void read_tokens(const SideFiles& files) {
    for (const NumberedToken& numbered : files.added) {
      const auto known = token_to_id(numbered.token.content);
      if (known && *known != numbered.id) {
        user_error(where_, ": added token '", numbered.token.content, "' says id ", numbered.id,
                   " but the model has it as ", *known);
      }
      // Here only a token with a role (below) is special, whatever its own flag says.
      AddedToken token = numbered.token;
      token.special = false;
      insert(token, numbered.id);
    }
    unknown_prefix_ = processor_.IdToPiece(processor_.unk_id());
    for (const auto& [name, token] : files.named) {
      if (name == "unk_token") unknown_prefix_ = token.content;
      const auto known = token_to_id(token.content);
      const int32_t id = known ? *known : static_cast<int32_t>(vocab_size());
      if (name == SideFiles::kExtra || name == SideFiles::kOwnName) extra_.insert(id);
      if (known && tokens_.contains(id)) {
        tokens_[id].special = true;
      } else {
        insert(token, id);
      }
    }
    if (files.named.empty()) insert_control_pieces();
  }

  // Without side files: the model's own <unk>, <s>, </s> are special, as LlamaTokenizer's defaults.
  void insert_control_pieces() {
    for (const int id : {processor_.unk_id(), processor_.bos_id(), processor_.eos_id()}) {
      if (id < 0) continue;
      AddedToken token;
      token.content = processor_.IdToPiece(id);
      insert(token, id);
      tokens_[id].special = true;
    }
  }

  void insert(const AddedToken& token, int32_t id) {
    if (token.content.empty()) return;
    const auto [entry, fresh] = tokens_.emplace(id, token);
    if (!fresh && entry->second.content != token.content) {
      user_error(where_, ": added tokens '", entry->second.content, "' and '", token.content,
                 "' have the same id ", id);
    }
    ids_[token.content] = id;
    matcher_.add(token.content, id);
  }

  // transformers decodes what lies between added tokens without a role part by part.
  bool stands_alone(int32_t id) const {
    return tokens_.contains(id) && (!is_special(id) || (extra_.contains(id) && id >= pieces_));
  }

  // Does the model put a space in front of a text, and take it away again?
  bool decodes_without_first_mark() const {
    for (int32_t id = 0; id < pieces_; ++id) {
      const std::string& piece = processor_.IdToPiece(id);
      if (!starts_with(piece, kMark) || starts_with(piece.substr(kMark.size()), kMark)) continue;
      std::string text;
      const auto status = processor_.Decode(std::vector<int>{id}, &text);
      return status.ok() && !starts_with(text, " ");
    }
    return false;
  }

  // All of the pieces' text. Versions of SentencePiece take one or all spaces off its beginning, so
  // there is a letter in front here.
  std::string text_of(std::vector<std::string> pieces) const {
    pieces.insert(pieces.begin(), "x");
    std::string text;
    const auto status = processor_.Decode(pieces, &text);
    UNLEARN_CHECK(status.ok() && starts_with(text, "x"), "SentencePiece: ", status.ToString());
    return text.substr(1);
  }

  bool begins_with_mark(const std::vector<std::string>& pieces) const {
    for (const std::string& piece : pieces) {
      if (piece.empty() || processor_.IsControl(processor_.PieceToId(piece))) continue;
      return starts_with(piece, kMark);
    }
    return false;
  }

  std::string decode_run(std::span<const int32_t> ids) const {
    std::string out;
    std::vector<std::string> run;
    bool after_special = false;
    const auto flush = [&] {
      // One space is what encoding has put in front.
      const size_t skip = strips_mark_ && begins_with_mark(run) ? 1 : 0;
      out += text_of(run).substr(skip);
      run.clear();
    };
    for (size_t index = 0; index < ids.size(); ++index) {
      std::string token = *spelling(ids[index]);
      const bool ours = index == 0 && prefix_space_ && (!strips_mark_ || is_special(ids[index]));
      if (ours && starts_with(token, kMark)) token.erase(0, kMark.size());
      if (is_special(ids[index])) {
        if (legacy_ && !after_special && index != 0) out += ' ';
        flush();
        out += token;
        after_special = true;
      } else {
        if (after_special && index == 1 && prefix_space_ && !starts_with(token, kMark)) out += ' ';
        run.push_back(token);
        after_special = false;
      }
    }
    flush();
    return out;
  }

  bool is_special(int32_t id) const {
    const auto found = tokens_.find(id);
    return found != tokens_.end() && found->second.special;
  }

  const std::string* spelling(int32_t id) const {
    if (const auto found = tokens_.find(id); found != tokens_.end()) return &found->second.content;
    if (id < 0 || id >= pieces_) return nullptr;
    return &processor_.IdToPiece(id);
  }

  std::vector<int32_t> pieces_of(const std::string& text) const {
    std::vector<int> ids;
    const auto status = processor_.Encode(text, &ids);
    if (!status.ok()) user_error(where_, ": SentencePiece could not encode: ", status.ToString());
    return ids;
  }

  void encode_plain(const std::string& text, std::vector<int32_t>& ids) const {
    if (legacy_ || !(starts_with(text, kMark) || starts_with(text, " "))) {
      const std::vector<int32_t> found = pieces_of(text);
      ids.insert(ids.end(), found.begin(), found.end());
      return;
    }
    const std::vector<int32_t> found = pieces_of(unknown_prefix_ + text);
    const size_t skip = found.size() >= unknown_length_ ? unknown_length_ : 0;
    ids.insert(ids.end(), found.begin() + static_cast<std::ptrdiff_t>(skip), found.end());
  }

  // Returns where the first special token among `ids` is; npos without one.
  size_t encode_segments(std::string_view text, std::vector<int32_t>& ids) const {
    if (split_special_) {
      encode_plain(std::string(text), ids);
      return std::string::npos;
    }
    size_t special = std::string::npos;
    for (const TextPart& part : cut_at_tokens(text, matcher_, tokens_)) {
      if (part.text.empty()) continue;
      if (part.id < 0) {
        encode_plain(part.text, ids);
        continue;
      }
      if (special == std::string::npos && is_special(part.id)) special = ids.size();
      ids.push_back(part.id);
    }
    return special;
  }

  sentencepiece::SentencePieceProcessor processor_;
  bool legacy_, prefix_space_, add_bos_, add_eos_, split_special_;
  bool strips_mark_ = false;
  std::string where_;
  int32_t pieces_ = 0;
  std::map<int32_t, AddedToken> tokens_;
  std::set<int32_t> extra_;  // special tokens without one of the usual roles
  StringMap<int32_t> ids_;
  Matcher matcher_;
  std::string unknown_prefix_;
  size_t unknown_length_ = 0;
};

}  // namespace

std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& file,
                                              const SideFiles& files) {
  return std::make_unique<SentencePiece>(file, files);
}

}  // namespace unlearn::tokenizer
