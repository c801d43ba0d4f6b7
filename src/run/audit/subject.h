// A model of an audit: loaded once, attacked in memory, put back.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "run/audit/cells.h"
#include "unlearn/attacks/attack.h"
#include "unlearn/run/evaluator.h"

namespace unlearn::run {

enum class AuditRole : uint8_t { kUnlearned, kRetain, kOriginal };
const char* role_letter(AuditRole role);  // "U", "R", "O"
const char* role_name(AuditRole role);    // "the unlearned model", …

struct AuditConfigs {
  RunConfig full;       // of a baseline's evaluation: all default metrics
  RunConfig narrow;     // of the one after an attack: what the audit reads
  RunConfig knowledge;  // of those on the way of an attack: without utility
};

class AuditedModel {
 public:
  // `configs` must outlive this. Loads no weights.
  AuditedModel(AuditRole role, EvaluatedModel evaluated, const AuditConfigs& configs,
               torch::Device device);

  AuditRole role() const { return role_; }
  const std::filesystem::path& folder() const { return evaluated_.folder; }
  // What the weights on disk are.
  const std::string& key() const { return key_; }
  const Evaluator& evaluator() const { return narrow_; }
  eval::Plan knowledge_requests() const { return knowledge_.requests(); }
  // Of the requests of its evaluations.
  const std::string& evaluation_key();
  std::string plan_summary() const { return full_.plan_summary(); }

  model::CausalLM& model();  // loaded at the first call
  bool is_loaded() const { return model_ != nullptr; }
  // Puts the weights back as they were loaded; UNLEARN_CHECK that they are.
  void restore();
  void unload();

  // Results are kept below <folder>/cache by the weights' hash. All default metrics, of the weights
  // as they were loaded; what the audit reads, or of that the knowledge alone, of the weights as
  // they are now.
  eval::Outcome evaluate_all(OwnFolder& folder);
  eval::Outcome evaluate(OwnFolder& folder);
  eval::Outcome evaluate_knowledge(OwnFolder& folder);
  // Where results of the weights as they were loaded are kept.
  std::filesystem::path cache_of_loaded(OwnFolder& folder);
  const std::string& loaded_hash();

 private:
  AuditRole role_;
  EvaluatedModel evaluated_;
  Evaluator full_, narrow_, knowledge_;
  std::string key_, evaluation_key_;
  std::shared_ptr<model::CausalLM> model_;
  std::map<std::string, torch::Tensor> loaded_;  // copies of all parameters
  std::string loaded_hash_;                      // weights_hash of them, when it was asked for
};

// SHA-256 over all parameters, by name.
std::string weights_hash(const model::CausalLM& model);

}  // namespace unlearn::run
