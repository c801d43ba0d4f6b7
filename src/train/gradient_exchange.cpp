#include "train/gradient_exchange.h"

namespace unlearn::train {
namespace {

// An exchange costs tens of microseconds beside its bytes, so small tensors share one.
constexpr int64_t kParcelElements = int64_t{1} << 20;

torch::Tensor elements(const torch::Tensor& whole, const Piece& piece) {
  return whole.view({-1}).narrow(0, piece.begin, piece.size);
}

}  // namespace

GradientExchange::GradientExchange(AdamW& optimizer, const distributed::Group& group)
    : optimizer_(optimizer), group_(group) {}

void GradientExchange::start() const {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : optimizer_.parameters()) {
    group_.broadcast(parameter.detach(), 0);
  }
}

std::vector<GradientExchange::Parcel> GradientExchange::parcels() const {
  std::vector<Parcel> result;
  int64_t elements = 0;
  for (const Piece& piece : optimizer_.pieces()) {
    const auto& parameters = optimizer_.parameters();
    const bool fits = !result.empty() && result.back().back().part == piece.part &&
                      elements + piece.size <= kParcelElements &&
                      parameters[result.back().back().parameter].second.scalar_type() ==
                          parameters[piece.parameter].second.scalar_type();
    if (!fits) {
      result.emplace_back();
      elements = 0;
    }
    result.back().push_back(piece);
    elements += piece.size;
  }
  return result;
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
  for (const Parcel& parcel : parcels()) {
    std::vector<torch::Tensor> parts;
    for (const Piece& piece : parcel) {
      const torch::Tensor& gradient = gradients[piece.parameter];
      if (gradient.defined()) parts.push_back(elements(gradient, piece));
    }
    if (parts.empty()) continue;
    if (parts.size() == 1) {
      group_.reduce(parts.front(), parcel.front().part);
      continue;
    }
    torch::Tensor together = at::cat(parts);
    group_.reduce(together, parcel.front().part);
    if (parcel.front().part != group_.rank()) continue;
    int64_t offset = 0;
    for (torch::Tensor& part : parts) {
      part.copy_(together.narrow(0, offset, part.numel()));
      offset += part.numel();
    }
  }
}

void GradientExchange::share_weights() const {
  const torch::NoGradGuard no_grad;
  for (const Parcel& parcel : parcels()) {
    std::vector<torch::Tensor> parts;
    for (const Piece& piece : parcel) {
      parts.push_back(elements(optimizer_.parameters()[piece.parameter].second.detach(), piece));
    }
    if (parts.size() == 1) {
      group_.broadcast(parts.front(), parcel.front().part);
      continue;
    }
    torch::Tensor together = at::cat(parts);
    group_.broadcast(together, parcel.front().part);
    if (parcel.front().part == group_.rank()) continue;
    int64_t offset = 0;
    for (torch::Tensor& part : parts) {
      part.copy_(together.narrow(0, offset, part.numel()));
      offset += part.numel();
    }
  }
}

}  // namespace unlearn::train
