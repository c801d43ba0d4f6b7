// The cells of one audit, measured or taken from what an earlier start measured.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "run/audit/depth.h"
#include "run/audit/entries.h"
#include "run/audit/measure.h"
#include "unlearn/core/log.h"
#include "unlearn/run/audit.h"

namespace unlearn::run {

// Everything an audit reads, checked; no weights are loaded.
struct AuditInputs {
  AuditConfigs configs;  // outlives the models
  AuditSettings settings;
  std::map<AuditRole, std::unique_ptr<AuditedModel>> models;
  std::optional<eval::Questions> questions;
  std::optional<DepthRows> depth;  // none: something is missing, or there is no room
  data::Splits rows;
  std::string benign_text;
  attacks::Material material;  // points into the above
  std::string material_key;    // what of the material is not in the evaluations' requests
  AuditPlan plan;

  const benchmarks::Benchmark& benchmark() const { return configs.narrow.data.chosen(); }
};
std::unique_ptr<AuditInputs> audit_inputs(const AuditRequest& request);

class Auditor {
 public:
  Auditor(const AuditRequest& request, AuditInputs& inputs, OwnFolder& folder);

  // The unlearned model's baseline, which also says what an evaluation costs.
  void measure_unlearned();
  // Leaves out what a budget has no room for; the choice is kept in the folder.
  void apply_budget(double minutes);
  // Model by model, each loaded once.
  void measure_ways();
  Json result() const;
  Json costs() const;

 private:
  std::string key_of(AuditedModel& model, const Json& what) const;
  void keep(AuditedModel& model, const Json& what, const Cell& cell);
  const Cell& baseline(AuditedModel& model);
  Cell attack_weights(AuditedModel& model, const attacks::AttackedModel& way, int64_t seed);
  Cell measure_way(AuditedModel& model, const attacks::AttackedModel& way, int64_t seed);
  bool is_tried_on(const PlannedWay& way, AuditRole role) const;
  void add_worst_prompt(Json& entries) const;
  void measure_depth_of(AuditedModel& model);
  Json depth_key() const;
  // Whether the white-box measures are taken of the attacked model as well.
  bool is_attacked_depth(const AuditedModel& model) const;
  void add_depth_measures();
  model::CausalLM& original_model();
  torch::Tensor original_tensor(const std::string& name, const torch::Device& device);
  std::string id_of(const AuditedModel& model) const;

  const AuditRequest& request_;
  AuditInputs& inputs_;
  OwnFolder& folder_;
  CellStore store_;
  AuditFacts facts_;
  std::map<std::string, WayCells> ways_;  // by id
  std::map<AuditRole, Cell> depth_;
  std::shared_ptr<model::CausalLM> original_;
  int64_t measured_ = 0, taken_ = 0;  // cells
  double seconds_ = 0, baseline_seconds_ = 0;
};

}  // namespace unlearn::run
