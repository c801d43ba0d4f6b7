#include "unlearn/scoring/generate.h"

#include <algorithm>
#include <optional>

#include "scoring/drafter.h"
#include "scoring/logit_rules.h"
#include "scoring/sampling.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;

int64_t size_of(const std::vector<int32_t>& ids) { return static_cast<int64_t>(ids.size()); }

// One output under way.
struct Stream {
  size_t prompt;                // index into the caller's prompts
  int64_t budget;               // new tokens it may still have
  std::vector<int32_t> tokens;  // to run next: the prompt or the last token, then guesses
  size_t guessed = 0;           // how many of them are guesses
  std::optional<Drafter> drafter = {};
};

model::PackedIds pack_tokens(const std::vector<Stream>& streams, torch::Device device) {
  std::vector<int64_t> ids, offsets = {0};
  for (const Stream& stream : streams) {
    ids.insert(ids.end(), stream.tokens.begin(), stream.tokens.end());
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
  return {torch::tensor(ids, torch::kLong).to(device), {}, offsets};
}

// The outputs under way, and the prompts that wait for a place among them.
class Batch {
 public:
  Batch(model::CausalLM& model, const std::vector<std::vector<int32_t>>& prompts,
        const GenerateOptions& options, std::vector<std::vector<int32_t>>& outputs)
      : model_(model),
        prompts_(prompts),
        options_(options),
        outputs_(outputs),
        rules_(options.rules, options.stop_ids),
        device_(model.head().weight.device()) {}

  // `waiting` holds the longest prompts first.
  void run(std::vector<Stream> waiting) {
    total_ = waiting.size();
    size_t next = 0;
    while (next < waiting.size() || !streams_.empty()) {
      start_again();
      if (streams_.empty()) open_cache(length_of(waiting[next]));
      const size_t before = next;
      while (next < waiting.size() && has_room(length_of(waiting[next]))) {
        streams_.push_back(std::move(waiting[next++]));
      }
      const auto added = static_cast<int64_t>(next - before);
      if (added > 0) cache_->add(added);
      if (added > 0 && reinforced_cache_) reinforced_cache_->add(added);
      step();
    }
  }

 private:
  // Tokens of a stream's prompt and output at most.
  int64_t length_of(const Stream& stream) const {
    return size_of(prompts_[stream.prompt]) + stream.budget;
  }

  void open_cache(int64_t longest) {
    longest_ = longest;
    cache_ = model_.make_cache(0, longest);
    if (options_.reinforced != nullptr) {
      reinforced_cache_ = options_.reinforced->make_cache(0, longest);
    }
    can_guess_ = options_.temperature <= 0 && options_.reinforced == nullptr &&
                 model_.can_share_tokens(longest);
  }

  // The cache is padded to its longest sequence; much shorter ones wait for a cache of their own.
  bool has_room(int64_t length) const {
    if (streams_.empty()) return true;
    const auto sequences = static_cast<int64_t>(streams_.size()) + 1;
    return 2 * length > longest_ && sequences * longest_ <= options_.batch_tokens;
  }

  // Runs the new tokens of all streams, keeps what they say, and lets finished streams go.
  void step() {
    if (can_guess_) add_guesses();
    const model::PackedIds packed = pack_tokens(streams_, device_);
    std::vector<int64_t> rows;
    for (size_t s = 0; s < streams_.size(); ++s) {
      const int64_t end = packed.offsets[s + 1];
      for (auto row = end - 1 - static_cast<int64_t>(streams_[s].guessed); row < end; ++row) {
        rows.push_back(row);
      }
    }
    const Tensor z = next_logits(packed, torch::tensor(rows, torch::kLong).to(device_));
    if (!options_.rules.empty()) apply_rules(z);
    const std::vector<int64_t> chosen = options_.temperature <= 0 ? best(z) : sample(z);
    // From the last to the first: who leaves is replaced by one that was looked at already.
    size_t row = chosen.size();
    for (size_t s = streams_.size(); s-- > 0;) {
      row -= streams_[s].guessed + 1;
      if (!advance(s, chosen.data() + row)) remove(s);
    }
  }

  // Where all angles change, a sequence's cached keys are of no use.
  void start_again() {
    const auto changes_at = [&](int64_t length) {
      return length == model_.runs_again_at() ||
             (options_.reinforced != nullptr && length == options_.reinforced->runs_again_at());
    };
    std::vector<Stream> again;
    for (size_t s = streams_.size(); s-- > 0;) {
      if (!changes_at(length_so_far(streams_[s]))) continue;
      again.push_back(std::move(streams_[s]));
      leave_place(s);
    }
    if (again.empty()) return;
    const auto added = static_cast<int64_t>(again.size());
    cache_->add(added);
    if (reinforced_cache_) reinforced_cache_->add(added);
    for (Stream& stream : again) {
      const std::vector<int32_t>& output = outputs_[stream.prompt];
      stream.tokens = prompts_[stream.prompt];
      stream.tokens.insert(stream.tokens.end(), output.begin(), output.end());
      streams_.push_back(std::move(stream));
    }
  }

  int64_t length_so_far(const Stream& stream) const {
    return size_of(prompts_[stream.prompt]) + size_of(outputs_[stream.prompt]);
  }

  // One row of logits for every stream's last token and for each of its guesses.
  void apply_rules(const Tensor& z) const {
    std::vector<std::vector<int32_t>> texts;
    for (const Stream& stream : streams_) {
      std::vector<int32_t>& text = texts.emplace_back(prompts_[stream.prompt]);
      const std::vector<int32_t>& output = outputs_[stream.prompt];
      text.insert(text.end(), output.begin(), output.end());
      text.insert(text.end(), stream.tokens.end() - static_cast<int64_t>(stream.guessed),
                  stream.tokens.end());
    }
    std::vector<RowText> rows;
    for (size_t s = 0; s < streams_.size(); ++s) {
      const Stream& stream = streams_[s];
      const std::span<const int32_t> text = texts[s];
      for (size_t left = stream.guessed + 1; left-- > 0;) {
        rows.push_back({text.first(text.size() - left), size_of(prompts_[stream.prompt]),
                        length_so_far(stream) + stream.budget});
      }
    }
    rules_.apply(z, rows);
  }

  Tensor next_logits(const model::PackedIds& packed, const Tensor& rows) {
    const auto of = [&](model::CausalLM& model, model::KvCache* cache) {
      const Tensor hidden = model.hidden_states(packed, {.cache = cache});
      return logits(hidden.index_select(0, rows), model.head());
    };
    const Tensor z = of(model_, cache_.get());
    if (options_.reinforced == nullptr) return z;
    return whp_logits(z, of(*options_.reinforced, reinforced_cache_.get()), options_.whp_alpha);
  }

  static std::vector<int64_t> best(const Tensor& z) {
    const Tensor tokens = z.argmax(1).to(torch::kCPU);
    return {tokens.const_data_ptr<int64_t>(), tokens.const_data_ptr<int64_t>() + tokens.numel()};
  }

  std::vector<int64_t> sample(const Tensor& z) {
    const Tensor host = z.to(torch::kCPU);
    std::vector<int64_t> next;
    for (size_t s = 0; s < streams_.size(); ++s) {
      const size_t prompt = streams_[s].prompt;
      const uint64_t stream = options_.streams.empty() ? prompt : options_.streams[prompt];
      Rng rng(mix_bits(options_.seed, stream, outputs_[prompt].size()));
      next.push_back(sample_token(host[static_cast<int64_t>(s)], options_.temperature,
                                  options_.top_p, rng.uniform()));
    }
    return next;
  }

  // Few streams leave room for guesses in a step that takes as long without them.
  void add_guesses() {
    int64_t room = kRowsOfAStep - static_cast<int64_t>(streams_.size());
    for (Stream& stream : streams_) {
      if (!stream.drafter) {  // its prompt is still to be run
        stream.drafter.emplace(prompts_[stream.prompt]);
        continue;
      }
      const auto guesses = stream.drafter->guess(std::min(room, stream.budget - 1));
      stream.tokens.insert(stream.tokens.end(), guesses.begin(), guesses.end());
      stream.guessed = guesses.size();
      room -= size_of(guesses);
    }
  }

  // Appends what follows the stream's last token, and what follows each guess that was right.
  // False when the output is complete.
  bool advance(size_t s, const int64_t* chosen) {
    Stream& stream = streams_[s];
    const auto first_guess = stream.tokens.size() - stream.guessed;
    int32_t token = 0;
    size_t right = 0;
    for (size_t j = 0;; ++j) {
      token = static_cast<int32_t>(chosen[j]);
      if (is_finished(stream, token)) return false;
      if (stream.drafter) stream.drafter->append(token);
      if (j == stream.guessed || stream.tokens[first_guess + j] != token) break;
      ++right;
    }
    if (stream.drafter) stream.drafter->report(stream.guessed, right);
    if (right < stream.guessed) {
      cache_->drop_last(static_cast<int64_t>(s), static_cast<int64_t>(stream.guessed - right));
    }
    stream.tokens = {token};
    stream.guessed = 0;
    return true;
  }

  bool is_finished(Stream& stream, int32_t token) {
    const auto& stops = options_.stop_ids;
    if (std::find(stops.begin(), stops.end(), token) != stops.end()) return true;
    std::vector<int32_t>& output = outputs_[stream.prompt];
    output.push_back(token);
    return --stream.budget <= 0 || (options_.should_stop && options_.should_stop(output));
  }

  void remove(size_t s) {
    leave_place(s);
    ++done_;
    if (options_.progress) {
      options_.progress(static_cast<int64_t>(done_), static_cast<int64_t>(total_));
    }
  }

  void leave_place(size_t s) {
    if (s + 1 < streams_.size()) streams_[s] = std::move(streams_.back());
    streams_.pop_back();
    cache_->remove(static_cast<int64_t>(s));
    if (reinforced_cache_) reinforced_cache_->remove(static_cast<int64_t>(s));
  }

  // A step over this many tokens takes about twice the time of one over a single token, which is
  // spent on reading the weights.
  static constexpr int64_t kRowsOfAStep = 24;

  model::CausalLM& model_;
  const std::vector<std::vector<int32_t>>& prompts_;
  const GenerateOptions& options_;
  std::vector<std::vector<int32_t>>& outputs_;
  LogitRules rules_;
  torch::Device device_;
  std::vector<Stream> streams_;  // in the caches' order
  std::unique_ptr<model::KvCache> cache_, reinforced_cache_;
  int64_t longest_ = 0;  // that the caches have room for
  bool can_guess_ = false;
  size_t done_ = 0, total_ = 0;
};

int64_t new_token_budget(const std::vector<int32_t>& prompt, const GenerateOptions& options) {
  if (options.max_total_tokens <= 0) return options.max_new_tokens;
  return std::min(options.max_new_tokens, options.max_total_tokens - size_of(prompt));
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
    if (budget > 0) {
      waiting.push_back({i, budget, prompts[i]});
    }
  }
  // Streams of like length share a cache, so that little of it is left unused.
  const auto length_of = [&](const Stream& stream) {
    return size_of(prompts[stream.prompt]) + stream.budget;
  };
  std::stable_sort(waiting.begin(), waiting.end(),
                   [&](const Stream& a, const Stream& b) { return length_of(a) > length_of(b); });
  Batch(model, prompts, options, outputs).run(std::move(waiting));
  model.train(training);
  return outputs;
}

}  // namespace unlearn::scoring
