#include "eval/stages.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "unlearn/eval/request_counts.h"

namespace unlearn::eval {
namespace {

std::atomic<int64_t> requests_asked = 0, requests_run = 0;

}  // namespace

RequestCounts request_counts() { return {requests_asked, requests_run}; }

void count_requests(int64_t asked, int64_t run) {
  requests_asked += asked;
  requests_run += run;
}

std::vector<size_t> all_ids(size_t count) {
  std::vector<size_t> ids(count);
  std::iota(ids.begin(), ids.end(), size_t{0});
  return ids;
}

Batches cut_groups(std::vector<size_t> ids, int64_t budget,
                   const std::function<int64_t(size_t id)>& length_of) {
  std::stable_sort(ids.begin(), ids.end(),
                   [&](size_t a, size_t b) { return length_of(a) > length_of(b); });
  Batches groups;
  int64_t tokens = 0;
  for (const size_t id : ids) {
    const int64_t length = length_of(id);
    if (groups.empty() || tokens + length > budget) {
      groups.emplace_back();
      tokens = 0;
    }
    groups.back().push_back(id);
    tokens += length;
  }
  return groups;
}

Batches unfinished(Batches batches, const std::vector<size_t>& pending) {
  std::erase_if(batches, [&](const std::vector<size_t>& batch) {
    return std::none_of(batch.begin(), batch.end(), [&](size_t id) {
      return std::binary_search(pending.begin(), pending.end(), id);
    });
  });
  return batches;
}

}  // namespace unlearn::eval
