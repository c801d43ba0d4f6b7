#include "metrics/own_data/number_forms.h"

#include <algorithm>

#include "metrics/own_data/text.h"

namespace unlearn::metrics::own_data {
namespace {

bool is_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// "3" as "3rd".
std::string ordinal(const std::string& day) {
  const bool teen = day.size() == 2 && day[0] == '1';
  const char last = day.back();
  return day + (teen ? "th" : last == '1' ? "st" : last == '2' ? "nd" : last == '3' ? "rd" : "th");
}

std::string padded(const std::string& number) { return number.size() == 1 ? "0" + number : number; }

}  // namespace

void add_new(std::vector<std::string>& keys, std::string key) {
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
}

void add_date_keys(const std::string& day, int month, const std::string& year,
                   std::vector<std::string>& keys) {
  for (const bool is_short : {false, true}) {
    const std::string name = month_name(month, is_short);
    for (const std::string& number : {day, ordinal(day)}) {
      add_new(keys, number + name + year);
      add_new(keys, number + "of" + name + year);
      add_new(keys, name + number + year);
    }
  }
  if (year.empty()) return;
  const std::string plain = std::to_string(month);
  for (const auto& [d, m] : {std::pair{day, plain}, {padded(day), padded(plain)}}) {
    add_new(keys, d + m + year);
    add_new(keys, m + d + year);
    add_new(keys, year + m + d);
  }
}

std::vector<std::string> numeric_date(const std::string& text) {
  std::vector<std::string> fields(1);
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      fields.back() += c;
    } else if (c == '.' || c == '-' || c == '/') {
      fields.emplace_back();
    } else {
      return {};
    }
  }
  if (fields.size() != 3) return {};
  const bool year_first = fields[0].size() == 4;
  if (year_first) std::swap(fields[0], fields[2]);  // now day, month, year
  const auto is_short = [](const std::string& field) {
    return field.size() == 1 || field.size() == 2;
  };
  if (fields[2].size() != 4 || !is_short(fields[0]) || !is_short(fields[1])) return {};
  std::vector<std::string> keys;
  const auto read_as = [&](int day, int month) {
    if (day < 1 || day > 31 || month < 1 || month > 12) return;
    add_date_keys(std::to_string(day), month, fields[2], keys);
  };
  const int first = std::stoi(fields[0]), second = std::stoi(fields[1]);
  read_as(first, second);
  if (!year_first) read_as(second, first);
  return keys;
}

std::string before_cents(const std::string& text) {
  constexpr size_t kLeast = 4;
  const size_t point = text.find_last_of(".,");
  if (point == std::string::npos || text.size() - point != 3 ||
      !is_digits(text.substr(point + 1))) {
    return "";
  }
  const std::string key = key_of(text.substr(0, point));
  return is_digits(key) && key.size() >= kLeast ? key : "";
}

std::vector<std::string> number_parts(const std::string& key) {
  constexpr int64_t kLong = 8;
  constexpr size_t kLeast = 6;
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
  if (!plain ||
      std::count_if(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; }) < kLong) {
    return {};
  }
  const size_t length = std::max(kLeast, (2 * key.size() + 2) / 3);
  std::vector<std::string> parts;
  for (size_t i = 0; i + length <= key.size(); ++i) parts.push_back(key.substr(i, length));
  return parts;
}

}  // namespace unlearn::metrics::own_data
