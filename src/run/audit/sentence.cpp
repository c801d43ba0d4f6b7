#include "run/audit/sentence.h"

#include <cmath>

#include "unlearn/core/strings.h"

namespace unlearn::run {
namespace {

std::string shown(const Json& value) {
  return value.is_number() ? number(value.get<double>(), 3) : "not known";
}

std::string percent(const Json& value) {
  if (!value.is_number()) return "?";
  return cat(std::lround(100 * value.get<double>()), " %");
}

std::string moved(const Json& entry) {
  return cat(entry.at("metric").at("name").get<std::string>(), " goes from ",
             shown(entry.at("before").at("U")), " to ", shown(entry.at("after").at("U")),
             entry.at("before").at("O").is_number()
                 ? cat(" (before unlearning: ", shown(entry.at("before").at("O")), ")")
                 : "");
}

std::string control(const Json& entry) {
  const Json& retain = entry.at("after").at("R");
  if (!retain.is_number()) return "; nothing to compare with: no retain model";
  return cat("; the retain model gets to ", shown(retain));
}

std::string verdict_text(const Json& entry) {
  const auto verdict = entry.at("verdict").get<std::string>();
  const Json& share = entry.at("recovered");
  const Json& interval = share.at("ci");
  const std::string brought =
      interval.is_array()
          ? cat("brings back ", percent(share.at("value")), " (95 %: ", percent(interval[0]),
                " to ", percent(interval[1]), ") of what was forgotten")
          : "";
  if (verdict == "leaks") return cat("leaks: ", brought);
  if (verdict == "holds") return cat("holds: ", brought);
  if (verdict == "void") {
    return entry.at("before").at("O").is_number()
               ? "says nothing: by this measure too little was forgotten"
               : "says nothing about recovery: the model before unlearning is not given";
  }
  return brought.empty() ? "inconclusive: there is no result" : cat("inconclusive: ", brought);
}

}  // namespace

std::string attack_sentence(const Json& entry) {
  std::string text = cat(entry.at("id").get<std::string>(), " ", verdict_text(entry), "; ",
                         moved(entry), control(entry));
  for (const Json& warning : entry.at("warnings")) {
    const auto word = warning.get<std::string>();
    if (word == "collapsed") text += "; the attacked model has lost its utility";
    if (word == "breaks the original") {
      text += cat("; it brings less out of the model before unlearning, too (",
                  shown(entry.at("after").at("O")), ")");
    }
  }
  return text + ".";
}

}  // namespace unlearn::run
