#include "eval/own_data/plan_rows.h"

#include <algorithm>

#include "eval/own_data/general_text.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/data/examples.h"
#include "unlearn/metrics/own_data/prompts.h"

namespace unlearn::eval::own_data {
namespace {

namespace own = metrics::own_data;

// Fixed, so that every evaluation of the same files measures the same rows.
constexpr uint64_t kChoiceSeed = 0;
constexpr size_t kRetainOutputs = 12;
constexpr int64_t kGivenWords[] = {1, 3};

std::vector<size_t> seeded_choice(size_t count, int64_t most) {
  const std::vector<int64_t> order = permutation(static_cast<int64_t>(count), kChoiceSeed, 0);
  std::vector<size_t> chosen(order.begin(),
                             order.begin() + std::min<int64_t>(static_cast<int64_t>(count), most));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

own::RowText row_text(const data::QaRow& row) { return {row.question, row.answer}; }

std::vector<own::RowText> row_texts(const std::vector<data::QaRow>& rows) {
  std::vector<own::RowText> texts;
  for (const data::QaRow& row : rows) texts.push_back(row_text(row));
  return texts;
}

std::vector<std::string> answers_of(const std::vector<data::QaRow>& rows) {
  std::vector<std::string> answers;
  for (const data::QaRow& row : rows) answers.push_back(row.answer);
  return answers;
}

// All retain rows, those trained on first.
std::vector<data::QaRow> retain_rows(const OwnRows& rows) {
  std::vector<data::QaRow> all = rows.seen;
  all.insert(all.end(), rows.held_out.begin(), rows.held_out.end());
  return all;
}

std::vector<double> means_of(const std::vector<ScoreId>& ids, const Results& results) {
  std::vector<double> means;
  for (const ScoreId id : ids) means.push_back(results[id].mean());
  return means;
}

}  // namespace

Wanted Wanted::of(const MetricSelection& selection) {
  Wanted wanted;
  wanted.preference = selection.has("preference");
  wanted.outputs = selection.has("extraction") || selection.has("fluency");
  wanted.samples = selection.has("leak_at_k");
  wanted.damage = selection.has("damage");
  wanted.retain_outputs = selection.has("fluency");
  return wanted;
}

RetainChoice choose_retain(const OwnRows& rows, int64_t most) {
  return {seeded_choice(rows.seen.size(), most), seeded_choice(rows.held_out.size(), most)};
}

RowPlans::RowPlans(const EvaluationInputs& inputs, const OwnRows& rows, Wanted wanted)
    : inputs_(inputs),
      rows_(rows),
      wanted_(wanted),
      asker_(inputs.tokenizer, rows, inputs.config.max_length.value_or(inputs.data.max_length)),
      retain_(choose_retain(rows, inputs.config.own_retain_rows)) {
  limits_.max_new_tokens = asker_.output_tokens(rows.forget, inputs.config.max_new_tokens);
  limits_.max_total_tokens = inputs.config.max_total_tokens.value_or(0);
}

void RowPlans::plan(Plan& plan, Plan* base) {
  plans_.resize(rows_.forget.size());
  if (wanted_.preference) plan_scores(plan, base);
  if (wanted_.outputs || wanted_.samples) plan_outputs(plan);
  if (wanted_.damage) plan_damage(plan);
  if (!wanted_.retain_outputs) return;
  for (const auto& [rows, chosen] :
       {std::pair{&rows_.held_out, &retain_.held_out}, {&rows_.seen, &retain_.seen}}) {
    for (const size_t index : *chosen) {
      if (retain_outputs_.size() == kRetainOutputs) return;
      const data::QaRow& row = (*rows)[index];
      retain_outputs_.push_back(plan.generate(asker_.asked(row, row.question), limits_));
    }
  }
}

void RowPlans::plan_scores(Plan& plan, Plan* base) {
  const std::vector<data::QaRow> retain = retain_rows(rows_);
  own::ComparisonOptions options;
  options.most = inputs_.config.own_alternatives;
  options.wanted = std::min(options.wanted, options.most);
  const auto alternatives =
      own::choose_alternatives(answers_of(rows_.forget), answers_of(retain), options);
  for (size_t i = 0; i < rows_.forget.size(); ++i) {
    const data::QaRow& row = rows_.forget[i];
    try {
      const data::Example example = asker_.answered(row, row.answer);
      plans_[i].own = plan.score(example);
      if (base != nullptr) plans_[i].base = base->score(example);
      for (const own::Alternative& other : alternatives[i]) {
        const auto& source = other.of_retain ? retain : rows_.forget;
        plans_[i].others.push_back(
            plan.score(asker_.answered(row, source[static_cast<size_t>(other.row)].answer)));
      }
    } catch (const UserError& error) {
      user_error("data.forget: row ", row.row, ": ", error.what());
    }
  }
}

void RowPlans::plan_other_words(const data::QaRow& row, Plan& plan, RowPlan& item) const {
  const auto ask = [&](const std::string& rule, const std::string& question,
                       const std::string& given) {
    item.asked.push_back(
        {{rule, question, given, ""}, plan.generate(asker_.asked(row, question, given), limits_)});
  };
  for (const own::AnswerStart& start : own::answer_starts(row.answer, kGivenWords)) {
    ask("start", row.question, start.given);
  }
  if (rows_.is_text) return;
  for (const own::Paraphrase& other : own::paraphrases(row.question)) {
    ask(other.rule, other.question, "");
  }
  for (const std::string& question : row.paraphrases) ask("user", question, "");
}

void RowPlans::plan_outputs(Plan& plan) {
  for (size_t i = 0; i < rows_.forget.size(); ++i) {
    const data::QaRow& row = rows_.forget[i];
    RowPlan& item = plans_[i];
    const std::vector<int32_t> prompt = asker_.asked(row, row.question);
    if (wanted_.outputs) {
      item.output = plan.generate(prompt, limits_);
      if (inputs_.config.own_paraphrases) plan_other_words(row, plan, item);
    }
    for (int64_t draw = 0; wanted_.samples && draw < inputs_.config.own_samples; ++draw) {
      const Sampling sampling{inputs_.config.own_temperature, 1, draw};
      item.samples.push_back(plan.generate(prompt, limits_, sampling));
    }
  }
}

void RowPlans::plan_damage(Plan& plan) {
  const auto score = [&](const data::QaRow& row) {
    try {
      return plan.score(asker_.answered(row, row.answer));
    } catch (const UserError& error) {
      user_error("data.retain: row ", row.row, ": ", error.what());
    }
  };
  for (const size_t i : retain_.seen) seen_.push_back(score(rows_.seen[i]));
  for (const size_t i : retain_.held_out) held_out_.push_back(score(rows_.held_out[i]));
  const std::vector<data::QaRow> retain = retain_rows(rows_);
  const auto near = own::neighbours(row_texts(rows_.forget), row_texts(retain));
  for (const own::Neighbour& neighbour : near) {
    if (static_cast<int64_t>(neighbours_.size()) == inputs_.config.own_retain_rows) break;
    neighbours_.push_back(score(retain[static_cast<size_t>(neighbour.row)]));
  }
  const int64_t length = inputs_.config.max_length.value_or(inputs_.data.max_length);
  for (const std::string& paragraph : general_paragraphs()) {
    general_.push_back(plan.score(data::make_text_example(inputs_.tokenizer, paragraph, length)));
  }
}

own::MeasuredRow RowPlans::measured_row(size_t index, const Results& results,
                                        const Results& base) const {
  const RowPlan& item = plans_[index];
  own::MeasuredRow row{row_text(rows_.forget[index])};
  if (item.own) {
    row.logprob = results[*item.own].mean();
    row.scores = {row.logprob, means_of(item.others, results)};
  }
  if (item.base) row.logprob_base = base[*item.base].mean();
  if (item.output) row.output = asker_.decoded(results[*item.output]);
  for (const Asked& asked : item.asked) {
    row.others.push_back(asked.prompt);
    row.others.back().output = asker_.decoded(results[asked.id]);
  }
  for (const GenerationId id : item.samples) row.samples.push_back(asker_.decoded(results[id]));
  return row;
}

own::Measured RowPlans::measured(const Results& results, const Results& base) const {
  own::Measured measured;
  for (size_t i = 0; i < plans_.size(); ++i) {
    measured.rows.push_back(measured_row(i, results, base));
  }
  measured.retain = row_texts(retain_rows(rows_));
  measured.general = general_paragraphs();
  measured.seen = means_of(seen_, results);
  measured.held_out = means_of(held_out_, results);
  measured.neighbours = means_of(neighbours_, results);
  measured.general_text = means_of(general_, results);
  for (const GenerationId id : retain_outputs_) {
    measured.retain_outputs.push_back(asker_.decoded(results[id]));
  }
  return measured;
}

}  // namespace unlearn::eval::own_data
