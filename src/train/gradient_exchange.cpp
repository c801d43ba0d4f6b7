#include "train/gradient_exchange.h"

namespace unlearn::train {
namespace {

// An exchange costs tens of microseconds beside its bytes, so small tensors share one.
constexpr int64_t kParcelElements = int64_t{1} << 20;

torch::Tensor elements(const torch::Tensor& whole, const Piece& piece) {
  return whole.view({-1}).narrow(0, piece.begin, piece.size);
}

// Exchanges tensors as one; `receives` says whether this process wants what comes of it.
template <class Exchange>
void travel(const std::vector<torch::Tensor>& parts, bool receives, const Exchange& exchange) {
  if (parts.empty()) return;
  if (parts.size() == 1) return exchange(parts.front());
  const torch::Tensor together = at::cat(parts);
  exchange(together);
  if (!receives) return;
  int64_t offset = 0;
  for (const torch::Tensor& part : parts) {
    part.copy_(together.narrow(0, offset, part.numel()));
    offset += part.numel();
  }
}

}  // namespace

GradientExchange::GradientExchange(AdamW& optimizer, const distributed::Group& group)
    : optimizer_(optimizer), group_(group) {
  const NamedTensors& parameters = optimizer_.parameters();
  int64_t size = 0;
  for (const Piece& piece : optimizer_.pieces()) {
    const bool fits = !parcels_.empty() && parcels_.back().back().part == piece.part &&
                      size + piece.size <= kParcelElements &&
                      parameters[parcels_.back().back().parameter].second.scalar_type() ==
                          parameters[piece.parameter].second.scalar_type();
    if (!fits) {
      parcels_.emplace_back();
      size = 0;
    }
    parcels_.back().push_back(piece);
    size += piece.size;
  }
}

void GradientExchange::start() const {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : optimizer_.parameters()) {
    group_.broadcast(parameter.detach(), 0);
  }
}

void GradientExchange::sum_gradients() const {
  const torch::NoGradGuard no_grad;
  // A parameter that another process's examples reached needs a gradient here too.
  std::vector<double> reached;
  for (const auto& [name, parameter] : optimizer_.parameters()) {
    reached.push_back(parameter.grad().defined() ? 1 : 0);
  }
  reached = group_.sum(reached);
  std::vector<torch::Tensor> gradients;
  for (size_t i = 0; i < reached.size(); ++i) {
    const torch::Tensor& parameter = optimizer_.parameters()[i].second;
    torch::Tensor gradient = dense_gradient(parameter);
    if (!gradient.defined() && reached[i] > 0) gradient = torch::zeros_like(parameter);
    gradients.push_back(gradient);
    parameter.mutable_grad() = gradient;
  }
  for (const Parcel& parcel : parcels_) {
    const int64_t owner = parcel.front().part;
    std::vector<torch::Tensor> parts;
    for (const Piece& piece : parcel) {
      const torch::Tensor& gradient = gradients[piece.parameter];
      if (gradient.defined()) parts.push_back(elements(gradient, piece));
    }
    travel(parts, owner == group_.rank(),
           [&](const torch::Tensor& tensor) { group_.reduce(tensor, owner); });
  }
}

void GradientExchange::share_weights() const {
  const torch::NoGradGuard no_grad;
  for (const Parcel& parcel : parcels_) {
    const int64_t owner = parcel.front().part;
    std::vector<torch::Tensor> parts;
    for (const Piece& piece : parcel) {
      parts.push_back(elements(optimizer_.parameters()[piece.parameter].second.detach(), piece));
    }
    travel(parts, owner != group_.rank(),
           [&](const torch::Tensor& tensor) { group_.broadcast(tensor, owner); });
  }
}

}  // namespace unlearn::train
