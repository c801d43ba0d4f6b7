// A method's objective: a pure function from token log-probabilities to sums. It never runs a
// model.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/data/example.h"
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
  bool retain_logp = true;  // false: only the retain sequences' rows are read
  AlternateSource alternate_source = AlternateSource::kRefusal;
  bool reference_forget = false;     // reference_logp of the forget sequences
  bool reference_alternate = false;  // reference_logp of the alternate sequences
  scoring::RowFunction retain_rows = scoring::RowFunction::kNone;
  scoring::RowPositions retain_row_positions = scoring::RowPositions::kAttended;
  // The loss reads means over all examples of a step (Loss::statistics); see set_statistics.
  bool batch_statistics = false;
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
};

// Numbers worth logging beside the terms, e.g. {"w", mean weight}.
struct Diagnostic {
  std::string name;
  double sum;  // over sequences or tokens of this batch
  double count;
};

// A quantity whose mean over all examples of a step enters the loss without gradient.
struct Statistic {
  std::string name;
  double sum;
  double count;
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
  // A method with state across steps (dual variables) saves and loads it here.
  virtual Json save_state() const { return Json::object(); }
  virtual void load_state(const Json&) {}
};

// Defaults of a method: dotted keys -> YAML scalars, {"method.beta", "2.5"}.
using Defaults = std::vector<std::pair<std::string, std::string>>;

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

struct Method {
  MethodInfo info;
  std::unique_ptr<Loss> (*make)();
  // For a benchmark ("tofu", "muse", "wmdp"; others give none) and its split ("forget05", "news").
  Defaults (*defaults)(const std::string& benchmark, const std::string& split);
};

const std::vector<Method>& methods();
// By our name or an alias (letter case and "-", "_", "+" do not matter); UserError names the
// nearest.
const Method& find_method(const std::string& name);
// What the spelling itself implies; empty for our own names.
Defaults implied_settings(const std::string& name);

}  // namespace unlearn::losses
