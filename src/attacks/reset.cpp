// Reset: the last blocks, or the head, are those of the original model again. What comes back lay
// in the blocks below all the time.
#include <algorithm>
#include <charconv>

#include "attacks/matrices.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::attacks {
namespace {

constexpr const char* kNeedsOriginal =
    "the model before unlearning, of the same sizes (--original)";

// The block that a parameter belongs to ("model.layers.3.mlp.up_proj.weight": 3); -1: none.
int64_t block_of(const std::string& parameter) {
  for (const std::string& part : split(parameter, '.')) {
    int64_t block = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), block);
    if (error == std::errc() && end == part.data() + part.size()) return block;
  }
  return -1;
}

void reset_where(Subject& subject, const std::function<bool(const std::string&)>& is_reset) {
  const torch::NoGradGuard no_grad;
  for (auto& entry : subject.model.named_parameters()) {
    if (!is_reset(entry.key())) continue;
    const torch::Tensor original = subject.original(entry.key());
    if (original.sizes() != entry.value().sizes()) {
      user_error("--original: '", entry.key(), "' has other sizes than in the audited model");
    }
    entry.value().copy_(original);
  }
  subject.measure(0, /*is_result=*/true);
}

class Reset : public Attack {
 public:
  void visit(config::FieldVisitor& v) override {
    v.field("blocks", blocks_, {.help = "how many of the last blocks are reset"});
    v.field("head", head_, {.help = "reset the head, where it is no embedding, as well"});
  }

  std::vector<AttackedModel> attack(const Material& material) const override {
    std::vector<AttackedModel> ways;
    for (const double number_of_blocks : numbers_of(blocks_, "audit.reset.blocks")) {
      const auto blocks = static_cast<int64_t>(number_of_blocks);
      if (static_cast<double>(blocks) != number_of_blocks) {
        user_error("audit.reset.blocks: ", number_of_blocks, " is no number of blocks");
      }
      const int64_t first = material.num_layers - blocks;
      if (first <= 0) continue;  // all of them: the original model
      AttackedModel& way = ways.emplace_back(AttackedModel{.id = cat("reset-last-", blocks)});
      way.settings = {{"blocks", blocks}, {"from", "original"}};
      if (!material.has_original) way.missing = kNeedsOriginal;
      way.change_weights = [first](Subject& subject) {
        reset_where(subject, [first](const std::string& name) { return block_of(name) >= first; });
      };
      if (material.quick) return ways;
    }
    if (head_) ways.push_back(head_way(material));
    return ways;
  }

 private:
  static AttackedModel head_way(const Material& material) {
    AttackedModel way{.id = "reset-head"};
    way.settings = {{"head", true}, {"from", "original"}};
    if (!material.has_original) way.missing = kNeedsOriginal;
    if (material.tied_embeddings) way.missing = "a head of its own: it is the embedding";
    way.change_weights = [](Subject& subject) {
      const torch::Tensor head = subject.model.head().weight;
      std::string head_name;
      for (const auto& entry : subject.model.named_parameters()) {
        if (entry.value().is_same(head)) head_name = entry.key();
      }
      reset_where(subject, [&](const std::string& name) { return name == head_name; });
    };
    return way;
  }

  std::vector<std::string> blocks_ = {"1", "2"};
  bool head_ = true;
};

}  // namespace

RegisteredAttack attack_reset() {
  return {"reset", "weights", "the last blocks, or the head, of the model before unlearning",
          "own protocol", []() -> std::unique_ptr<Attack> { return std::make_unique<Reset>(); }};
}

}  // namespace unlearn::attacks
