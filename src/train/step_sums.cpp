#include "train/step_sums.h"

#include <algorithm>

#include "unlearn/core/json.h"

namespace unlearn::train {
namespace {

const scoring::RowRequest& rows_of(const losses::Needs& needs, data::Role role) {
  return role == data::Role::kRetain ? needs.retain_rows : needs.forget_rows;
}

// How many units of a term's mean an example brings.
int64_t units_of(const data::Example& example, losses::Unit unit, const scoring::RowRequest& rows,
                 int64_t end) {
  switch (unit) {
    case losses::Unit::kToken:
      return example.num_labels;
    case losses::Unit::kSequence:
      return 1;
    case losses::Unit::kPosition: {
      const auto positions = scoring::row_positions(example, rows.positions, rows.skip);
      return std::count_if(positions.begin(), positions.end(),
                           [end](int64_t position) { return position < end; });
    }
  }
  return 0;
}

int64_t count_units(const std::vector<data::PackItem>& items, const losses::Term& term,
                    const losses::Needs& needs) {
  const auto end_of = [&](data::Role role) {
    std::vector<const data::Example*> examples;
    for (const data::PackItem& item : items) {
      if (item.role == role) examples.push_back(item.example);
    }
    return scoring::row_end(examples, rows_of(needs, role));
  };
  const int64_t ends[] = {end_of(data::Role::kForget), end_of(data::Role::kRetain),
                          end_of(data::Role::kAlternate)};
  int64_t count = 0;
  for (const data::PackItem& item : items) {
    const auto& pooled = term.pooled_with;
    const bool counts = item.role == term.role ||
                        std::find(pooled.begin(), pooled.end(), item.role) != pooled.end();
    if (counts)
      count += units_of(*item.example, term.unit, rows_of(needs, item.role),
                        ends[static_cast<size_t>(item.role)]);
  }
  return count;
}

}  // namespace

Denominators::Denominators(const StepCut& cut, const std::vector<losses::Term>& terms,
                           const losses::Needs& needs, bool exact) {
  for (const MicroBatch& batch : cut.micro_batches) {
    auto& row = counts_.emplace_back();
    for (const losses::Term& term : terms) {
      row.push_back(static_cast<double>(count_units(batch, term, needs)));
    }
  }
  if (!exact) {
    for (auto& row : counts_) {
      for (double& count : row) count *= static_cast<double>(cut.accumulation);
    }
    return;
  }
  for (size_t t = 0; t < terms.size(); ++t) {
    double total = 0;
    for (const auto& row : counts_) total += row[t];
    for (auto& row : counts_) row[t] = total;
  }
}

double Denominators::of(size_t batch, size_t term) const {
  return std::max(1.0, counts_[batch][term]);
}

void Totals::add(const std::string& name, double sum, double count) {
  const auto known = std::find(names_.begin(), names_.end(), name);
  const auto index = static_cast<size_t>(known - names_.begin());
  if (known == names_.end()) {
    names_.push_back(name);
    values_.insert(values_.end(), {0.0, 0.0});
  }
  values_[2 * index] += sum;
  values_[2 * index + 1] += count;
}

std::vector<losses::Statistic> Totals::over(const distributed::Group& group, bool idle) const {
  std::vector<std::string> names = names_;
  if (idle && group.size() > 1) {
    const std::string told = group.broadcast_bytes(group.leads() ? Json(names_).dump() : "");
    names = parse_json(told, "names of a step's statistics").get<std::vector<std::string>>();
  }
  std::vector<double> values = values_;
  values.resize(2 * names.size(), 0.0);
  values = group.all_reduce(values);
  std::vector<losses::Statistic> totals;
  for (size_t i = 0; i < names.size(); ++i) {
    totals.push_back({names[i], values[2 * i], values[2 * i + 1]});
  }
  return totals;
}

}  // namespace unlearn::train
