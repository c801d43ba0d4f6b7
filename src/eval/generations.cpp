// The generation stage: prompts with equal limits run together.
#include <algorithm>
#include <charconv>

#include "eval/stages.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::eval {
namespace {

// The random stream of a prompt, whatever batch it runs in.
uint64_t stream_of(const Item<GenerationRequest>& item) {
  uint64_t stream = 0;
  std::from_chars(item.key.data(), item.key.data() + 16, stream, 16);
  return stream;
}

// How a request's tokens are drawn.
Sampling drawing_of(const GenerationRequest& request, const ExecuteOptions& options) {
  return request.sampling.value_or(Sampling{options.temperature, options.top_p});
}

// Whether two requests may run together.
bool run_alike(const GenerationRequest& a, const GenerationRequest& b) {
  const bool same_drawing = a.sampling.has_value() == b.sampling.has_value() &&
                            (!a.sampling || (a.sampling->temperature == b.sampling->temperature &&
                                             a.sampling->top_p == b.sampling->top_p));
  return same_drawing && a.limits == b.limits;
}

// Requests with equal limits and drawing run together, as many as fill the cache a few times:
// finished ones make room for the next, and a kill costs no more than one such group.
Batches by_limits(const std::vector<Item<GenerationRequest>>& items, int64_t cache_tokens) {
  constexpr int64_t kFillings = 2;
  const auto length_of = [&](size_t id) {
    return static_cast<int64_t>(items[id].prompt.size()) + items[id].limits.max_new_tokens;
  };
  Batches groups;
  std::vector<size_t> left = all_ids(items.size());
  while (!left.empty()) {
    const Item<GenerationRequest>& first = items[left.front()];
    const auto others = std::stable_partition(
        left.begin(), left.end(), [&](size_t id) { return run_alike(items[id], first); });
    for (auto& group : cut_groups({left.begin(), others}, kFillings * cache_tokens, length_of)) {
      groups.push_back(std::move(group));
    }
    left.erase(left.begin(), others);
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

template <>
struct Stage<GenerationRequest> {
  static constexpr const char* kName = "generating";

  // Greedy outputs are a function of the prompt and the rules; sampled ones also of these.
  static std::string stored_key(const Item<GenerationRequest>& item,
                                const ExecuteOptions& options) {
    const Sampling drawing = drawing_of(item, options);
    if (drawing.temperature <= 0 && options.rules.empty()) return item.key;
    std::string key = item.key;
    if (!options.rules.empty()) key += cat(" rules ", options.rules.applied.dump());
    if (drawing.temperature > 0) {
      key += cat(" temperature ", number(drawing.temperature, 17), " top_p ",
                 number(drawing.top_p, 17), " seed ", options.seed);
    }
    return sha256(key);
  }
  static bool fits(const GenerationRequest&, const std::vector<int32_t>&) { return true; }
  static std::optional<Json> to_json(const std::vector<int32_t>& output) { return Json(output); }
  static std::vector<int32_t> from_json(const Json& json) {
    return json.get<std::vector<int32_t>>();
  }

  static Batches batches(const std::vector<Item<GenerationRequest>>& items,
                         const std::vector<size_t>& pending, const ExecuteOptions& options) {
    return unfinished(by_limits(items, options.generation_tokens), pending);
  }
  static void run(const std::vector<Item<GenerationRequest>>& items,
                  const std::vector<size_t>& batch, const StageContext& context,
                  const Deliver<GenerationRequest>& deliver) {
    const ExecuteOptions& options = context.options;
    UNLEARN_CHECK(options.tokenizer != nullptr);
    const GenerationLimits& limits = items[batch.front()].limits;
    const Sampling drawing = drawing_of(items[batch.front()], options);
    scoring::GenerateOptions generate;
    generate.max_new_tokens = limits.max_new_tokens;
    generate.max_total_tokens = limits.max_total_tokens;
    generate.temperature = drawing.temperature;
    generate.top_p = drawing.top_p;
    generate.seed = options.seed;
    generate.rules = options.rules;
    generate.batch_tokens = options.generation_tokens;
    generate.stop_ids = options.tokenizer->special().stops;
    generate.should_stop = stop_at(limits.stop_strings, *options.tokenizer);
    std::vector<std::vector<int32_t>> prompts;
    for (const size_t id : batch) {
      prompts.push_back(items[id].prompt);
      generate.streams.push_back(stream_of(items[id]));
    }
    deliver(batch, scoring::generate(context.model(), prompts, generate));
  }
};

template void run_requests<GenerationRequest>(const Plan&, const StageContext&, Results&);

}  // namespace unlearn::eval
