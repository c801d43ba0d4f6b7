// The generation stage: prompts with equal limits share batches.
#include <algorithm>
#include <charconv>

#include "eval/stages.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::eval {
namespace {

// Greedy outputs are a function of the prompt; sampled ones also of these.
std::string stored_key(const GenerationItem& item, const ExecuteOptions& options) {
  if (options.temperature <= 0) return item.key;
  return sha256(cat(item.key, " temperature ", number(options.temperature, 17), " top_p ",
                    number(options.top_p, 17), " seed ", options.seed));
}

// The random stream of a prompt, whatever batch it runs in.
uint64_t stream_of(const GenerationItem& item) {
  uint64_t stream = 0;
  std::from_chars(item.key.data(), item.key.data() + 16, stream, 16);
  return stream;
}

int64_t cached_tokens(const GenerationItem& item) {
  const auto prompt = static_cast<int64_t>(item.prompt.size());
  const int64_t total = prompt + item.limits.max_new_tokens;
  const int64_t limit = item.limits.max_total_tokens;
  return limit > 0 ? std::max(prompt, std::min(total, limit)) : total;
}

// Longest prompts first, equal limits together, at most `budget` tokens in a batch.
std::vector<std::vector<ResultId>> generation_batches(const std::vector<GenerationItem>& items,
                                                      std::vector<ResultId> pending,
                                                      int64_t budget) {
  std::stable_sort(pending.begin(), pending.end(), [&](ResultId a, ResultId b) {
    return items[a].prompt.size() > items[b].prompt.size();
  });
  std::vector<std::vector<ResultId>> batches;
  while (!pending.empty()) {
    const GenerationLimits& limits = items[pending.front()].limits;
    const auto others = std::stable_partition(
        pending.begin(), pending.end(), [&](ResultId id) { return items[id].limits == limits; });
    int64_t tokens = budget + 1;
    for (auto it = pending.begin(); it != others; ++it) {
      tokens += cached_tokens(items[*it]);
      if (tokens > budget) {
        batches.emplace_back();
        tokens = cached_tokens(items[*it]);
      }
      batches.back().push_back(*it);
    }
    pending.erase(pending.begin(), others);
  }
  return batches;
}

// True when the end of an output holds a stop string; only the last tokens can have completed one.
std::function<bool(const std::vector<int32_t>&)> stop_at(const std::vector<std::string>& stops,
                                                         const tokenizer::Tokenizer& tokenizer) {
  if (stops.empty()) return nullptr;
  size_t longest = 0;
  for (const std::string& stop : stops) longest = std::max(longest, stop.size());
  return [stops, longest, &tokenizer](const std::vector<int32_t>& output) {
    // A token has at least one byte, so this many cover the longest stop string.
    const size_t count = std::min(output.size(), longest + 1);
    const std::string text = tokenizer.decode(std::span(output).last(count), /*skip_special=*/true);
    return std::any_of(stops.begin(), stops.end(), [&](const std::string& stop) {
      return text.find(stop) != std::string::npos;
    });
  };
}

}  // namespace

void run_generations(const Plan& plan, const StageContext& context, Results& results) {
  const ExecuteOptions& options = context.options;
  const std::vector<GenerationItem>& items = plan.generations();
  results.generations.resize(items.size());
  std::vector<ResultId> pending;
  for (ResultId id = 0; id < items.size(); ++id) {
    if (const Json* stored = context.store.find(stored_key(items[id], options))) {
      results.generations[id] = stored->get<std::vector<int32_t>>();
    } else {
      pending.push_back(id);
    }
  }
  if (pending.empty()) return;
  UNLEARN_CHECK(options.tokenizer != nullptr);
  size_t done = 0;
  for (const auto& batch : generation_batches(items, pending, options.generation_tokens)) {
    const GenerationLimits& limits = items[batch.front()].limits;
    scoring::GenerateOptions generate;
    generate.max_new_tokens = limits.max_new_tokens;
    generate.max_total_tokens = limits.max_total_tokens;
    generate.temperature = options.temperature;
    generate.top_p = options.top_p;
    generate.seed = options.seed;
    generate.batch_tokens = options.generation_tokens;
    generate.stop_ids = options.tokenizer->special().stops;
    generate.should_stop = stop_at(limits.stop_strings, *options.tokenizer);
    std::vector<std::vector<int32_t>> prompts;
    for (const ResultId id : batch) {
      prompts.push_back(items[id].prompt);
      generate.streams.push_back(stream_of(items[id]));
    }
    auto outputs = scoring::generate(context.model(), prompts, generate);
    for (size_t i = 0; i < batch.size(); ++i) {
      context.store.add(stored_key(items[batch[i]], options), Json(outputs[i]));
      results.generations[batch[i]] = std::move(outputs[i]);
    }
    context.store.flush();
    report_progress(context, "generating", done += batch.size(), pending.size());
  }
}

}  // namespace unlearn::eval
