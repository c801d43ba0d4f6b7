// Pruning: the share p of smallest magnitude of every matrix becomes zero.
#include "attacks/matrices.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::attacks {
namespace {

// Of equal magnitudes the first elements go.
void prune_matrix(torch::Tensor& matrix, double share) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor magnitudes = matrix.to(torch::kFloat).abs().view(-1);
  const auto count = static_cast<int64_t>(share * static_cast<double>(magnitudes.numel()));
  if (count == 0) return;
  const torch::Tensor limit = std::get<0>(magnitudes.kthvalue(count));
  torch::Tensor goes = magnitudes < limit;
  const torch::Tensor at_limit = (magnitudes == limit).nonzero().view(-1);
  goes.index_fill_(0, at_limit.narrow(0, 0, count - goes.sum().item<int64_t>()), true);
  matrix.masked_fill_(goes.view_as(matrix), 0);
}

class Prune : public Attack {
 public:
  void visit(config::FieldVisitor& v) override {
    v.field("shares", shares_, {.help = "shares of a matrix that become zero"});
  }

  std::vector<AttackedModel> attack(const Material& material) const override {
    std::vector<AttackedModel> ways;
    for (const double share : numbers_of(shares_, "audit.prune.shares")) {
      if (share >= 1) user_error("audit.prune.shares: ", share, " leaves nothing; use 0 to 1");
      AttackedModel& way = ways.emplace_back(AttackedModel{.id = cat("prune-", number(share, 4))});
      way.settings = {{"share", share}, {"matrices", "all"}};
      way.change_weights = [share](Subject& subject) {
        for (torch::Tensor& matrix : matrices_of(subject.model)) prune_matrix(matrix, share);
        subject.measure(0, /*is_result=*/true);
      };
      if (material.quick) break;
    }
    return ways;
  }

 private:
  std::vector<std::string> shares_ = {"0.1", "0.3", "0.5"};
};

}  // namespace

RegisteredAttack attack_prune() {
  return {"prune", "weights", "the smallest weights of every matrix become zero", "own protocol",
          []() -> std::unique_ptr<Attack> { return std::make_unique<Prune>(); }};
}

}  // namespace unlearn::attacks
