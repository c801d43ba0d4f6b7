// The aggregates of the MUSE benchmark (arXiv 2407.06460; swj0419/muse_bench, metrics/) and what
// OpenUnlearning makes of them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unlearn/metrics/auc.h"
#include "unlearn/metrics/bootstrap.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/metrics/rouge.h"

namespace unlearn::benchmarks::muse {

// What KnowMem keeps of a generation: everything before "\n\n", then before "\nQuestion", then
// before "Question:".
std::string cut_knowmem_output(std::string_view text);

// The retrained models' AUCs (forget against holdout) that MUSE publishes. `corpus` is "news" or
// "books"; `type` "PPL", "PPL/ref", "PPL/lower", "PPL/zlib" or "Min-5%" … "Min-60%".
std::optional<double> muse_retrained_auc(const std::string& corpus, const std::string& type);

// MUSE scores without the stemmer, OpenUnlearning with it.
metrics::RougeScores muse_rouge(std::string_view truth, std::string_view response,
                                bool open_unlearning);

// MUSE's agg.json of VerbMem or KnowMem, all in [0, 1]: for each of rougeL, rougeL_recall, rouge1,
// rouge1_recall (without "recall": F1) the keys max_*, mean_*, *_ci_lo and *_ci_hi. Empty without
// rows.
std::map<std::string, double> muse_rouge_aggregates(
    std::span<const metrics::RougeScores> rows, const metrics::BootstrapOptions& bootstrap = {});

// verbmem_f, knowmem_f, knowmem_r: mean ROUGE-L F1, times 100 in MUSE, in [0, 1] in
// OpenUnlearning. None without rows.
std::optional<double> muse_rouge_score(std::span<const metrics::RougeScores> rows,
                                       bool open_unlearning);

// The attack values of one text (higher = less likely seen): "PPL" (mean negative log-likelihood,
// not exponentiated), "PPL/lower", "PPL/zlib", "Min-5%" … "Min-60%". Log-probabilities of all
// tokens but the first. A value is absent when there is nothing to compute it from (fewer than one
// token).
using AttackValues = std::map<std::string, double>;
AttackValues muse_attack_values(std::string_view text, std::span<const double> logp,
                                std::span<const double> logp_of_lower_cased);

// MUSE's auc.json: "forget_holdout_Min-40%" … for every ordered pair of different splits. `values`
// is split ("forget", "retain", "holdout") -> one AttackValues per text. Pairs with a side that is
// empty, lacks the value in some text or holds NaN are null.
std::map<std::string, std::optional<double>> muse_auc_table(
    const std::map<std::string, std::vector<AttackValues>>& values);
inline constexpr const char* kMuseLeakKey = "forget_holdout_Min-40%";

// Recomputes a stored MUSE_EVAL.json (either suite). privleak takes the retrained model's AUC from
// `retain`, or from MUSE's published constants when `corpus` is "news" or "books"; else it is null.
metrics::Evaluation evaluate_muse_log(const metrics::EvalReport& log, const std::string& source,
                                      const metrics::EvalReport* retain,
                                      const std::string& retain_source,
                                      const std::string& corpus = "");

// UserError unless the report is one of MUSE's.
metrics::EvalReport read_muse_log(const std::filesystem::path& path);

}  // namespace unlearn::benchmarks::muse
