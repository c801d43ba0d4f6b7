// What one number, amount or date may be written like, as keys (text.h).
#pragma once

#include <string>
#include <vector>

namespace unlearn::metrics::own_data {

// Without what stands there before.
void add_new(std::vector<std::string>& keys, std::string key);

// Of a date, `day` and `year` in digits ("" for no year): with its month in words, short and long,
// and with a year in digits, in all orders of day, month and year that are in use.
void add_date_keys(const std::string& day, int month, const std::string& year,
                   std::vector<std::string>& keys);

// The same of a date in digits ("03.05.1984", "1984-5-3"), in each way that it can be read; empty
// for what is none.
std::vector<std::string> numeric_date(const std::string& text);

// "1234" of "1,234.50"; "" for what is no amount with cents.
std::string before_cents(const std::string& text);

// All runs of two thirds of a number of at least eight digits; none of a shorter one. `key` is a
// number token's.
std::vector<std::string> number_parts(const std::string& key);

}  // namespace unlearn::metrics::own_data
