// Examples as lists of token ids, for tests and bench/.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/example.h"

namespace unlearn {

// Rows {"tokens": […], "labels": […]}, -100 where masked.
inline std::vector<data::Example> read_examples(const Json& rows, const std::string& name) {
  std::vector<data::Example> examples;
  for (const Json& row : rows) {
    data::Example example;
    example.tokens = row.at("tokens").get<std::vector<int32_t>>();
    example.labels = row.at("labels").get<std::vector<int32_t>>();
    example.num_labels = std::count_if(example.labels.begin(), example.labels.end(),
                                       [](int32_t label) { return label != data::kIgnored; });
    example.row = static_cast<int64_t>(examples.size());
    example.id = cat(name, ":", example.row);
    examples.push_back(std::move(example));
  }
  return examples;
}

}  // namespace unlearn
