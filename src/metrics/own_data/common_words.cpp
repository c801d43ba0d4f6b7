#include <string>
#include <string_view>
#include <unordered_set>

#include "metrics/own_data/text.h"

namespace unlearn::metrics::own_data {
namespace {

std::unordered_set<std::string> word_set(std::string_view list) {
  std::unordered_set<std::string> words;
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(' ', begin), list.size());
    if (end > begin) words.emplace(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

}  // namespace

bool is_month(const std::string& key) { return month_number(key) > 0; }

int month_number(const std::string& key) {
  for (int month = 1; month <= 12; ++month) {
    if (key == month_name(month, false) || key == month_name(month, true)) return month;
  }
  return key == "sept" ? 9 : 0;
}

std::string month_name(int month, bool is_short) {
  static const char* const kMonths[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
  const std::string name = kMonths[month - 1];
  return is_short ? name.substr(0, 3) : name;
}

bool is_common_word(const std::string& key) {
  static const auto kWords = word_set(
      "a about above according account across actually address after again against age ago all "
      "almost along already also although always am among an and another answer any anyone "
      "anything are area around as ask asked at available away back based be became because become "
      "been before began behind being believe best better between big both bought brought business "
      "but by call called came can cannot case certain change child children city clear close "
      "come comes common company complete contact could country course currently customer date "
      "day days did different do does doing done down during each early either email else end "
      "enough even every everyone everything example fact family far few find first five follow "
      "following for found four from full further gave general get give given go going good got "
      "great group had half hand has have having he head held hello help her here hers herself "
      "high him himself his home house how however i idea if important in include including "
      "information inside instead into is issue it its itself just keep kind know known large last "
      "later least leave left less let life like likely line list little live lived lives living "
      "local long look made main make makes making many matter may me mean might mine mobile more "
      "most move mr mrs ms much must my myself name named names near need needs never new next no "
      "nobody none nor not note nothing now number of off office often old on once one only open "
      "or order other others our out outside over own page part people per perhaps person phone "
      "place please point possible present private probably problem provide public question quite "
      "rather read really reason record records regarding right said same saw say says second see "
      "seem seen several she should show side similar simply since six small so some someone "
      "something sometimes sorry soon specific state still street such sure take taken tell than "
      "thank thanks that the their theirs them then there these they thing things think third this "
      "those though three through time to today together told too took toward true try two type "
      "under unfortunately until up upon us use used using usually various very want was way we "
      "well went were what when where whether which while who whole whom whose why will with "
      "within "
      "without woman word words work worked working works world would write year years yes yet you "
      "young your yours monday tuesday wednesday thursday friday saturday sunday");
  return kWords.contains(key) || is_month(key);
}

}  // namespace unlearn::metrics::own_data
