// Membership inference attacks: a score per text (higher = less likely seen in training), and the
// leak measures built on the AUC between forget and holdout texts (auc.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace unlearn::metrics {

// What metrics of one text may look at; fill only what they need. Losses in nats per token.
struct ScoredText {
  std::optional<double> mean_loss = {};            // mean negative log-likelihood of the answer
  std::optional<double> reference_mean_loss = {};  // the same under a reference model
  std::string_view text = {};                      // the labels' text, UTF-8
  // log p(label), the last label (EOS) left out, and min_k_plus_plus_token of the same labels. Both
  // may be there and empty: a text with one label or none.
  std::optional<std::span<const double>> token_logp = {};
  std::optional<std::span<const double>> token_z = {};
  // 1 where the arg-max equals the label, else 0, of the same labels.
  std::optional<std::span<const uint8_t>> hits = {};
  std::optional<double> gradient_norm =
      {};  // of the mean loss of the same labels, one text at a time
};
struct TextOptions {
  double min_k = 0.4;      // fraction of tokens that min_k and min_k_plus_plus average
  bool es_strict = false;  // extraction_strength (memorization.h)
};

// None when what the attack needs is not there. Min-K% of a text without a token to score is 0, as
// in OpenUnlearning, where such a text counts like one that is known by heart. Source:
// OpenUnlearning src/evals/metrics/mia.
std::optional<double> mia_loss(const ScoredText& input, const TextOptions& options = {});
std::optional<double> mia_zlib(const ScoredText& input, const TextOptions& options = {});
std::optional<double> mia_reference(const ScoredText& input, const TextOptions& options = {});
std::optional<double> mia_min_k(const ScoredText& input, const TextOptions& options = {});
std::optional<double> mia_min_k_plus_plus(const ScoredText& input, const TextOptions& options = {});
std::optional<double> mia_gradnorm(const ScoredText& input, const TextOptions& options = {});

// Bytes that zlib's default level makes of `text` (mia_zlib's denominator).
size_t zlib_length(std::string_view text);

// -mean of the lowest max(1, floor(fraction * n)) values; none when n = 0. 0 < fraction <= 1.
std::optional<double> mean_of_lowest(std::span<const double> values, double fraction);

// (log p(label) - mu) / sqrt(max(variance, 1e-6)), with mu and variance of log p under p itself.
double min_k_plus_plus_token(double logp, double mean, double variance);

// OpenUnlearning's privleak, in percent; both AUCs by auc_open_unlearning of mia_min_k. The
// retain model's AUC is the reference.
double privleak_open_unlearning(double auc, double retain_auc);

// MUSE's PrivLeak, in percent; both AUCs by auc_muse(forget, holdout). -100: the forget texts are
// still known; above 0: unlearned too much.
double privleak_muse(double auc, double retrained_auc);

}  // namespace unlearn::metrics
