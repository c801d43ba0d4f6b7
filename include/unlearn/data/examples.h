// Text to tokens and labels, by the rules of the reference code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/data/rows.h"
#include "unlearn/data/template.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::data {

// Tokenises one pair by the TOFU rule: BOS as the tokenizer adds it, question masked, EOS appended
// as the last target when the text is shorter than max_length (locuslab/tofu, data_module.py).
// UserError when no label remains.
Example make_qa_example(const tokenizer::Tokenizer& tok, const Template& tmpl,
                        const std::string& question, const std::string& answer, int64_t max_length);

// Tokens of the prompt alone, ready for generation.
std::vector<int32_t> make_qa_prompt(const tokenizer::Tokenizer& tok, const Template& tmpl,
                                    const std::string& question);

// A row's example with another answer or its own, and its prompt, behind its earlier turns.
Example make_row_example(const tokenizer::Tokenizer& tok, const Template& tmpl, const QaRow& row,
                         const std::string& answer, int64_t max_length);
std::vector<int32_t> make_row_prompt(const tokenizer::Tokenizer& tok, const Template& tmpl,
                                     const QaRow& row, const std::string& question);

// Every token but the first is a label; cut at max_length (0: no limit).
Example make_text_example(const tokenizer::Tokenizer& tok, const std::string& text,
                          int64_t max_length);

// A long text as chunks of max_length tokens, every token a label (swj0419/muse_bench,
// baselines/dataset.py): BOS before each, the last one filled up from the first.
std::vector<Example> chunk_text(const tokenizer::Tokenizer& tok, const std::string& text,
                                int64_t max_length);

// OpenUnlearning's chunks of a long text (src/data/pretraining.py and utils.py): windows of
// max_length ids, each decoded and tokenised again with special tokens, cut after max_length tokens
// behind the first; the first is no label. Its empty last piece (where max_length divides the
// length) has no label and is left out.
std::vector<Example> rechunk_text(const tokenizer::Tokenizer& tok, const std::string& text,
                                  int64_t max_length);

}  // namespace unlearn::data
