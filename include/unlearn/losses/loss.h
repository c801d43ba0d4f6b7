// A method's objective: a pure function from token log-probabilities to sums. It never runs a
// model.
#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/data/example.h"
#include "unlearn/scoring/row_request.h"
#include "unlearn/scoring/token_scores.h"

namespace unlearn::losses {

// What the loss is given for one batch; roles it does not need are empty.
struct LossInputs {
  scoring::TokenScores forget, retain, alternate;
};

// Where the sequences of role kAlternate come from.
enum class AlternateSource : uint8_t {
  kRefusal,   // a line of the refusals file, drawn by the data set's rule
  kProvided,  // the forget row's own alternate answer
};

// What the loss asks of the batch and of the reference (the model before the first step).
struct Needs {
  bool forget = true;
  bool retain = false;
  bool alternate = false;
  bool forget_logp = true;  // false: only the sequences' rows or hidden states are read
  bool retain_logp = true;
  AlternateSource alternate_source = AlternateSource::kRefusal;
  bool reference_forget = false;     // reference_logp of the forget sequences
  bool reference_alternate = false;  // reference_logp of the alternate sequences
  scoring::RowRequest forget_rows, retain_rows;
  // Output of a block at the label tokens (TokenScores::hidden), and the reference's.
  int64_t hidden_layer = -1;
  bool hidden_forget = false;
  bool hidden_retain = false;
  bool reference_hidden_retain = false;
  // The loss reads means over all examples of a step (Loss::statistics); see set_statistics.
  bool batch_statistics = false;
  // The loss asks for the terms' means over each finished epoch (Loss::observe_epoch).
  bool epoch_means = false;
  // With averaging: micro_batch_mean, the loss of a micro-batch depends on those before it in the
  // step (Loss::observe), so that several processes cannot share the step.
  bool is_sequential = false;
  // Only parameters whose whole name matches one of these regular expressions are trained; empty:
  // all.
  std::vector<std::string> trainable = {};

  // Whether the role's sequences are run.
  bool reads(data::Role role) const;
  // Whether anything of the reference model is asked for.
  bool any_reference() const;
};

// The unit whose number divides a term's sum: the mean is over label tokens, sequences or
// full-row positions of the role, over the whole optimizer step (averaging: exact).
enum class Unit : uint8_t { kToken, kSequence, kPosition };

struct Term {
  std::string name;  // "forget", "retain"
  data::Role role;   // whose tokens, sequences or positions are counted
  Unit unit;
  double weight;  // coefficient in the total loss
  // Roles whose units count in this term's divisor too: a joint mean over both (IDK).
  std::vector<data::Role> pooled_with = {};
  double offset = 0.0;  // the total holds weight * (mean + offset)
};

// Numbers worth logging beside the terms, e.g. {"w", mean weight}.
struct Diagnostic {
  std::string name;
  double sum;  // over sequences or tokens of this batch
  double count;
};

// A quantity whose mean over all examples of a step enters the loss without gradient.
struct Statistic {
  std::string name;  // unique within its loss
  double sum;
  double count;
};

// What a method may know about the model before the first step.
struct ModelFacts {
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t vocab_size = 0;
  uint64_t seed = 0;  // of the run
};

// Defaults of a method: dotted keys -> YAML scalars, {"method.beta", "2.5"}.
using Defaults = std::vector<std::pair<std::string, std::string>>;

// A deviation from the published definition that a reference implementation has, off by default
// and turned on by its name in train.compat.
struct Quirk {
  std::string name;
  std::string help;            // what it reproduces
  bool* on = nullptr;          // switched on; null for quirks that only imply settings
  Defaults implies = {};       // settings, below everything the user says
  std::string benchmark = "";  // the only one whose data it is for; empty: any
};

// What a run trains on before it is packed, and what may be known about it. Null: the run has none.
struct RunExamples {
  std::vector<data::Example>* forget = nullptr;
  std::vector<data::Example>* retain = nullptr;
  std::vector<data::Example>* alternate = nullptr;
  std::vector<data::Example>* train = nullptr;  // of finetune
  std::string benchmark;
  int64_t max_length = 0;           // data.max_length
  std::optional<int32_t> eos, pad;  // the tokenizer's
};

class Loss {
 public:
  virtual ~Loss() = default;
  virtual Needs needs() const = 0;
  virtual std::vector<Term> terms() const = 0;
  // One differentiable scalar per term: the sum over the term's units in this batch.
  virtual std::vector<torch::Tensor> sums(const LossInputs& inputs) const = 0;
  // No gradient; empty when there is nothing to report.
  virtual std::vector<Diagnostic> diagnostics(const LossInputs& inputs) const;
  // For Needs::batch_statistics: sums over this batch, no gradient. With averaging: exact the
  // trainer adds them up over the whole step (all micro-batches, all ranks) in a pass before the
  // first gradient and hands the means to set_statistics, so that cutting a step differently
  // changes nothing. Without that call `sums` uses its own batch's means, as the references do.
  virtual std::vector<Statistic> statistics(const LossInputs& inputs) const;
  virtual void set_statistics(const std::vector<double>& means);
  // The method's own parameters (beta, gamma, …), described once.
  virtual void visit(config::FieldVisitor& visitor) = 0;
  // Checks that need more than one field (after visit); UserError "method.…".
  virtual void check() const {}
  // The reference quirks this method knows.
  virtual std::vector<Quirk> quirks() { return {}; }
  // What those that are on do to the examples of a run.
  virtual void decorate(RunExamples&) const {}
  // Called once before training (and before load_state); UserError when the model does not fit.
  virtual void start(const ModelFacts&) {}
  // Called after the gradient of a step (averaging: exact) or of each micro-batch
  // (micro_batch_mean) with its terms' means; terms() is read anew afterwards. `epoch` counts the
  // passes over the forget rows done before the step.
  virtual void observe(const std::vector<double>& means, double epoch);
  // For Needs::epoch_means: the means over a finished epoch, in evaluation mode.
  virtual void observe_epoch(const std::vector<double>& means, double epoch);
  // A method with state across steps (dual variables) saves and loads it here.
  virtual Json save_state() const { return Json::object(); }
  virtual void load_state(const Json&) {}
};

// A reference's spelling of a method and the settings it implies ("npo_KL": retain_loss kl). They
// go above the benchmark's defaults and below everything the user says.
struct Alias {
  std::string name;
  Defaults implies = {};
};

// What a method is called, and what it says about itself.
struct MethodInfo {
  std::string name;            // "simnpo"
  std::string help;            // one line
  std::vector<Alias> aliases;  // "SimNPO", "simnpo_grad_diff", …
};

// Published settings of a method: for a benchmark ("tofu") and those of its splits whose whole name
// the regular expression `split` matches; empty: all.
struct SplitDefaults {
  std::string benchmark;
  std::string split;
  Defaults settings;
};
using BenchmarkDefaults = std::vector<SplitDefaults>;

struct Method {
  MethodInfo info;
  std::unique_ptr<Loss> (*make)();
  BenchmarkDefaults defaults = {};
  // What `defaults` has for a split; later entries win where a key stands twice.
  Defaults defaults_for(const std::string& benchmark, const std::string& split) const;
};

const std::vector<Method>& methods();
// What the references count among the methods but trains nothing: the command that does it.
struct OtherMethod {
  std::string name;
  std::string help;
  std::vector<std::string> aliases;
  std::string command;
};
const std::vector<OtherMethod>& other_methods();
// By our name or an alias (letter case and "-", "_", "+" do not matter); UserError names the
// nearest.
const Method& find_method(const std::string& name);
// What the spelling itself implies; empty for our own names.
Defaults implied_settings(const std::string& name);

}  // namespace unlearn::losses
