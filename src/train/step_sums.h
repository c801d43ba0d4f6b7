// Sums over a step's examples, and what divides them.
#pragma once

#include <string>
#include <vector>

#include "train/run_stream.h"
#include "unlearn/losses/loss.h"

namespace unlearn::train {

// What divides each term's sums. exact: the unit's count over the whole step; micro_batch_mean: the
// count in this micro-batch times how many are accumulated.
class Denominators {
 public:
  Denominators(const StepCut& cut, const std::vector<losses::Term>& terms,
               const losses::Needs& needs, bool exact);
  double of(size_t batch, size_t term) const;

 private:
  std::vector<std::vector<double>> counts_;  // [micro-batch][term]
};

// Sums and counts by name, in the order of their coming.
class Totals {
 public:
  // `part`: a losses::Diagnostic or a losses::Statistic.
  template <class Part>
  void add(const Part& part) {
    add(part.name, part.sum, part.count);
  }
  // Of all processes. Those that have examples have the same names, because they have some of all
  // roles; where one may be `idle`, the first process, which never is, tells them.
  std::vector<losses::Statistic> over(const distributed::Group& group, bool idle) const;

 private:
  void add(const std::string& name, double sum, double count);
  std::vector<std::string> names_;
  std::vector<double> values_;  // sum and count of each
};

}  // namespace unlearn::train
