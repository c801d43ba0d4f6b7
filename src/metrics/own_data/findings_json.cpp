#include <algorithm>

#include "metrics/own_data/findings.h"
#include "metrics/own_data/unicode_text.h"

namespace unlearn::metrics::own_data {
namespace {

Json json_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json pieces_json(const std::vector<Piece>& pieces) {
  Json list = Json::array();
  for (const Piece& piece : pieces) list.push_back(piece.text);
  return list;
}

Json leaks_json(const std::vector<Leak>& leaks) {
  Json list = Json::array();
  for (const Leak& leak : leaks) {
    list.push_back({{"piece", leak.piece},
                    {"of_row", leak.row},
                    {"of_set", leak.of_retain ? "retain" : "forget"},
                    {"kind", piece_kind_name(leak.kind)}});
  }
  return list;
}

Json others_json(const std::vector<Judged>& others) {
  Json list = Json::array();
  for (const Judged& other : others) {
    list.push_back({{"rule", other.asked.rule},
                    {"prompt", readable(other.asked.prompt)},
                    {"given", readable(other.asked.given)},
                    {"output", readable(other.asked.output)},
                    {"extracted", other.found.extracted},
                    {"rouge_l_recall", other.found.rouge_l_recall},
                    {"pieces", pieces_json(other.found.pieces)},
                    {"leaks", leaks_json(other.leaks)}});
  }
  return list;
}

Json preference_json(const std::optional<RowPreference>& value, const AnswerScores& scores) {
  if (!value) return {};
  return {{"auc", value->auc}, {"rank", value->rank}, {"of", scores.others.size() + 1}};
}

int64_t leaking(const std::vector<Extraction>& samples) {
  return std::count_if(samples.begin(), samples.end(),
                       [](const Extraction& sample) { return sample.extracted; });
}

Json row_json(size_t index, const RowFindings& row, const RowEvidence& evidence) {
  Json looked_for = Json::array();
  for (const Piece& piece : row.pieces) {
    looked_for.push_back({{"piece", piece.text}, {"kind", piece_kind_name(piece.kind)}});
  }
  return {{"row", index},
          {"question", readable(evidence.text.question)},
          {"answer", readable(evidence.text.answer)},
          {"logprob_before", evidence.logprob_before},
          {"logprob_after", evidence.logprob_after},
          {"logprob_base", json_or_null(evidence.logprob_base)},
          {"preference_before", preference_json(row.preference_before, evidence.scores_before)},
          {"preference_after", preference_json(row.preference_after, evidence.scores_after)},
          {"output_before", readable(evidence.output_before)},
          {"output_after", readable(evidence.output_after)},
          {"extracted_before", row.before.found.extracted},
          {"extracted_after", row.after.found.extracted},
          {"extracted_when_begun", row.extracted_when_begun()},
          {"extracted_in_samples", row.extracted_by_samples()},
          {"rouge_l_recall_before", row.before.found.rouge_l_recall},
          {"rouge_l_recall_after", row.after.found.rouge_l_recall},
          {"pieces", pieces_json(row.after.found.pieces)},
          {"leaks", leaks_json(row.after.leaks)},
          {"looked_for", looked_for},
          {"other_prompts_before", others_json(row.others_before)},
          {"other_prompts", others_json(row.others_after)},
          {"samples", row.samples_after.size()},
          {"samples_leaking_before", leaking(row.samples_before)},
          {"samples_leaking", leaking(row.samples_after)}};
}

Json curve_json(const std::vector<LeakAtK>& curve) {
  Json list = Json::array();
  for (const LeakAtK& point : curve) {
    list.push_back({{"k", point.k}, {"leak", point.leak}, {"rouge_l_recall", point.rouge_l}});
  }
  return list;
}

Json damage_json(const std::optional<Damage>& part) {
  if (!part) {
    return {{"rows", 0}, {"mean_logprob_before", nullptr}, {"mean_logprob_after", nullptr}};
  }
  return {{"rows", part->rows},
          {"mean_logprob_before", part->mean_before},
          {"mean_logprob_after", part->mean_after},
          {"fall", part->fall},
          {"fall_interval", {part->fall_low, part->fall_high}},
          {"lost", part->lost()}};
}

Json fluency_json(const Fluency& part) {
  if (part.outputs == 0) return {};
  return {{"outputs", part.outputs},      {"empty", part.empty},
          {"broken", part.broken},        {"alike", part.alike},
          {"refusals", part.refusals},    {"distinct_2", part.distinct2},
          {"repeated_4", part.repeated4}, {"entropy", part.entropy}};
}

const char* reading_name(Membering reading) {
  switch (reading) {
    case Membering::kUnknown:
      return "unknown";
    case Membering::kStillKnown:
      return "still known";
    case Membering::kIndistinct:
      return "cannot be told apart";
    case Membering::kOverUnlearned:
      return "over-unlearned";
    case Membering::kNoNonMembers:
      return "the held-out rows are no non-members";
  }
  return "unknown";
}

Json membership_json(const std::optional<Membership>& value) {
  if (!value) return {};
  return {{"auc", value->auc}, {"interval", {value->low, value->high}}};
}

Json attacks_json(const Findings& findings) {
  Json list = Json::object();
  for (const auto& [name, attack] : findings.attacks) {
    list[name] = {{"before", membership_json(attack.before)},
                  {"after", membership_json(attack.after)},
                  {"reading", reading_name(attack.reading)}};
  }
  return list;
}

Json forget_json(const Findings& findings, const Targets& targets) {
  const auto& before = findings.before;
  const auto& after = findings.after;
  const auto interval = [](const std::optional<Preference>& value) {
    return value ? Json{value->low, value->high} : Json();
  };
  return {{"auc_before", before ? Json(before->auc) : Json()},
          {"auc_after", after ? Json(after->auc) : Json()},
          {"target", targets.auc},
          {"extracted_before", findings.extracted_before},
          {"extracted_after", findings.extracted_after},
          {"mean_logprob_before", findings.logprob_before},
          {"mean_logprob_after", findings.logprob_after},
          {"auc_interval_before", interval(before)},
          {"auc_interval_after", interval(after)},
          {"mean_logprob_base", json_or_null(findings.logprob_base)},
          {"target_is", findings.logprob_base ? "mean_logprob_base" : "auc"},
          {"preferred_after", findings.preferred},
          {"extracted_in_other_words", findings.extracted_otherwise},
          {"extracted_when_begun", findings.extracted_begun},
          {"extracted_in_samples", findings.extracted_sampled},
          {"given_away_after", findings.given_away()},
          {"avoided", after ? Json(after->avoided) : Json()},
          {"leak_at_k_before", curve_json(findings.leak_before)},
          {"leak_at_k", curve_json(findings.leak_after)}};
}

}  // namespace

Json findings_json(const Findings& findings, const Evidence& evidence, const Targets& targets) {
  Json rows = Json::array();
  for (size_t i = 0; i < findings.rows.size(); ++i) {
    rows.push_back(row_json(i, findings.rows[i], evidence.rows[i]));
  }
  return {{"forget", forget_json(findings, targets)},
          {"retain",
           {{"seen", damage_json(findings.seen)},
            {"held_out", damage_json(findings.held_out)},
            {"neighbours", damage_json(findings.neighbours)},
            {"general_text", damage_json(findings.general_text)},
            {"max_damage", targets.max_damage}}},
          {"cross_leaks", findings.cross_after},
          {"cross_leaks_before", findings.cross_before},
          {"samples_with_leaks", findings.samples_with_leaks},
          {"over_unlearned", findings.over_unlearned()},
          {"membership", attacks_json(findings)},
          {"fluency",
           {{"forget_before", fluency_json(findings.forget_before)},
            {"forget_after", fluency_json(findings.forget_after)},
            {"retain_before", fluency_json(findings.retain_before)},
            {"retain_after", fluency_json(findings.retain_after)}}},
          {"rows", std::move(rows)}};
}

}  // namespace unlearn::metrics::own_data
