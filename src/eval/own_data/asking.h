// Rows as sequences for a model: what is scored, and what an output is asked with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/data/rows.h"
#include "unlearn/data/template.h"
#include "unlearn/eval/own_data.h"

namespace unlearn::eval::own_data {

class Asker {
 public:
  // `rows` must outlive this. Longer sequences are cut at `max_length` tokens.
  Asker(const tokenizer::Tokenizer& tok, const OwnRows& rows, int64_t max_length)
      : tok_(tok), rows_(rows), max_length_(max_length) {}

  // The row's question with an answer; its labels are the answer's tokens.
  data::Example answered(const data::QaRow& row, const std::string& answer) const;
  // A prompt for the row asked by `question`, with the first words of the answer given.
  std::vector<int32_t> asked(const data::QaRow& row, const std::string& question,
                             const std::string& given = "") const;
  // New tokens that hold the longest of these answers and something more, but at most `most`.
  int64_t output_tokens(const std::vector<data::QaRow>& rows, int64_t most) const;
  std::string decoded(const std::vector<int32_t>& output) const;

 private:
  const tokenizer::Tokenizer& tok_;
  const OwnRows& rows_;
  int64_t max_length_;
};

}  // namespace unlearn::eval::own_data
