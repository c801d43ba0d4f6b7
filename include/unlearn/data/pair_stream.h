// The order in which training sees the data: a pure function of (seed, epoch, position).
#pragma once

#include <cstdint>
#include <vector>

namespace unlearn::data {

// How a forget row gets its retain row.
enum class Pairing : uint8_t {
  kFixed,   // row i keeps retain row (i + torch_first_randint(i, n_retain)) mod n_retain
            // (Unlearn-Simple, TOFU/dataloader.py)
  kRandom,  // drawn anew at every access
  kCyclic,  // stream position p gets retain row p mod n_retain
  kByRow,   // row i keeps retain row i mod n_retain (swj0419/muse_bench, baselines/dataset.py)
};

// Which of `count` refusal lines a forget row gets (Unlearn-Simple, TOFU/dataloader.py).
int64_t refusal_line(int64_t forget_row, int64_t count);

struct PairStreamOptions {
  int64_t num_forget = 0;
  int64_t num_retain = 0;             // 0: no retain stream
  int64_t num_alternate = 0;          // 0: no alternate stream
  bool alternate_per_forget = false;  // alternate row = forget row (one own alternative per row)
  Pairing pairing = Pairing::kFixed;
  bool shuffle = true;  // false: file order, and pairing is cyclic
  uint64_t seed = 42;
};

// Rows of one stream item; -1 where there is no such stream.
struct PairItem {
  int64_t forget = -1;
  int64_t retain = -1;
  int64_t alternate = -1;
};

// A continuous stream over epochs: position p belongs to epoch p / num_forget.
class PairStream {
 public:
  explicit PairStream(const PairStreamOptions& options);
  PairItem at(int64_t position) const;
  std::vector<PairItem> take(int64_t count);  // advances the cursor
  int64_t cursor() const { return cursor_; }
  void set_cursor(int64_t position) { cursor_ = position; }
  int64_t epoch_length() const { return options_.num_forget; }

 private:
  const std::vector<int64_t>& order_of(int64_t epoch) const;
  PairStreamOptions options_;
  int64_t cursor_ = 0;
  mutable int64_t cached_epoch_ = -1;
  mutable std::vector<int64_t> cached_order_;
};

}  // namespace unlearn::data
