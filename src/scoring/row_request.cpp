#include "unlearn/scoring/row_request.h"

#include <limits>

namespace unlearn::scoring {

std::vector<int64_t> row_positions(const data::Example& example, RowPositions positions,
                                   int64_t skip) {
  std::vector<int64_t> rows;
  const size_t end = example.tokens.size() - (reads_last_token(positions) ? 0 : 1);
  for (size_t t = 0; t < end; ++t) {
    const bool taken =
        positions == RowPositions::kAttended || positions == RowPositions::kAll ||
        (positions == RowPositions::kLabels && example.labels[t + 1] != data::kIgnored) ||
        (positions == RowPositions::kLabelTokens && t > 0 && example.labels[t] != data::kIgnored);
    if (taken && skip-- <= 0) rows.push_back(static_cast<int64_t>(t));
  }
  return rows;
}

int64_t row_end(const std::vector<const data::Example*>& examples, const RowRequest& request) {
  return request.end == nullptr ? std::numeric_limits<int64_t>::max()
                                : request.end(examples, request.positions);
}

}  // namespace unlearn::scoring
