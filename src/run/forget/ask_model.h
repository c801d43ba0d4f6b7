// Whether the model knows the rows that it shall forget, and under which template.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/data/rows.h"
#include "unlearn/data/template.h"
#include "unlearn/metrics/own_data/measured.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::run {

struct AskedModel {
  const tokenizer::Tokenizer& tokenizer;
  const data::Template& prompt_template;
  const std::filesystem::path& folder;
  model::CausalLM& model;
  int64_t max_length = 512;
};

// "" or why the rows seem to be asked for under the wrong template: another one makes their answers
// much more likely. At most 32 rows are scored.
std::string better_template(const AskedModel& asked, std::vector<data::QaRow> rows);

// "" or why there is nothing to forget: true answers are no more likely than others.
std::string unknown_rows(const metrics::own_data::Measured& before, const std::string& tmpl,
                         double target);

}  // namespace unlearn::run
