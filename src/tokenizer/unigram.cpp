// Unigram language model: the most probable split of a piece (Viterbi), as models/unigram of
// Hugging Face `tokenizers` (encode_optimized).
#include <algorithm>
#include <limits>

#include "tokenizer/model.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"
#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

constexpr double kUnknownPenalty = 10.0;  // an unknown character costs this much below the worst

class Unigram : public Model {
 public:
  explicit Unigram(const Fields& fields) {
    fields.only({"type", "unk_id", "vocab", "byte_fallback"});
    double worst = std::numeric_limits<double>::infinity();
    int32_t id = 0;
    for (const Json& entry : fields.list("vocab")) {
      const std::string where = cat(fields.where, ": vocab entry ", id);
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() ||
          !entry[1].is_number()) {
        user_error(where, ": must be [token, score]");
      }
      const auto token = entry[0].get<std::string>();
      vocabulary_.add(token, id++, where);
      scores_.push_back(entry[1].get<double>());
      worst = std::min(worst, scores_.back());
    }
    if (scores_.empty()) user_error(fields.where, ": the vocabulary is empty");
    unknown_score_ = worst - kUnknownPenalty;
    if (fields.find("unk_id") != nullptr) unknown_ = fields.whole("unk_id");
    if (unknown_ && *unknown_ >= id)
      user_error(fields.where, ": 'unk_id' is not in the vocabulary");
    byte_fallback_ = fields.flag_or("byte_fallback", false);
    where_ = fields.where;
    index_prefixes();
  }

  void encode(std::string_view piece, std::vector<int32_t>& out) const override {
    if (piece.empty()) return;
    const std::vector<Node> best = search(piece);
    std::vector<Span> spans;  // from the end
    for (size_t end = piece.size(); end > 0;) {
      const size_t begin = best[end].begin;
      const bool unknown = best[end].id < 0;
      if (unknown && !spans.empty() && spans.back().id < 0) {
        spans.back().begin = begin;  // neighbouring unknowns become one
      } else {
        spans.push_back({begin, end, best[end].id});
      }
      end = begin;
    }
    for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
      if (span->id >= 0) {
        out.push_back(span->id);
      } else {
        append_unknown(piece.substr(span->begin, span->end - span->begin), out);
      }
    }
  }

  std::optional<int32_t> find(std::string_view token) const override {
    return vocabulary_.find(token);
  }
  const std::string* token(int32_t id) const override { return vocabulary_.token(id); }
  int32_t size() const override { return vocabulary_.size(); }
  int32_t largest_id() const override { return vocabulary_.largest_id(); }
  std::string kind() const override { return "Unigram"; }

 private:
  struct Node {
    double score = 0;
    size_t begin = 0;
    int32_t id = -1;  // -1: unknown
    bool reached = false;
  };
  struct Span {
    size_t begin, end;
    int32_t id;
  };
  // A byte trie in one hash map: (node, byte) to node.
  struct TrieNode {
    int32_t token = -1;
    std::unordered_map<unsigned char, int32_t> next;
  };

  void index_prefixes() {
    trie_.emplace_back();
    for (int32_t id = 0; id <= vocabulary_.largest_id(); ++id) {
      size_t node = 0;
      for (const char c : *vocabulary_.token(id)) {
        const auto byte = static_cast<unsigned char>(c);
        const auto found = trie_[node].next.find(byte);
        if (found != trie_[node].next.end()) {
          node = static_cast<size_t>(found->second);
          continue;
        }
        trie_[node].next[byte] = static_cast<int32_t>(trie_.size());
        node = trie_.size();
        trie_.emplace_back();
      }
      trie_[node].token = id;
    }
  }

  std::vector<Node> search(std::string_view piece) const {
    std::vector<Node> best(piece.size() + 1);
    const auto improve = [&](size_t begin, size_t end, double score, int32_t id) {
      Node& node = best[end];
      if (!node.reached || score > node.score) node = {score, begin, id, true};
    };
    for (size_t begin = 0; begin < piece.size();) {
      size_t after = begin;
      next_code_point(piece, after);
      bool single = false;  // a token of exactly this character
      size_t node = 0;
      for (size_t end = begin; end < piece.size();) {
        const auto found = trie_[node].next.find(static_cast<unsigned char>(piece[end++]));
        if (found == trie_[node].next.end()) break;
        node = static_cast<size_t>(found->second);
        const int32_t id = trie_[node].token;
        if (id < 0) continue;
        improve(begin, end, best[begin].score + scores_[static_cast<size_t>(id)],
                unknown_ == id ? -1 : id);
        single = single || end == after;
      }
      if (!single) improve(begin, after, best[begin].score + unknown_score_, -1);
      begin = after;
    }
    return best;
  }

  void append_unknown(std::string_view text, std::vector<int32_t>& out) const {
    if (byte_fallback_) {
      constexpr const char* kHex = "0123456789ABCDEF";
      std::vector<int32_t> bytes;
      for (const char c : text) {
        const auto b = static_cast<unsigned char>(c);
        const auto id = vocabulary_.find(cat("<0x", kHex[b >> 4], kHex[b & 15], ">"));
        if (!id) break;
        bytes.push_back(*id);
      }
      if (bytes.size() == text.size()) {
        out.insert(out.end(), bytes.begin(), bytes.end());
        return;
      }
    }
    if (!unknown_) user_error(where_, ": the text has a character that no token spells");
    out.push_back(*unknown_);
  }

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  std::vector<TrieNode> trie_;
  double unknown_score_ = 0;
  std::optional<int32_t> unknown_;
  bool byte_fallback_ = false;
  std::string where_;
};

}  // namespace

std::unique_ptr<Model> make_unigram(const Fields& fields) {
  return std::make_unique<Unigram>(fields);
}

}  // namespace unlearn::tokenizer
