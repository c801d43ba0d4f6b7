// Sampling (arXiv 2511.04934): asked k times instead of once, greedily, does one answer leak?
#include "unlearn/attacks/attack.h"
#include "unlearn/core/strings.h"

namespace unlearn::attacks {
namespace {

constexpr int64_t kQuickSamples = 8;

class Sample : public Attack {
 public:
  void visit(config::FieldVisitor& v) override {
    v.field("samples", samples_, {.help = "answers per question", .min = 2});
    v.field("temperature", temperature_,
            {.help = "of the answers", .min = 0, .exclusive_min = true});
    v.field("top_p", top_p_, {.help = "nucleus", .min = 0, .max = 1, .exclusive_min = true});
    v.field("threshold", threshold_,
            {.help = "ROUGE-L recall from which on an answer leaks", .min = 0, .max = 1});
  }

  std::vector<AttackedModel> attack(const Material& material) const override {
    AttackedModel way{.id = cat("sample-t", number(temperature_, 4), "-p", number(top_p_, 4))};
    if (material.questions == nullptr) {
      way.missing = "questions with answers";
      return {way};
    }
    Decoding decoding{material.quick ? std::min(samples_, kQuickSamples) : samples_,
                      temperature_,
                      top_p_,
                      {},
                      threshold_};
    for (int64_t k = 1; k < decoding.samples; k *= 2) decoding.ks.push_back(k);
    decoding.ks.push_back(decoding.samples);
    way.settings = {{"samples", decoding.samples},
                    {"temperature", temperature_},
                    {"top_p", top_p_},
                    {"k", decoding.ks},
                    {"threshold", threshold_},
                    {"core", "ROUGE-L recall"}};
    way.decoding = decoding;
    return {way};
  }

 private:
  int64_t samples_ = 16;
  double temperature_ = 1, top_p_ = 1, threshold_ = 0.5;
};

}  // namespace

RegisteredAttack attack_sample() {
  return {"sample", "decoding", "several sampled answers instead of one greedy one (leak@k)",
          "arXiv 2511.04934",
          []() -> std::unique_ptr<Attack> { return std::make_unique<Sample>(); }};
}

}  // namespace unlearn::attacks
