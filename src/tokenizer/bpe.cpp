// Byte-pair encoding as Hugging Face `tokenizers` does it (models/bpe): characters first, then the
// pair with the lowest rank, leftmost first, until no pair is left.
#include <algorithm>
#include <queue>

#include "tokenizer/model.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_cache.h"
#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

struct Merge {
  uint32_t rank;
  int32_t id;
};

struct PairHash {
  size_t operator()(uint64_t pair) const {
    pair ^= pair >> 31;
    pair *= 0x9E3779B97F4A7C15ull;
    return static_cast<size_t>(pair ^ (pair >> 29));
  }
};

uint64_t pair_key(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

// A linked list inside a vector: a merge unlinks the right neighbour.
struct Symbol {
  int32_t id;
  int64_t previous;
  int64_t next;
  bool alive;
};

struct Candidate {
  uint32_t rank;
  int64_t position;
  int32_t id;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

class Bpe : public Model {
 public:
  explicit Bpe(const Fields& fields) {
    fields.only({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                 "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"});
    if (const Json* dropout = fields.find("dropout");
        dropout != nullptr && !(dropout->is_number() && dropout->get<double>() == 0)) {
      user_error(fields.where, ": 'dropout' must be null or 0: random merges are not supported");
    }
    unk_token_ = fields.text_or("unk_token", "");
    prefix_ = fields.text_or("continuing_subword_prefix", "");
    suffix_ = fields.text_or("end_of_word_suffix", "");
    fuse_unk_ = fields.flag_or("fuse_unk", false);
    byte_fallback_ = fields.flag_or("byte_fallback", false);
    ignore_merges_ = fields.flag_or("ignore_merges", false);
    where_ = fields.where;
    read_vocabulary(fields.child("vocab"));
    read_merges(fields.list("merges"));
    find_bytes();
  }

  void encode(std::string_view piece, std::vector<int32_t>& out) const override {
    if (piece.empty() || cache_.append(piece, out)) return;
    const size_t before = out.size();
    if (const auto whole = ignore_merges_ ? vocabulary_.find(piece) : std::nullopt) {
      out.push_back(*whole);
    } else {
      std::vector<Symbol> symbols = characters(piece);
      merge_all(symbols);
      for (const Symbol& symbol : symbols) {
        if (symbol.alive) out.push_back(symbol.id);
      }
    }
    cache_.remember(piece, out.data() + before, out.data() + out.size());
  }

  std::optional<int32_t> find(std::string_view token) const override {
    return vocabulary_.find(token);
  }
  const std::string* token(int32_t id) const override { return vocabulary_.token(id); }
  int32_t size() const override { return vocabulary_.size(); }
  int32_t largest_id() const override { return vocabulary_.largest_id(); }
  std::string kind() const override { return "BPE"; }

 private:
  void read_vocabulary(const Fields& vocab) {
    for (const auto& item : vocab.object.items()) {
      vocabulary_.add(item.key(),
                      whole_number(item.value(), cat(vocab.where, ": id of '", item.key(), "'")),
                      vocab.where);
    }
  }

  void read_merges(const Json& merges) {
    merges_.reserve(merges.size());
    uint32_t rank = 0;
    for (const Json& merge : merges) {
      const std::string where = cat(where_, ": merge ", rank);
      const auto [left, right] = spelling(merge, where);
      if (right.size() < prefix_.size()) user_error(where, ": '", right, "' lacks the prefix");
      const auto id = [&](const std::string& token) {
        const auto found = vocabulary_.find(token);
        if (!found) user_error(where, ": token '", token, "' is not in the vocabulary");
        return *found;
      };
      const int32_t merged = id(left + right.substr(prefix_.size()));
      merges_[pair_key(id(left), id(right))] = {rank++, merged};
    }
  }

  // "a b" or ["a", "b"].
  static std::pair<std::string, std::string> spelling(const Json& merge, const std::string& where) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      return {merge[0].get<std::string>(), merge[1].get<std::string>()};
    }
    if (!merge.is_string()) user_error(where, ": must be \"a b\" or [\"a\", \"b\"]");
    const std::string text = merge.get<std::string>();
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      user_error(where, ": '", text, "' must be two tokens with one space between");
    }
    return {text.substr(0, space), text.substr(space + 1)};
  }

  void find_bytes() {
    constexpr const char* kHex = "0123456789ABCDEF";
    bytes_.resize(256);
    for (size_t b = 0; b < 256; ++b) {
      bytes_[b] = vocabulary_.find(cat("<0x", kHex[b >> 4], kHex[b & 15], ">"));
    }
  }

  static void append(std::vector<Symbol>& symbols, int32_t id) {
    const auto index = static_cast<int64_t>(symbols.size());
    if (!symbols.empty()) symbols.back().next = index;
    symbols.push_back({id, index - 1, -1, true});
  }

  bool append_bytes(std::vector<Symbol>& symbols, std::string_view character) const {
    for (const char c : character) {
      if (!bytes_[static_cast<unsigned char>(c)]) return false;
    }
    for (const char c : character) append(symbols, *bytes_[static_cast<unsigned char>(c)]);
    return true;
  }

  int32_t unknown() const {
    const auto id = vocabulary_.find(unk_token_);
    if (!id) user_error(where_, ": unk_token '", unk_token_, "' is not in the vocabulary");
    return *id;
  }

  std::vector<Symbol> characters(std::string_view piece) const {
    std::vector<Symbol> symbols;
    symbols.reserve(piece.size());
    std::string decorated;
    int32_t pending = -1;  // an unknown that the next one may join
    for (size_t i = 0; i < piece.size();) {
      const size_t begin = i;
      next_code_point(piece, i);
      std::string_view character = piece.substr(begin, i - begin);
      const bool prefixed = begin > 0 && !prefix_.empty();
      const bool suffixed = i == piece.size() && !suffix_.empty();
      if (prefixed || suffixed) {
        decorated = prefixed ? prefix_ : "";
        decorated += character;
        if (suffixed) decorated += suffix_;
        character = decorated;
      }
      if (const auto id = vocabulary_.find(character)) {
        if (pending >= 0) append(symbols, pending);
        pending = -1;
        append(symbols, *id);
        continue;
      }
      if (byte_fallback_ && append_bytes(symbols, character)) continue;
      if (unk_token_.empty()) continue;  // as the reference: an unknown character disappears
      if (pending >= 0 && !fuse_unk_) append(symbols, pending);
      pending = unknown();
    }
    if (pending >= 0) append(symbols, pending);
    return symbols;
  }

  const Merge* merge_of(int32_t left, int32_t right) const {
    const auto found = merges_.find(pair_key(left, right));
    return found == merges_.end() ? nullptr : &found->second;
  }

  void merge_all(std::vector<Symbol>& symbols) const {
    std::vector<Candidate> start;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      if (const Merge* merge = merge_of(symbols[i].id, symbols[i + 1].id)) {
        start.push_back({merge->rank, static_cast<int64_t>(i), merge->id});
      }
    }
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue(std::greater<>{},
                                                                                 std::move(start));
    const auto at = [&](int64_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };
    const auto offer = [&](int64_t left) {
      if (left < 0 || at(left).next < 0) return;
      if (const Merge* merge = merge_of(at(left).id, at(at(left).next).id)) {
        queue.push({merge->rank, left, merge->id});
      }
    };
    while (!queue.empty()) {
      const Candidate top = queue.top();
      queue.pop();
      Symbol& left = at(top.position);
      if (!left.alive || left.next < 0) continue;
      Symbol& right = at(left.next);
      const Merge* merge = merge_of(left.id, right.id);
      if (merge == nullptr || merge->id != top.id) continue;  // one of the two has changed
      left.id = top.id;
      left.next = right.next;
      right.alive = false;
      if (left.next >= 0) at(left.next).previous = top.position;
      offer(left.previous);
      offer(top.position);
    }
  }

  Vocabulary vocabulary_;
  std::unordered_map<uint64_t, Merge, PairHash> merges_;
  std::vector<std::optional<int32_t>> bytes_;  // ids of "<0x00>" … "<0xFF>"
  std::string unk_token_, prefix_, suffix_, where_;
  bool fuse_unk_ = false, byte_fallback_ = false, ignore_merges_ = false;
  WordCache cache_;
};

}  // namespace

std::unique_ptr<Model> make_bpe(const Fields& fields) { return std::make_unique<Bpe>(fields); }

}  // namespace unlearn::tokenizer
