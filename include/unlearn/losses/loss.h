// A method's objective: a pure function from token log-probabilities to sums. It never runs a
// model.
#pragma once

#include <torch/torch.h>

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

// What the loss asks of the batch and of the reference (the model before the first step).
struct Needs {
  bool forget = true;
  bool retain = false;
  bool alternate = false;
  bool reference_forget = false;     // reference_logp of the forget sequences
  bool reference_alternate = false;  // reference_logp of the alternate sequences
  scoring::RowFunction retain_rows = scoring::RowFunction::kNone;
  scoring::RowPositions retain_row_positions = scoring::RowPositions::kAttended;
};

// The unit whose number divides a term's sum: the mean is over label tokens, sequences or
// full-row positions of the role, over the whole optimizer step (averaging: exact).
enum class Unit : uint8_t { kToken, kSequence, kPosition };

struct Term {
  std::string name;  // "forget", "retain"
  data::Role role;   // whose tokens, sequences or positions are counted
  Unit unit;
  double weight;  // coefficient in the total loss
};

// Numbers worth logging beside the terms, e.g. {"w", mean weight}.
struct Diagnostic {
  std::string name;
  double sum;  // over sequences or tokens of this batch
  double count;
};

// Extra information for losses whose terms couple all examples of a batch.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual Needs needs() const = 0;
  virtual std::vector<Term> terms() const = 0;
  // One differentiable scalar per term: the sum over the term's units in this batch.
  virtual std::vector<torch::Tensor> sums(const LossInputs& inputs) const = 0;
  // No gradient; empty when there is nothing to report.
  virtual std::vector<Diagnostic> diagnostics(const LossInputs& inputs) const;
  // The method's own parameters (beta, gamma, …), described once.
  virtual void visit(config::FieldVisitor& visitor) = 0;
  // Checks that need more than one field (after visit); UserError "method.…".
  virtual void check() const {}
  // A method with state across steps (dual variables) saves and loads it here.
  virtual Json save_state() const { return Json::object(); }
  virtual void load_state(const Json&) {}
};

// What a method is called, and what it says about itself.
struct MethodInfo {
  std::string name;                  // "simnpo"
  std::string help;                  // one line
  std::vector<std::string> aliases;  // the references' spellings: "SimNPO", "simnpo_grad_diff", …
};

// A method's defaults for a benchmark ("tofu", "muse", …): dotted keys -> YAML scalars.
using Defaults = std::vector<std::pair<std::string, std::string>>;

struct Method {
  MethodInfo info;
  std::unique_ptr<Loss> (*make)();
  Defaults (*defaults)(const std::string& benchmark, const std::string& split);
};

const std::vector<Method>& methods();
// By our name or an alias (case-insensitive); UserError names the nearest.
const Method& find_method(const std::string& name);

}  // namespace unlearn::losses
