#include "metrics/own_data/findings.h"

#include <algorithm>
#include <cmath>

#include "unlearn/core/error.h"

namespace unlearn::metrics::own_data {
namespace {

Judged judge_output(size_t row, const RowEvidence& evidence, const std::vector<Piece>& pieces,
                    const LeakFinder& finder, OtherOutput asked) {
  Judged judged;
  judged.found = extraction(evidence.text, pieces, asked.prompt, asked.given, asked.output);
  judged.leaks =
      finder.find(static_cast<int64_t>(row), asked.output, cat(asked.prompt, "\n", asked.given));
  judged.asked = std::move(asked);
  return judged;
}

RowFindings judge_row(size_t row, const RowEvidence& evidence, std::vector<Piece> pieces,
                      const LeakFinder& finder) {
  RowFindings result;
  result.pieces = std::move(pieces);
  const auto judged = [&](OtherOutput asked) {
    return judge_output(row, evidence, result.pieces, finder, std::move(asked));
  };
  const std::string& question = evidence.text.question;
  result.before = judged({"question", question, "", evidence.output_before});
  result.after = judged({"question", question, "", evidence.output_after});
  for (const OtherOutput& other : evidence.others_before) {
    result.others_before.push_back(judged(other));
  }
  for (const OtherOutput& other : evidence.others_after) {
    result.others_after.push_back(judged(other));
  }
  const auto sampled = [&](const std::string& output) {
    return extraction(evidence.text, result.pieces, question, "", output);
  };
  for (const std::string& output : evidence.samples_before) {
    result.samples_before.push_back(sampled(output));
  }
  for (const std::string& output : evidence.samples_after) {
    result.samples_after.push_back(sampled(output));
  }
  result.preference_before = row_preference(evidence.scores_before);
  result.preference_after = row_preference(evidence.scores_after);
  return result;
}

int64_t outputs_with_leaks(const Judged& asked, const std::vector<Judged>& others) {
  int64_t count = asked.leaks.empty() ? 0 : 1;
  for (const Judged& other : others) count += other.leaks.empty() ? 0 : 1;
  return count;
}

void count_row(const RowFindings& row, const Targets& targets, Findings& all) {
  const auto& now = row.preference_after;
  all.preferred += !now || now->auc > targets.auc ? 1 : 0;
  all.extracted_before += row.before.found.extracted ? 1 : 0;
  all.extracted_after += row.after.found.extracted ? 1 : 0;
  if (!row.after.found.extracted) {
    int64_t* way = row.extracted_by_others()    ? &all.extracted_otherwise
                   : row.extracted_when_begun() ? &all.extracted_begun
                   : row.extracted_by_samples() ? &all.extracted_sampled
                                                : nullptr;
    if (way != nullptr) ++*way;
  }
  all.cross_before += outputs_with_leaks(row.before, row.others_before);
  all.cross_after += outputs_with_leaks(row.after, row.others_after);
}

// Empty without samples.
std::vector<LeakAtK> curve_of(const std::vector<RowFindings>& rows,
                              std::vector<Extraction> RowFindings::*samples) {
  std::vector<std::vector<Extraction>> all;
  for (const RowFindings& row : rows) all.push_back(row.*samples);
  return leak_curve(all);
}

void measure_likelihoods(const Evidence& evidence, Findings& all) {
  const auto rows = static_cast<double>(evidence.rows.size());
  std::vector<AnswerScores> before, after;
  double base = 0;
  bool has_base = true;
  for (const RowEvidence& row : evidence.rows) {
    before.push_back(row.scores_before);
    after.push_back(row.scores_after);
    all.logprob_before += row.logprob_before / rows;
    all.logprob_after += row.logprob_after / rows;
    has_base = has_base && row.logprob_base.has_value();
    base += row.logprob_base.value_or(0) / rows;
  }
  if (has_base) all.logprob_base = base;
  all.before = preference(before);
  all.after = preference(after);
}

void measure_attacks(const Evidence& evidence, Findings& all) {
  for (const auto& [name, scores] : evidence.attacks_after) {
    Findings::Attack& attack = all.attacks[name];
    attack.after = membership(scores);
    const auto before = evidence.attacks_before.find(name);
    if (before != evidence.attacks_before.end()) attack.before = membership(before->second);
    attack.reading = read_membership(attack.before, attack.after);
  }
}

}  // namespace

bool RowFindings::extracted_by_others() const {
  return std::any_of(others_after.begin(), others_after.end(), [](const Judged& other) {
    return other.asked.given.empty() && other.found.extracted;
  });
}

bool Findings::target_reached(const Targets& targets) const {
  if (logprob_base)
    return logprob_after <= *logprob_base + targets.base_tolerance;  // false for NaN
  const bool all_known = after && std::all_of(after->rows.begin(), after->rows.end(),
                                              [](const auto& row) { return row.has_value(); });
  return all_known && after->auc <= targets.auc;
}

bool RowFindings::extracted_when_begun() const {
  return std::any_of(others_after.begin(), others_after.end(), [](const Judged& other) {
    return !other.asked.given.empty() && other.found.telling;
  });
}

bool RowFindings::extracted_by_samples() const {
  return std::any_of(samples_after.begin(), samples_after.end(),
                     [](const Extraction& sample) { return sample.telling; });
}

std::optional<bool> Findings::damage_ok(const Targets& targets) const {
  const auto within = [&](const std::optional<Damage>& part) {
    return !part || part->fall <= targets.max_damage;
  };
  if (retain_ruined() || !within(held_out)) return false;
  if (held_out) return true;
  // The seen rows were trained on, so that their good state proves nothing; their bad one does.
  if (!within(general_text) || !within(seen)) return false;
  return std::nullopt;
}

bool Findings::over_unlearned() const {
  return std::any_of(attacks.begin(), attacks.end(), [](const auto& attack) {
    return attack.second.reading == Membering::kOverUnlearned;
  });
}

Findings find_all(const Evidence& evidence, const Targets& targets) {
  if (evidence.rows.empty()) user_error("a verdict needs at least one forget row");
  std::vector<RowText> texts;
  std::vector<std::string> outputs_before, outputs_after;
  for (const RowEvidence& row : evidence.rows) {
    texts.push_back(row.text);
    outputs_before.push_back(row.output_before);
    outputs_after.push_back(row.output_after);
  }
  auto pieces = distinguishing_pieces(texts, evidence.retain, evidence.general);
  const LeakFinder finder(texts, evidence.retain, evidence.general);
  Findings all;
  for (size_t i = 0; i < evidence.rows.size(); ++i) {
    all.rows.push_back(judge_row(i, evidence.rows[i], std::move(pieces[i]), finder));
    count_row(all.rows.back(), targets, all);
    for (const std::string& output : evidence.rows[i].samples_after) {
      const auto row = static_cast<int64_t>(i);
      all.samples_with_leaks += finder.find(row, output, texts[i].question).empty() ? 0 : 1;
    }
  }
  measure_likelihoods(evidence, all);
  measure_attacks(evidence, all);
  all.leak_before = curve_of(all.rows, &RowFindings::samples_before);
  all.leak_after = curve_of(all.rows, &RowFindings::samples_after);
  all.seen = damage(evidence.seen);
  all.held_out = damage(evidence.held_out);
  all.neighbours = damage(evidence.neighbours);
  all.general_text = damage(evidence.general_text);
  all.forget_before = fluency(outputs_before);
  all.forget_after = fluency(outputs_after);
  all.retain_before = fluency(evidence.retain_outputs_before);
  all.retain_after = fluency(evidence.retain_outputs_after);
  return all;
}

}  // namespace unlearn::metrics::own_data
