// The generation stage: prompts with equal limits run together.
#include <algorithm>
#include <charconv>

#include "eval/stages.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::eval {
namespace {

// Greedy outputs are a function of the prompt and the rules; sampled ones also of these.
std::string stored_key(const GenerationItem& item, const ExecuteOptions& options) {
  if (options.temperature <= 0 && options.rules.empty()) return item.key;
  std::string key = item.key;
  if (!options.rules.empty()) key += cat(" rules ", options.rules.applied.dump());
  if (options.temperature > 0) {
    key += cat(" temperature ", number(options.temperature, 17), " top_p ",
               number(options.top_p, 17), " seed ", options.seed);
  }
  return sha256(key);
}

// The random stream of a prompt, whatever batch it runs in.
uint64_t stream_of(const GenerationItem& item) {
  uint64_t stream = 0;
  std::from_chars(item.key.data(), item.key.data() + 16, stream, 16);
  return stream;
}

// Requests with equal limits run together.
std::vector<std::vector<ResultId>> by_limits(const std::vector<GenerationItem>& items,
                                             std::vector<ResultId> pending) {
  std::vector<std::vector<ResultId>> groups;
  while (!pending.empty()) {
    const GenerationLimits& limits = items[pending.front()].limits;
    const auto others = std::stable_partition(
        pending.begin(), pending.end(), [&](ResultId id) { return items[id].limits == limits; });
    groups.emplace_back(pending.begin(), others);
    pending.erase(pending.begin(), others);
  }
  return groups;
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
    auto stored = context.store.find_as<std::vector<int32_t>>(stored_key(items[id], options));
    if (stored) {
      results.generations[id] = std::move(*stored);
    } else {
      pending.push_back(id);
    }
  }
  if (pending.empty()) return;
  UNLEARN_CHECK(options.tokenizer != nullptr);
  size_t done = 0;
  for (const auto& group : by_limits(items, pending)) {
    const GenerationLimits& limits = items[group.front()].limits;
    scoring::GenerateOptions generate;
    generate.max_new_tokens = limits.max_new_tokens;
    generate.max_total_tokens = limits.max_total_tokens;
    generate.temperature = options.temperature;
    generate.top_p = options.top_p;
    generate.seed = options.seed;
    generate.rules = options.rules;
    generate.batch_tokens = options.generation_tokens;
    generate.stop_ids = options.tokenizer->special().stops;
    generate.should_stop = stop_at(limits.stop_strings, *options.tokenizer);
    std::vector<std::vector<int32_t>> prompts;
    for (const ResultId id : group) {
      prompts.push_back(items[id].prompt);
      generate.streams.push_back(stream_of(items[id]));
    }
    generate.finished = [&](size_t i, const std::vector<int32_t>& output) {
      context.store.add(stored_key(items[group[i]], options), Json(output));
      context.store.flush();
      report_progress(context, "generating", ++done, pending.size());
    };
    auto outputs = scoring::generate(context.model(), prompts, generate);
    for (size_t i = 0; i < group.size(); ++i) {
      results.generations[group[i]] = std::move(outputs[i]);
    }
  }
}

}  // namespace unlearn::eval
