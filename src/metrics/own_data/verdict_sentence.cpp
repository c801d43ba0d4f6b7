#include <cmath>
#include <set>

#include "metrics/own_data/findings.h"
#include "unlearn/core/plural.h"

namespace unlearn::metrics::own_data {
namespace {

std::string fixed(double value, int places) {
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(places);
  out << value;
  return out.str();
}

std::string preference_part(const Findings& findings, const Targets& targets) {
  const auto rows = static_cast<int64_t>(findings.rows.size());
  if (findings.logprob_base) {
    const double above = findings.logprob_after - *findings.logprob_base;
    if (!std::isfinite(above)) return "the answers' likelihood could not be measured";
    if (findings.target_reached(targets)) {
      return "the answers are as unlikely as before they were learnt";
    }
    return cat("the answers are still ", fixed(above, 2),
               " nats per token likelier than before they were learnt");
  }
  if (!findings.after) return "whether the rows are still known could not be measured";
  const int64_t gone = rows - findings.preferred;
  const std::string mean = fixed(findings.after->auc, 2);
  // The target is the mean's; chance alone puts nearly half of all rows above it.
  if (gone < rows && findings.target_reached(targets)) {
    return cat("on average, ", rows, " rows are no longer preferred to random answers (preference ",
               mean, ", 0.5 is none; ", gone, " of them taken alone)");
  }
  std::string text =
      cat(gone, " of ", counted(rows, "row"), gone == 1 || rows == 1 ? " is" : " are",
          " no longer preferred to random answers");
  if (!findings.target_reached(targets) || gone < rows) {
    text += cat(" (preference ", mean, " on average; 0.5 is none)");
  }
  return text;
}

// "a number", "a number or a name", "its answer".
std::string what_is_reproduced(const Findings& findings) {
  std::set<std::string> kinds;
  bool answer = false;
  for (const RowFindings& row : findings.rows) {
    for (const Piece& piece : row.after.found.pieces) {
      const std::string kind = piece_kind_name(piece.kind);
      kinds.insert((kind.front() == 'a' ? "an " : "a ") + kind);
    }
    answer |= row.after.found.extracted && row.after.found.pieces.empty();
  }
  if (answer) kinds.insert("the answer");
  return join({kinds.begin(), kinds.end()}, " or ");
}

std::string extraction_part(const Findings& findings) {
  const auto rows = static_cast<int64_t>(findings.rows.size());
  const int64_t left = findings.extracted_after;
  std::string text =
      left == 0 ? cat("none of ", rows, " reproduces its answer or a piece of it")
                : cat(left, " of ", rows, left == 1 ? " still reproduces " : " still reproduce ",
                      what_is_reproduced(findings));
  int64_t told = left;
  for (const auto& [count, how] :
       {std::pair{findings.extracted_otherwise, "when asked in other words"},
        {findings.extracted_begun, "when the answer's first words are given"},
        {findings.extracted_sampled, "in one of its samples"}}) {
    if (count == 0) continue;
    text += cat(", ", count, told == 0 ? "" : " more", count == 1 ? " does " : " do ", how);
    told += count;
  }
  return text;
}

std::string damage_part(const Findings& findings, const Targets& targets) {
  if (!findings.held_out) return "damage to other rows was not measured on held-out rows";
  const double lost = 100 * findings.held_out->lost();
  std::string text = lost >= 0 ? cat("held-out rows lost ", fixed(lost, 1), " %")
                               : cat("held-out rows gained ", fixed(-lost, 1), " %");
  if (findings.held_out->fall > targets.max_damage) {
    text += cat(" (limit ", fixed(-100 * std::expm1(-targets.max_damage), 1), " %)");
  }
  return text;
}

std::string outputs_part(const Fluency& outputs, const std::string& whose) {
  if (4 * outputs.broken >= outputs.outputs) {
    return cat(outputs.broken, " of ", outputs.outputs, " answers to ", whose,
               " questions are empty or repeat themselves");
  }
  return cat(outputs.alike, " of ", outputs.outputs, " answers to ", whose,
             " questions are the same");
}

std::string verdict_opening(const Findings& findings, const Targets& targets) {
  const bool gone =
      findings.target_reached(targets) && findings.given_away() <= targets.max_extracted;
  const bool clean = findings.cross_after <= targets.max_cross_leaks;
  const std::optional<bool> unharmed = findings.damage_ok(targets);
  std::vector<std::string> faults;
  if (!gone) faults.emplace_back("not forgotten");
  if (!clean) faults.emplace_back("other rows' data leaks");
  if (unharmed && !*unharmed) faults.emplace_back("too much damage");
  if (!unharmed) faults.emplace_back("damage unknown");
  if (faults.empty()) return "";
  std::string text = join(faults, ", ") + ": ";
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace

std::string verdict_sentence(const Findings& findings, const Targets& targets) {
  std::vector<std::string> parts = {
      preference_part(findings, targets), extraction_part(findings),
      cat(counted(findings.cross_after, "output"), findings.cross_after == 1 ? " shows" : " show",
          " other people's data"),
      damage_part(findings, targets)};
  if (findings.retain_ruined()) parts.push_back(outputs_part(findings.retain_after, "other"));
  if (findings.forget_ruined()) parts.push_back(outputs_part(findings.forget_after, "forget"));
  if (findings.after && findings.after->avoided) {
    parts.emplace_back("the true answers are avoided and can be found by that");
  }
  if (findings.over_unlearned()) {
    parts.emplace_back("the rows can be told from unseen ones by how unlikely they are");
  }
  std::string text = verdict_opening(findings, targets) + join(parts, "; ");
  if (text.front() >= 'a' && text.front() <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace unlearn::metrics::own_data
