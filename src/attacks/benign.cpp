// Benign fine-tuning (arXiv 2510.07626): training on text that has nothing to do with what was to
// be forgotten, as a user of the model might, brings knowledge back that was only covered.
#include <algorithm>

#include "attacks/fine_tune.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/examples.h"

namespace unlearn::attacks {
namespace {

class Benign : public Attack {
 public:
  void visit(config::FieldVisitor& v) override {
    v.field("forms", benign_forms_, {.help = "full (all parameters), lora"});
    v.field("steps", steps_, {.help = "optimizer steps", .min = 1});
    v.field("points", points_, {.help = "measurements on the way", .min = 1});
    v.field("batch_size", batch_size_, {.help = "chunks of text per step", .min = 1});
    v.field("chunk", chunk_, {.help = "tokens of a chunk", .min = 8});
    v.field("lr", lr_,
            {.help = "learning rate; auto: the unlearning run's", .min = 0, .unset_word = "auto"});
    v.field("seeds", seeds_, {.help = "orders of the chunks", .min = 1});
  }

  std::vector<AttackedModel> attack(const Material& material) const override {
    std::vector<AttackedModel> ways;
    for (const std::string& form : benign_forms_) {
      if (form != "full" && form != "lora") {
        user_error("audit.benign.forms: '", form, "' is none of full, lora");
      }
      if (material.quick && form != benign_forms_.front()) continue;
      ways.push_back(way(material, form == "lora"));
    }
    return ways;
  }

 private:
  AttackedModel way(const Material& material, bool lora) const {
    AttackedModel result{.id = lora ? "benign-lora" : "benign-full"};
    if (material.benign_text.empty()) {
      result.missing = "unrelated text (audit.benign_text)";
      return result;
    }
    FineTuning tuning;
    const int64_t chunk = material.context > 0 ? std::min(chunk_, material.context) : chunk_;
    tuning.rows = data::chunk_text(*material.tokenizer, material.benign_text, chunk);
    tuning.batch_size = std::min(batch_size_, static_cast<int64_t>(tuning.rows.size()));
    tuning.steps = material.quick ? std::min<int64_t>(steps_, 20) : steps_;
    tuning.measure_every = std::max<int64_t>(1, tuning.steps / (material.quick ? 1 : points_));
    tuning.lr = lr_.value_or(material.lr);
    tuning.lora = lora;
    result.settings = tuning.settings();
    result.seeds = material.quick ? 1 : seeds_;
    result.passes = tuning.passes();
    result.points = tuning.points();
    result.change_weights = [tuning](Subject& subject) { fine_tune(tuning, subject); };
    return result;
  }

  std::vector<std::string> benign_forms_ = {"full", "lora"};
  int64_t steps_ = 60, points_ = 3, batch_size_ = 4, chunk_ = 128, seeds_ = 1;
  std::optional<double> lr_;
};

}  // namespace

RegisteredAttack attack_benign() {
  return {"benign", "weights", "fine-tuning on unrelated text", "arXiv 2510.07626",
          []() -> std::unique_ptr<Attack> { return std::make_unique<Benign>(); }};
}

}  // namespace unlearn::attacks
