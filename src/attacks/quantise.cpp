// Quantisation (arXiv 2410.16454): the weights of linear layers as a copy of few bits computes with
// them. Weights only; activations stay.
#include "unlearn/attacks/attack.h"
#include "unlearn/core/strings.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::attacks {
namespace {

class Quantise : public Attack {
 public:
  void visit(config::FieldVisitor& v) override {
    v.field("formats", formats_,
            {.help = cat("all, or some of ", join(model::weight_format_names(), ", "))});
  }

  std::vector<AttackedModel> attack(const Material& material) const override {
    std::vector<AttackedModel> ways;
    const bool all = formats_ == std::vector<std::string>{"all"};
    for (const std::string& name : all ? model::weight_format_names() : formats_) {
      const model::WeightFormat& format = model::weight_format(name, "audit.quantise.formats");
      if (material.quick && all && format.bits > 4) continue;
      AttackedModel& way = ways.emplace_back(AttackedModel{.id = "quantise-" + name});
      way.settings = {{"format", name},
                      {"bits", format.bits},
                      {"layers", "linear, without head"},
                      {"activations", "as they are"}};
      way.change_weights = [&format](Subject& subject) {
        model::round_weights(subject.model, format);
        subject.measure(0, /*is_result=*/true);
      };
    }
    return ways;
  }

 private:
  std::vector<std::string> formats_ = {"all"};
};

}  // namespace

RegisteredAttack attack_quantise() {
  return {"quantise", "weights", "weights rounded to few bits", "arXiv 2410.16454",
          []() -> std::unique_ptr<Attack> { return std::make_unique<Quantise>(); }};
}

}  // namespace unlearn::attacks
