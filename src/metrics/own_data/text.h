// Words, numbers and addresses of a text in any script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace unlearn::metrics::own_data {

enum class Shape { kWord, kNumber, kContact };

// Positions count code points of the NFKC text.
struct Token {
  std::string text;  // as written, NFKC
  std::string key;   // case folded, letters and digits alone; a word without its 's
  Shape shape = Shape::kWord;
  bool capital = false;   // begins with an upper-case letter
  bool opens = false;     // the first of a sentence
  bool unspaced = false;  // of a script without spaces between words
  size_t begin = 0, end = 0;
  std::string gap;  // between the token before and this one
};

// A number is a run of letters and digits with at least one digit, its separators (1,234.5;
// DE12-34; 12:30) inside; digit groups behind a single space belong to it (DE12 3456 7890).
std::vector<Token> tokens_of(std::string_view text);

// Of an NFKC text: tokens with each group of digits by itself, and keys of its runs of letters or
// of digits.
std::vector<Token> plain_tokens(std::u32string_view text);
std::vector<std::string> runs_of(std::u32string_view text);
bool all_digits(const std::string& key);

// Whether a key is somewhere in a text.
class Searched {
 public:
  explicit Searched(std::string_view text);
  // A short number (under five letters and digits) must be all of what stands between spaces, but
  // for letters glued to it (500EUR); anything else begins and ends with words or digit runs, in
  // whatever way separators cut it, and a word may have an s or es of a plural more.
  bool holds(const std::string& key) const;

  // All parts without anything between them.
  const std::string& joined() const { return joined_; }
  // Every key it holds of up to twelve parts, but for those of scripts without spaces.
  std::vector<std::string> keys() const;

 private:
  std::vector<std::string> parts_;  // runs of letters or of digits
  std::vector<std::string>
      chunks_;  // keys of numbers as they are separated by spaces; read out too
  std::string joined_;
};

// The keys of all tokens joined: equal for texts that read alike.
std::string key_of(std::string_view text);
bool is_unspaced_key(const std::string& key);
// The same with umlauts written as two letters; "" where that is no other key.
std::string digraph_key(std::string_view text);
// Folded runs of letters and digits, in order; scripts without spaces by dictionary.
std::vector<std::string> words_of(std::string_view text);

// Words that are too common to tell anything: English function words, months, days. `key` is
// folded.
bool is_common_word(const std::string& key);
bool is_month(const std::string& key);
// 1 to 12; 0 for what is no month.
int month_number(const std::string& key);
// "january" or "jan".
std::string month_name(int month, bool is_short);

int64_t code_points(std::string_view utf8);

}  // namespace unlearn::metrics::own_data
