// Sequences of known log-probabilities and the total loss over them.
#pragma once

#include <torch/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/losses/compat.h"

namespace unlearn::losses {

struct SequenceValues {
  std::vector<double> logp;
  std::vector<double> reference = {};
};

// Owns the examples that TokenScores point to.
class Batch {
 public:
  Batch(const std::vector<SequenceValues>& forget, const std::vector<SequenceValues>& retain,
        const std::vector<SequenceValues>& alternate) {
    inputs.forget = scores(forget);
    inputs.retain = scores(retain);
    inputs.alternate = scores(alternate);
  }

  LossInputs inputs;

 private:
  scoring::TokenScores scores(const std::vector<SequenceValues>& sequences) {
    scoring::TokenScores result;
    std::vector<double> logp, reference, rows;
    result.offsets = {0};
    result.row_offsets = {0};
    for (const SequenceValues& sequence : sequences) {
      data::Example& example = examples_.emplace_back();
      example.num_labels = static_cast<int64_t>(sequence.logp.size());
      result.examples.push_back(&example);
      logp.insert(logp.end(), sequence.logp.begin(), sequence.logp.end());
      reference.insert(reference.end(), sequence.reference.begin(), sequence.reference.end());
      result.offsets.push_back(static_cast<int64_t>(logp.size()));
      // Rows stand on their own: one more than the sequence has labels.
      for (size_t i = 0; i <= sequence.logp.size(); ++i) {
        rows.push_back(0.01 * static_cast<double>(i + 1));
      }
      result.row_offsets.push_back(static_cast<int64_t>(rows.size()));
    }
    result.logp = torch::tensor(logp, torch::kDouble).set_requires_grad(true);
    if (reference.size() == logp.size()) {
      result.reference_logp = torch::tensor(reference, torch::kDouble);
    }
    result.row_values = torch::tensor(rows, torch::kDouble).set_requires_grad(true);
    // Hidden states that go with their tokens.
    const auto directions = torch::tensor({{1.0, -2.0, 0.5}}, torch::kDouble);
    result.hidden = (result.logp.detach().unsqueeze(1) * directions).set_requires_grad(true);
    result.reference_hidden = result.hidden.detach() * 0.5 + 0.1;
    return result;
  }

  std::deque<data::Example> examples_;
};

// Fixture A: two sequences per role.
inline Batch fixture_a() {
  return Batch({{{-0.5, -1.0, -0.25}, {-0.4, -0.9, -0.3}},
                {{-2.0, -0.1, -1.5, -0.7, -0.3}, {-1.0, -0.2, -1.2, -0.6, -0.1}}},
               {{{-0.2, -0.3}}, {{-0.6, -0.1, -0.4, -0.5}}},
               {{{-3.0, -1.2}, {-3.5, -1.0}}, {{-2.2, -0.8, -1.1}, {-2.0, -1.1, -0.9}}});
}

inline const scoring::TokenScores& scores_of(const LossInputs& inputs, data::Role role) {
  return role == data::Role::kForget   ? inputs.forget
         : role == data::Role::kRetain ? inputs.retain
                                       : inputs.alternate;
}

inline double count_units(const LossInputs& inputs, const Term& term) {
  double count = 0;
  std::vector<data::Role> roles = term.pooled_with;
  roles.push_back(term.role);
  for (const data::Role role : roles) {
    const auto& scores = scores_of(inputs, role);
    count += static_cast<double>(term.unit == Unit::kToken      ? scores.num_labels()
                                 : term.unit == Unit::kSequence ? scores.num_sequences()
                                                                : scores.row_offsets.back());
  }
  return count;
}

// Sum of weight * sum / count over the terms.
inline torch::Tensor total_loss(const Loss& loss, const LossInputs& inputs) {
  const auto terms = loss.terms();
  const auto sums = loss.sums(inputs);
  EXPECT_EQ(terms.size(), sums.size());
  torch::Tensor total = torch::zeros({}, torch::kDouble);
  for (size_t i = 0; i < terms.size(); ++i) {
    total = total + sums[i] * (terms[i].weight / count_units(inputs, terms[i]));
  }
  return total;
}

// The gradient of the total with respect to `leaf`; zeros when the loss does not read it.
inline torch::Tensor gradient(const Loss& loss, const LossInputs& inputs,
                              const torch::Tensor& leaf) {
  const auto result =
      torch::autograd::grad({total_loss(loss, inputs)}, {leaf}, {}, {}, false, true)[0];
  return result.defined() ? result : torch::zeros_like(leaf);
}

using Fields = std::vector<std::pair<std::string, Json>>;

// The model that fixture A's hidden states come from.
inline ModelFacts fixture_facts() {
  return {.hidden_size = 3, .num_layers = 12, .vocab_size = 128, .seed = 1};
}

// A method with its fields set as a config file would.
inline std::unique_ptr<Loss> make_loss(const std::string& name, const Fields& fields = {},
                                       const std::vector<std::string>& quirks = {}) {
  auto loss = find_method(name).make();
  config::Settings settings;
  for (const auto& [key, value] : fields) {
    settings.set("method." + key, value, "test");
  }
  config::SettingsReader reader(settings);
  reader.read("method", *loss);
  reader.refuse_unknown();
  enable_quirks(*loss, name, quirks);
  loss->check();
  return loss;
}

}  // namespace unlearn::losses
