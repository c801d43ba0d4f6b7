#include "unlearn/markov/study.h"

#include <chrono>
#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/markov/hf_adamw.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::markov {
namespace {

using torch::Tensor;

// Streams of the seed, so that one part's draws never move another's.
constexpr uint64_t kInitStream = 1;
constexpr uint64_t kPretrainOrder = 2;
constexpr uint64_t kUnlearnOrder = 3;

Tensor row_tensor(const std::vector<int64_t>& order, int64_t begin, int64_t end) {
  return torch::tensor(std::vector<int64_t>(order.begin() + begin, order.begin() + end),
                       torch::kInt64);
}

Tensor next_logp(const Decoder& decoder, const Transitions& at) {
  return scoring::token_logprob(at.hidden, decoder.head(), at.to);
}

// The forget sequences' scores as losses read them. `examples` (one per sequence) must outlive
// them.
scoring::TokenScores forget_scores(const Decoder& decoder, const Decoder& original,
                                   const SequenceSet& batch, bool with_reference,
                                   const std::vector<data::Example>& examples) {
  const Transitions at = run_decoder(decoder, batch);
  scoring::TokenScores scores;
  for (const data::Example& example : examples) scores.examples.push_back(&example);
  scores.offsets = at.offsets;
  scores.logp = next_logp(decoder, at);
  if (with_reference) {
    const torch::NoGradGuard no_grad;
    scores.reference_logp = next_logp(original, run_decoder(original, batch));
  }
  return scores;
}

Tensor total_loss(const losses::Loss& loss, const losses::LossInputs& inputs) {
  const auto terms = loss.terms();
  const auto sums = loss.sums(inputs);
  UNLEARN_CHECK(terms.size() == 1 && terms[0].role == data::Role::kForget);
  const int64_t units = terms[0].unit == losses::Unit::kSequence ? inputs.forget.num_sequences()
                                                                 : inputs.forget.num_labels();
  return sums[0] * (terms[0].weight / static_cast<double>(units));
}

// The least cross-entropy on these sequences, weighted by their transitions.
double cross_entropy_floor(const CorpusOptions& corpus, const std::vector<SequenceSet>& sets) {
  double sum = 0, count = 0;
  for (const SequenceSet& set : sets) {
    const auto source = static_cast<Source>(set.sources[0].item<int64_t>());
    const int64_t length = corpus.lengths[static_cast<size_t>(source)];
    const auto transitions = static_cast<double>(set.size() * (length - 1));
    sum += transitions * Chain(source, corpus.leakage).mean_transition_entropy(length);
    count += transitions;
  }
  return sum / count;
}

Json path_record(const Path& path) {
  Json record = {{"Retain Test", Json::array()},
                 {"Forget Test", Json::array()},
                 {"Forget1 Test", Json::array()},
                 {"Forget2 Test", Json::array()},
                 {"batch", Json::array()}};
  for (const Distances& at : path) {
    record["Retain Test"].push_back(at.retain);
    record["Forget Test"].push_back(at.forget);
    record["Forget1 Test"].push_back(at.forget1);
    record["Forget2 Test"].push_back(at.forget2);
    record["batch"].push_back(record["batch"].size());
  }
  return record;
}

Pretrained pretrain_on(const std::vector<SequenceSet>& sets, const StudyConfig& config,
                       uint64_t seed, const std::string& name) {
  Pretrained result;
  result.decoder = make_decoder(config.decoder, mix_bits(seed, kInitStream));
  const double loss = pretrain(*result.decoder, concatenate(sets), config.pretrain, seed);
  const double floor = cross_entropy_floor(config.corpus, sets);
  log::info(config::name_in(kExperiments, config.experiment), ", seed ", seed, ": ", name,
            " model: cross-entropy ", number(loss, 5), " (least possible ", number(floor, 5), ")");
  result.cross_entropy = {{"trained", loss}, {"least", floor}};
  return result;
}

}  // namespace

double pretrain(Decoder& decoder, const SequenceSet& set, const PretrainOptions& options,
                uint64_t seed) {
  HfAdamW optimizer(decoder.parameters(), options.lr);
  double sum = 0, count = 0;
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    const auto order =
        permutation(set.size(), mix_bits(seed, kPretrainOrder), static_cast<uint64_t>(epoch));
    sum = count = 0;
    for (int64_t begin = 0; begin < set.size(); begin += options.batch_size) {
      const int64_t end = std::min(set.size(), begin + options.batch_size);
      const Transitions at = run_decoder(decoder, set.select(row_tensor(order, begin, end)));
      const Tensor loss = -next_logp(decoder, at).mean();
      loss.backward();
      optimizer.step();
      sum += loss.item<double>() * static_cast<double>(at.to.size(0));
      count += static_cast<double>(at.to.size(0));
    }
  }
  return sum / count;
}

Path unlearn_path(const Decoder& original, losses::Loss& loss, const SequenceSet& forget,
                  const UnlearnOptions& options, uint64_t seed,
                  const std::function<Distances(const Decoder&)>& evaluate) {
  const std::shared_ptr<Decoder> decoder = original.copy();
  HfAdamW optimizer(decoder->parameters(), options.lr);
  const std::vector<data::Example> examples(static_cast<size_t>(options.batch_size));
  const bool with_reference = loss.needs().reference_forget;
  Path path = {evaluate(*decoder)};
  std::vector<int64_t> order;  // one epoch after another
  for (uint64_t epoch = 0;
       static_cast<int64_t>(order.size()) < options.iterations * options.batch_size; ++epoch) {
    const auto more = permutation(forget.size(), mix_bits(seed, kUnlearnOrder), epoch);
    order.insert(order.end(), more.begin(), more.end());
  }
  for (int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    const int64_t begin = iteration * options.batch_size;
    const SequenceSet batch = forget.select(row_tensor(order, begin, begin + options.batch_size));
    losses::LossInputs inputs;
    inputs.forget = forget_scores(*decoder, original, batch, with_reference, examples);
    const Tensor total = total_loss(loss, inputs);
    if (!std::isfinite(total.item<double>())) {
      throw NonFiniteError(cat("the loss became ", number(total.item<double>()), " at iteration ",
                               iteration, "; lower unlearn.lr"));
    }
    total.backward();
    optimizer.step();
    path.push_back(evaluate(*decoder));
  }
  return path;
}

const Pretrained& Laboratory::retrained(const StudyConfig& config, const SequenceSet& retain,
                                        uint64_t seed) {
  const Json key = {seed,
                    config.corpus.leakage,
                    config.corpus.counts[0],
                    config.corpus.lengths[0],
                    config.decoder.width,
                    config.decoder.blocks,
                    config.decoder.positions,
                    config::name_in(kArchitectures, config.decoder.arch),
                    config.decoder.heads,
                    config.pretrain.epochs,
                    config.pretrain.batch_size,
                    config.pretrain.lr};
  const auto [found, is_new] = retrained_.try_emplace(key.dump());
  if (is_new) found->second = pretrain_on({retain}, config, seed, "retrained");
  return found->second;
}

Json Laboratory::run(Study& study, uint64_t seed) {
  const auto start = std::chrono::steady_clock::now();
  const StudyConfig& config = study.config;
  const Corpus corpus = sample_corpus(config.corpus, seed);
  const auto evaluate = [&](const Decoder& decoder) {
    return measure(decoder, corpus.test, config.corpus.leakage);
  };
  std::vector<SequenceSet> seen = {corpus.train[0], corpus.train[1]};
  if (config.pretrain_forget2) seen.push_back(corpus.train[2]);
  const Pretrained original = pretrain_on(seen, config, seed, "original");
  const Pretrained& without = retrained(config, corpus.train[0], seed);
  Json record = {{"experiment", config::name_in(kExperiments, config.experiment)},
                 {"seed", seed},
                 {"config", study.resolved},
                 {"cross_entropy",
                  {{"original", original.cross_entropy}, {"retrained", without.cross_entropy}}},
                 {"retrained", path_record({evaluate(*without.decoder)})},
                 {"paths", Json::object()}};
  const SequenceSet forget = concatenate({corpus.train[1], corpus.train[2]});
  for (size_t i = 0; i < config.methods.size(); ++i) {
    const Path path =
        unlearn_path(*original.decoder, *study.losses[i], forget, config.unlearn, seed, evaluate);
    log::info(config::name_in(kExperiments, config.experiment), ", seed ", seed, ": ",
              config.methods[i], ": retain distance ", number(path.back().retain, 4), ", Forget1 ",
              number(path.back().forget1, 4), ", Forget2 ", number(path.back().forget2, 4),
              " after ", config.unlearn.iterations, " iterations");
    record["paths"][config.methods[i]] = path_record(path);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  record["seconds"] = seconds.count();
  return record;
}

}  // namespace unlearn::markov
