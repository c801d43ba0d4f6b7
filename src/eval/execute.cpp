#include "unlearn/eval/execute.h"

#include "eval/stages.h"

namespace unlearn::eval {

namespace {

// Gives a model with the stage's masked token, and leaves it as it was (a run that trains with
// train.compat: pad_is_masked may be evaluated without, and the other way round).
class MaskedModel {
 public:
  MaskedModel(const ModelProvider& model, std::optional<int32_t> token)
      : get_(model), token_(token) {}
  ~MaskedModel() {
    if (model_ != nullptr) model_->set_masked_token(before_);
  }
  MaskedModel(const MaskedModel&) = delete;
  MaskedModel& operator=(const MaskedModel&) = delete;

  ModelProvider provider() {
    if (!get_) return nullptr;
    return [this]() -> model::CausalLM& {
      model::CausalLM& model = get_();
      if (model_ != &model) before_ = model.masked_token();
      model_ = &model;
      model.set_masked_token(token_);
      return model;
    };
  }

 private:
  const ModelProvider& get_;
  std::optional<int64_t> token_, before_;
  model::CausalLM* model_ = nullptr;
};

using RunStage = void (*)(const Plan&, const StageContext&, Results&);

}  // namespace

Results execute(const Plan& asked, const ModelProvider& model, const ExecuteOptions& options) {
  Results results;
  if (asked.empty()) return results;
  ResultStore store(options.cache);
  const Plan plan = options.masked_token ? asked.with_masked_token(*options.masked_token) : asked;
  const auto run = [&](RunStage stage, std::optional<int32_t> token) {
    MaskedModel own(model, token), original(options.original, token);
    ExecuteOptions stage_options = options;
    stage_options.original = original.provider();
    const ModelProvider provider = own.provider();
    stage(plan, {provider, stage_options, store}, results);
  };
  run(run_requests<ScoreRequest>, options.masked_token);
  run(run_requests<ChoiceRequest>, std::nullopt);
  run(run_requests<GradientRequest>, options.masked_token);
  run(run_requests<DivergenceRequest>, options.masked_token);
  run(run_requests<GenerationRequest>, std::nullopt);  // its prompts go without the token
  return results;
}

}  // namespace unlearn::eval
