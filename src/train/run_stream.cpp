#include "train/run_stream.h"

#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/core/plural.h"
#include "unlearn/runtime/token_budget.h"

namespace unlearn::train {
namespace {

// All sequences of one stream item; they stay together so that pairwise losses see both sides.
struct ItemGroup {
  std::vector<data::PackItem> items;
  int64_t tokens = 0;  // input tokens
};

// The stream walks over the forget rows even when the loss reads only what is paired with them.
// Places whose rows are left out make no group.
std::vector<ItemGroup> group_items(const std::vector<data::PairItem>& items,
                                   const TrainingData& data, const losses::Needs& needs) {
  std::vector<ItemGroup> groups;
  for (const data::PairItem& item : items) {
    if (data.is_empty(item)) continue;
    ItemGroup& group = groups.emplace_back();
    const std::pair<data::Role, int64_t> members[] = {{data::Role::kForget, item.forget},
                                                      {data::Role::kRetain, item.retain},
                                                      {data::Role::kAlternate, item.alternate}};
    for (const auto& [role, row] : members) {
      const data::Example* example = data.find(role, row);
      if (example == nullptr || !needs.reads(role)) continue;
      group.items.push_back({role, example, row});
      group.tokens += input_tokens(*example);
    }
  }
  return groups;
}

// How groups become micro-batches: by token budget, or by a fixed number of groups, and in any case
// before group `next_epoch` (0: nowhere).
struct CutRule {
  int64_t batch_tokens;
  std::optional<int64_t> groups_per_batch;
  size_t next_epoch;
};

// Cuts groups [begin, end) of a step.
void cut_groups(const std::vector<ItemGroup>& groups, size_t begin, size_t end, const CutRule& rule,
                StepCut& cut) {
  std::vector<MicroBatch>& micro_batches = cut.micro_batches;
  int64_t tokens = 0;
  int64_t members = 0;
  for (size_t i = begin; i < end; ++i) {
    const ItemGroup& group = groups[i];
    const bool full = rule.groups_per_batch ? members >= *rule.groups_per_batch
                                            : tokens + group.tokens > rule.batch_tokens;
    const bool breaks = i > 0 && i == rule.next_epoch;
    if (i == begin || full || breaks) {
      if (breaks) cut.next_epoch = micro_batches.size();
      micro_batches.emplace_back();
      tokens = 0;
      members = 0;
    }
    MicroBatch& batch = micro_batches.back();
    batch.insert(batch.end(), group.items.begin(), group.items.end());
    tokens += group.tokens;
    ++members;
  }
}

// Where each process's groups begin, and the end of the last: rows of about as many tokens, none
// of them empty but the last ones where there are fewer groups than processes.
std::vector<size_t> share_groups(const std::vector<ItemGroup>& groups, size_t processes) {
  int64_t total = 0;
  for (const ItemGroup& group : groups) total += group.tokens;
  const size_t shares = std::min(processes, groups.size());
  if (shares == 0) return std::vector<size_t>(processes + 1, 0);
  std::vector<size_t> begins = {0};
  int64_t tokens = 0;
  size_t next = 0;
  for (size_t r = 1; r < shares; ++r) {
    const auto aim =
        static_cast<double>(total) * static_cast<double>(r) / static_cast<double>(shares);
    const size_t last = groups.size() - (shares - r);  // one stays for each that follows
    do {
      tokens += groups[next++].tokens;
      // The next group is taken too when more than half of it lies before the mark.
    } while (next < last &&
             static_cast<double>(tokens) + static_cast<double>(groups[next].tokens) / 2 < aim);
    begins.push_back(next);
  }
  begins.resize(processes + 1, groups.size());
  return begins;
}

}  // namespace

int64_t count_rows(const std::vector<data::Example>* examples) {
  return examples == nullptr ? 0 : static_cast<int64_t>(examples->size());
}

data::PairStreamOptions stream_options(const TrainerInputs& inputs) {
  return {.num_forget = count_rows(inputs.data.forget),
          .num_retain = count_rows(inputs.data.retain),
          .num_alternate = count_rows(inputs.data.alternate),
          .alternate_per_forget = inputs.alternate_per_forget,
          .pairing = inputs.pairing,
          .shuffle = inputs.config.shuffle,
          .seed = static_cast<uint64_t>(inputs.config.seed)};
}

bool belongs_to(data::Role role, Terms terms) {
  if (terms == Terms::kAll) return true;
  return (role == data::Role::kRetain) == (terms == Terms::kRetain);
}

StepCut examples_of(const StepCut& cut, Terms terms) {
  if (terms == Terms::kAll) return cut;
  StepCut part = cut;
  part.micro_batches.clear();
  for (const MicroBatch& items : cut.micro_batches) {
    MicroBatch& kept = part.micro_batches.emplace_back();
    for (const data::PackItem& item : items) {
      if (belongs_to(item.role, terms)) kept.push_back(item);
    }
  }
  return part;
}

int64_t input_tokens(const data::Example& example) {
  return static_cast<int64_t>(example.tokens.size()) - 1;
}

StepCut cut_items(const TrainerInputs& inputs, torch::Device device, int64_t processes,
                  const std::vector<data::PairItem>& items, size_t next_epoch) {
  // Freed gradients cannot be added to: by default the step is one micro-batch.
  const int64_t usual = inputs.config.free_gradients ? std::numeric_limits<int64_t>::max()
                                                     : runtime::kTrainingTokens.on(device);
  const bool exact = inputs.config.averaging == Averaging::kExact;
  const CutRule rule{inputs.config.batch_tokens.value_or(usual), inputs.config.micro_batch_size,
                     exact ? 0 : next_epoch};
  const std::vector<ItemGroup> groups = group_items(items, inputs.data, inputs.loss->needs());
  const auto count = static_cast<size_t>(processes);
  StepCut cut;
  cut.places = items.size();
  if (exact) {
    const std::vector<size_t> begins = share_groups(groups, count);
    for (size_t r = 0; r < count; ++r) {
      cut.shares.push_back(cut.micro_batches.size());
      cut_groups(groups, begins[r], begins[r + 1], rule, cut);
    }
    cut.shares.push_back(cut.micro_batches.size());
  } else {
    cut_groups(groups, 0, groups.size(), rule, cut);
    for (size_t r = 0; r <= count; ++r) cut.shares.push_back(r * cut.micro_batches.size() / count);
  }
  cut.accumulation = static_cast<int64_t>(cut.micro_batches.size());
  if (rule.next_epoch == 0) cut.next_epoch = cut.micro_batches.size();
  return cut;
}

size_t epoch_break(const StepPlan& plan, int64_t rows, int64_t step) {
  if (plan.begins.empty()) return 0;
  const int64_t begin = plan.begin_of(step);
  const int64_t epoch_end = (begin / rows + 1) * rows;
  return epoch_end < plan.begin_of(step + 1) ? static_cast<size_t>(epoch_end - begin) : 0;
}

void check_shares(const TrainConfig& config, const StepCut& cut) {
  const size_t processes = cut.shares.size() - 1;
  if (config.averaging == Averaging::kExact && cut.places >= processes) return;
  for (size_t r = 0; r < processes; ++r) {
    if (cut.shares[r] < cut.shares[r + 1]) continue;
    if (config.averaging == Averaging::kExact) {
      user_error("train.batch_size: a step of ", counted(config.batch_size, "example"),
                 " cannot be shared by ", counted(processes, "process", "processes"),
                 "; raise it, or start fewer");
    }
    user_error("train.micro_batch_size: a step of ",
               counted(cut.micro_batches.size(), "micro-batch", "micro-batches"),
               " cannot be shared by ", processes,
               " processes; lower it, raise train.batch_size, or start fewer");
  }
}

void for_each_step(const TrainerInputs& inputs, torch::Device device, int64_t processes,
                   int64_t most, const std::function<void(const StepCut&)>& visit) {
  data::PairStream stream(stream_options(inputs));
  const StepPlan plan = plan_steps(inputs.config, count_rows(inputs.data.forget));
  for (int64_t step = 0; step < std::min(plan.total, most); ++step) {
    const int64_t count = plan.begin_of(step + 1) - plan.begin_of(step);
    visit(cut_items(inputs, device, processes, stream.take(count),
                    epoch_break(plan, stream.epoch_length(), step)));
  }
}

}  // namespace unlearn::train
