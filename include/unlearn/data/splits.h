// A run's data: files opened, checked and tokenised into the examples of each role.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "unlearn/data/data_config.h"
#include "unlearn/data/example.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::data {

struct Layout;    // layout.h
struct Template;  // template.h

// Which splits a run needs.
struct SplitRequest {
  bool forget = false, retain = false, alternate = false, train = false;
  // The alternates are the forget rows' own (alternate_key) instead of refusals. A forget row with
  // k of them becomes k examples, so that alternate i goes with forget example i.
  bool own_alternate = false;
  // Forget and retain rows stand there once more in each of data.question_forms, behind all rows;
  // and rows that stand twice in the forget set are refused or warned of (Layout::refuses_repeats).
  bool for_training = false;
};

struct Split {
  std::filesystem::path file;
  std::vector<Example> examples;
  bool is_chunked = false;  // Example::row counts chunks of the file
  // The file's row that each chunk comes from; empty where the whole file is one text.
  std::vector<int64_t> rows_of_chunks = {};
};

struct Splits {
  std::optional<Split> forget, retain, alternate, train;
  std::optional<Split> held_out;  // retain rows that are never trained on (data.hold_out)
};

// Opens, checks and tokenises what is asked for. Token ids must be below vocab_size (the
// embedding's rows): UserError "tokenizer/embedding mismatch" otherwise. Forget examples that are
// retain examples too are refused unless data.allow_overlap or data.drop_overlap. Parallel over
// rows.
Splits load_splits(const DataConfig& config, const Layout& layout, const SplitRequest& request,
                   const tokenizer::Tokenizer& tok, const Template& tmpl, int64_t vocab_size);

}  // namespace unlearn::data
