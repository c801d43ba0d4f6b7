#include "unlearn/scoring/generate.h"

#include <algorithm>
#include <numeric>

#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;

int64_t length_of(const std::vector<int32_t>& ids) { return static_cast<int64_t>(ids.size()); }

// One output under way.
struct Stream {
  size_t prompt;   // index into the caller's prompts
  int64_t budget;  // new tokens it may still have
};

model::PackedIds pack_tokens(const std::vector<std::vector<int64_t>>& sequences,
                             const std::vector<int64_t>& first_positions, torch::Device device) {
  std::vector<int64_t> ids, positions, offsets = {0};
  for (size_t s = 0; s < sequences.size(); ++s) {
    for (size_t i = 0; i < sequences[s].size(); ++i) {
      ids.push_back(sequences[s][i]);
      positions.push_back(first_positions[s] + static_cast<int64_t>(i));
    }
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  return {torch::tensor(ids, torch::kLong).to(device),
          torch::tensor(positions, torch::kLong).to(device), offsets};
}

// The token at quantile `draw` of the nucleus (the smallest set of likeliest tokens with top_p).
int64_t sample_row(const Tensor& logits, double temperature, double top_p, double draw) {
  const auto [probabilities, tokens] =
      logits.to(torch::kDouble).div(temperature).softmax(0).sort(/*stable=*/true, 0, true);
  const Tensor cumulative = probabilities.cumsum(0).contiguous();
  const double* sums = cumulative.data_ptr<double>();
  const double* end = sums + cumulative.size(0);
  const double* nucleus = std::min(std::lower_bound(sums, end, top_p), end - 1);
  const double* chosen = std::min(std::upper_bound(sums, nucleus + 1, draw * *nucleus), nucleus);
  return tokens[chosen - sums].item<int64_t>();
}

class Batch {
 public:
  Batch(model::CausalLM& model, const std::vector<std::vector<int32_t>>& prompts,
        const GenerateOptions& options, std::vector<std::vector<int32_t>>& outputs)
      : model_(model),
        prompts_(prompts),
        options_(options),
        outputs_(outputs),
        device_(model.head().weight.device()) {}

  void run(const std::vector<Stream>& streams) {
    streams_ = streams;
    std::vector<std::vector<int64_t>> tokens;
    int64_t longest = 0;
    for (const Stream& stream : streams_) {
      const auto& prompt = prompts_[stream.prompt];
      tokens.emplace_back(prompt.begin(), prompt.end());
      longest = std::max(longest, length_of(prompt) + stream.budget);
    }
    const auto count = static_cast<int64_t>(streams_.size());
    const auto cache = model_.make_cache(count, longest);
    if (options_.reinforced != nullptr) {
      reinforced_cache_ = options_.reinforced->make_cache(count, longest);
    }
    std::vector<int64_t> positions(streams_.size(), 0);
    while (!streams_.empty()) {
      const std::vector<int64_t> next = step(*cache, tokens, positions);
      advance(*cache, next, tokens, positions);
    }
  }

 private:
  // Runs the new tokens of all streams and chooses each one's next token.
  std::vector<int64_t> step(model::KvCache& cache, const std::vector<std::vector<int64_t>>& tokens,
                            const std::vector<int64_t>& positions) {
    const model::PackedIds packed = pack_tokens(tokens, positions, device_);
    const Tensor hidden = model_.hidden_states(packed, {.cache = &cache});
    std::vector<int64_t> last;
    for (size_t s = 1; s < packed.offsets.size(); ++s) last.push_back(packed.offsets[s] - 1);
    const Tensor rows = hidden.index_select(0, torch::tensor(last, torch::kLong).to(device_));
    Tensor z = logits(rows, model_.head());
    if (options_.reinforced != nullptr) z = reinforce(z, packed, last);
    std::vector<int64_t> next;
    if (options_.temperature <= 0) {
      const Tensor best = z.argmax(1).to(torch::kCPU);
      next.assign(best.data_ptr<int64_t>(), best.data_ptr<int64_t>() + best.numel());
      return next;
    }
    const Tensor host = z.to(torch::kCPU);
    for (size_t s = 0; s < streams_.size(); ++s) {
      const size_t prompt = streams_[s].prompt;
      const uint64_t stream = options_.streams.empty() ? prompt : options_.streams[prompt];
      Rng rng(mix_bits(options_.seed, stream, outputs_[prompt].size()));
      next.push_back(sample_row(host[static_cast<int64_t>(s)], options_.temperature, options_.top_p,
                                rng.uniform()));
    }
    return next;
  }

  // The logits after the reinforced model has seen the same tokens.
  Tensor reinforce(const Tensor& z, const model::PackedIds& packed,
                   const std::vector<int64_t>& last) {
    model::CausalLM& model = *options_.reinforced;
    const Tensor hidden = model.hidden_states(packed, {.cache = reinforced_cache_.get()});
    const Tensor rows = hidden.index_select(0, torch::tensor(last, torch::kLong).to(device_));
    return whp_logits(z, logits(rows, model.head()), options_.whp_alpha);
  }

  bool is_finished(Stream& stream, int32_t token) {
    const auto& stops = options_.stop_ids;
    if (std::find(stops.begin(), stops.end(), token) != stops.end()) return true;
    std::vector<int32_t>& output = outputs_[stream.prompt];
    output.push_back(token);
    return --stream.budget <= 0 || (options_.should_stop && options_.should_stop(output));
  }

  // Appends the chosen tokens; finished streams leave the batch and the cache.
  void advance(model::KvCache& cache, const std::vector<int64_t>& next,
               std::vector<std::vector<int64_t>>& tokens, std::vector<int64_t>& positions) {
    std::vector<int64_t> kept;
    std::vector<Stream> streams;
    std::vector<std::vector<int64_t>> new_tokens;
    std::vector<int64_t> new_positions;
    for (size_t s = 0; s < streams_.size(); ++s) {
      if (is_finished(streams_[s], static_cast<int32_t>(next[s]))) continue;
      kept.push_back(static_cast<int64_t>(s));
      streams.push_back(streams_[s]);
      new_tokens.push_back({next[s]});
      new_positions.push_back(positions[s] + static_cast<int64_t>(tokens[s].size()));
    }
    if (kept.size() < streams_.size() && !kept.empty()) {
      const Tensor indices = torch::tensor(kept, torch::kLong).to(device_);
      cache.select(indices);
      if (reinforced_cache_) reinforced_cache_->select(indices);
    }
    streams_ = std::move(streams);
    tokens = std::move(new_tokens);
    positions = std::move(new_positions);
  }

  model::CausalLM& model_;
  const std::vector<std::vector<int32_t>>& prompts_;
  const GenerateOptions& options_;
  std::vector<std::vector<int32_t>>& outputs_;
  torch::Device device_;
  std::vector<Stream> streams_;
  std::unique_ptr<model::KvCache> reinforced_cache_;
};

int64_t new_token_budget(const std::vector<int32_t>& prompt, const GenerateOptions& options) {
  if (options.max_total_tokens <= 0) return options.max_new_tokens;
  return std::min(options.max_new_tokens, options.max_total_tokens - length_of(prompt));
}

}  // namespace

Tensor whp_logits(const Tensor& logits, const Tensor& reinforced, double alpha) {
  return logits - alpha * (reinforced - logits).relu();
}

std::vector<std::vector<int32_t>> generate(model::CausalLM& model,
                                           const std::vector<std::vector<int32_t>>& prompts,
                                           const GenerateOptions& options) {
  torch::NoGradGuard no_grad;
  const bool training = model.is_training();
  model.eval();
  UNLEARN_CHECK(options.streams.empty() || options.streams.size() == prompts.size());
  if (options.reinforced != nullptr) options.reinforced->eval();
  std::vector<std::vector<int32_t>> outputs(prompts.size());
  std::vector<Stream> waiting;
  for (size_t i = 0; i < prompts.size(); ++i) {
    UNLEARN_CHECK(!prompts[i].empty(), "prompt ", i);
    const int64_t budget = new_token_budget(prompts[i], options);
    if (budget > 0) waiting.push_back({i, budget});
  }
  // Prompts of like length share a batch, so that little of a cache is left unused.
  std::stable_sort(waiting.begin(), waiting.end(), [&](const Stream& a, const Stream& b) {
    return prompts[a.prompt].size() > prompts[b.prompt].size();
  });
  Batch batch(model, prompts, options, outputs);
  for (size_t begin = 0; begin < waiting.size();) {
    std::vector<Stream> group;
    int64_t tokens = 0;
    for (size_t i = begin; i < waiting.size(); ++i) {
      tokens += length_of(prompts[waiting[i].prompt]) + waiting[i].budget;
      if (!group.empty() && tokens > options.batch_tokens) break;
      group.push_back(waiting[i]);
    }
    begin += group.size();
    batch.run(group);
    if (options.progress) {
      options.progress(static_cast<int64_t>(begin), static_cast<int64_t>(waiting.size()));
    }
  }
  model.train(training);
  return outputs;
}

}  // namespace unlearn::scoring
