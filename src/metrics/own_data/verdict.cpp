#include "unlearn/metrics/own_data/verdict.h"

#include "metrics/own_data/findings.h"

namespace unlearn::metrics::own_data {

Verdict judge(const Evidence& evidence, const Targets& targets, const Provenance& provenance) {
  const Findings findings = find_all(evidence, targets);
  Verdict verdict;
  verdict.sentence = verdict_sentence(findings, targets);
  verdict.reached = findings.target_reached(targets) &&
                    findings.given_away() <= targets.max_extracted &&
                    findings.cross_after <= targets.max_cross_leaks;
  verdict.damage_ok = findings.damage_ok(targets);
  verdict.over_unlearned = findings.over_unlearned();
  verdict.cross_leaks = findings.cross_after;
  verdict.not_concluded = open_questions(findings, evidence);
  Json& json = verdict.json;
  json["verdict"] = verdict.sentence;
  json["reached"] = verdict.reached;
  json["damage_ok"] = verdict.damage_ok ? Json(*verdict.damage_ok) : Json();
  json.update(findings_json(findings, evidence, targets));
  json["not_concluded"] = verdict.not_concluded;
  json["settings"] = provenance.settings;
  json["sha256"] = provenance.sha256;
  json["template"] = provenance.prompt_template;
  json["date"] = provenance.date;
  json["machine"] = provenance.machine;
  json["program"] = provenance.program;
  return verdict;
}

}  // namespace unlearn::metrics::own_data
