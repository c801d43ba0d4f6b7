// What a model that is said to have forgotten is tried with: other weights, other prompts, or other
// decoding of the same model. An attack is src/attacks/<name>.cpp with
// `RegisteredAttack attack_<name>()` and ATTACK(<name>) in attacks.def.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/core/json.h"
#include "unlearn/data/example.h"
#include "unlearn/eval/questions.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::attacks {

// What there is to attack with; the same for every model of an audit. Null or empty: the benchmark
// has none.
struct Material {
  const tokenizer::Tokenizer* tokenizer = nullptr;
  const std::vector<data::Example>* forget = nullptr;  // training rows
  const std::vector<data::Example>* retain = nullptr;
  const eval::Questions* questions = nullptr;
  std::string benign_text = {};  // unrelated text to fine-tune on
  int64_t context = 0;           // positions of the model; 0: not known
  int64_t num_layers = 0;
  bool tied_embeddings = false;
  bool has_original = false;  // the model before unlearning is there
  double lr = 1e-5;           // of the unlearning run: what `auto` means in attacks that train
  bool quick = false;         // the fewest ways and seeds that still say something
};

// The model under attack.
struct Subject {
  model::CausalLM& model;
  // The original's tensor of a parameter, on the model's device; null without an original.
  std::function<torch::Tensor(const std::string& parameter)> original = nullptr;
  uint64_t seed = 0;              // differs from one repetition to the next
  std::filesystem::path scratch;  // folder for what training leaves behind
  // Called at every point of the attack's curve, with the weights as they are then; the last call,
  // and no other, is the attack's result.
  std::function<void(int64_t step, bool is_result)> measure;
};

// How a question is put to the model. A row without a prompt of this kind has none.
struct RowPrompt {
  std::string question;      // as asked
  std::string opening = {};  // begins the answer's turn
  int64_t given_tokens = 0;  // of the true answer, put before what the model says
};

struct Decoding {
  int64_t samples = 1;
  double temperature = 1, top_p = 1;
  std::vector<int64_t> ks = {};  // of leak@k
  double threshold = 0.5;        // ROUGE-L recall from which on a sample leaks
};

// One way of an attack. Exactly one of `change_weights`, `change_prompt` and `decoding` is set,
// unless `missing` says what it would need.
struct AttackedModel {
  std::string id;  // "relearn-forget-full", within the audit unique
  Json settings = Json::object();
  int64_t seeds = 1;   // repetitions that differ
  double passes = 0;   // predicted cost beside being measured, in forward passes over 1,000 tokens
  int64_t points = 1;  // calls of Subject::measure
  std::function<void(Subject&)> change_weights = nullptr;
  std::function<std::optional<RowPrompt>(const eval::Questions&, size_t row)> change_prompt =
      nullptr;
  std::optional<Decoding> decoding = std::nullopt;
  std::string missing = {};
};

class Attack {
 public:
  virtual ~Attack() = default;
  // The attack's settings, audit.<name>.<field>.
  virtual void visit(config::FieldVisitor&) {}
  // UserError names a setting that does not go with the others.
  virtual std::vector<AttackedModel> attack(const Material& material) const = 0;
};

struct RegisteredAttack {
  std::string name;    // "relearn"
  std::string family;  // "weights", "prompts" or "decoding"
  std::string help;    // one line
  std::string source;  // where it was published
  std::unique_ptr<Attack> (*make)();
};

// In the order of attacks.def.
const std::vector<RegisteredAttack>& registered_attacks();
std::vector<std::string> attack_names();
// UserError, which begins with `where`, for an unknown name.
const RegisteredAttack& find_attack(const std::string& name, const std::string& where);

}  // namespace unlearn::attacks
