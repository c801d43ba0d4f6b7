#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "unlearn/core/error.h"
#include "unlearn/runtime/device.h"
#include "unlearn/runtime/fused.h"

namespace unlearn::model {
namespace {

using checkpoint::HfConfig;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

torch::Tensor wavelengths(double theta, int64_t dim) {
  return torch::pow(theta, torch::arange(0, dim, 2, torch::kFloat32) / dim);
}

torch::Tensor default_frequencies(double theta, int64_t dim) {
  return 1.0 / wavelengths(theta, dim);
}

// Llama 3.1: long wavelengths divided by factor, short ones kept, a ramp between.
torch::Tensor llama3_frequencies(const HfConfig& rope, const torch::Tensor& plain,
                                 int64_t max_positions) {
  const double factor = rope.number("factor");
  const double low = rope.number("low_freq_factor");
  const double high = rope.number("high_freq_factor");
  if (!(factor > 0)) rope.refuse("factor", "must be above 0");
  if (!(low > 0)) rope.refuse("low_freq_factor", "must be above 0");
  if (!(high > low)) rope.refuse("high_freq_factor", "must be above low_freq_factor");
  const auto context = static_cast<double>(
      rope.size_or("original_max_position_embeddings", max_positions, INT32_MAX));
  const torch::Tensor wavelength = 2 * std::numbers::pi / plain;
  const torch::Tensor smooth = (context / wavelength - low) / (high - low);
  const torch::Tensor ramp = (1 - smooth) * plain / factor + smooth * plain;
  const torch::Tensor is_long = wavelength > context / low;
  const torch::Tensor is_short = wavelength < context / high;
  return torch::where(is_long, plain / factor, torch::where(is_short, plain, ramp));
}

// YaRN (arXiv 2309.00071): the factor on cos and sin.
double yarn_amplitude(const HfConfig& rope, double factor) {
  const auto scale = [&](double m) { return factor <= 1 ? 1.0 : 0.1 * m * std::log(factor) + 1.0; };
  if (rope.has("attention_factor")) return rope.number("attention_factor");
  const double mscale = rope.number_or("mscale", 0.0);
  const double mscale_all = rope.number_or("mscale_all_dim", 0.0);
  return mscale != 0.0 && mscale_all != 0.0 ? scale(mscale) / scale(mscale_all) : scale(1.0);
}

torch::Tensor yarn_frequencies(const HfConfig& rope, const torch::Tensor& plain, int64_t dim,
                               int64_t max_positions) {
  const double factor = rope.number("factor");
  if (!(factor > 0)) rope.refuse("factor", "must be above 0");
  const double theta = rope.number("rope_theta");
  const auto context = static_cast<double>(
      rope.size_or("original_max_position_embeddings", max_positions, INT32_MAX));
  const auto dimension_of = [&](double rotations) {
    return static_cast<double>(dim) * std::log(context / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(theta));
  };
  double low = dimension_of(rope.number_or("beta_fast", 32.0));
  double high = dimension_of(rope.number_or("beta_slow", 1.0));
  if (rope.boolean_or("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high) high += 0.001;
  const torch::Tensor ramp =
      ((torch::arange(dim / 2, torch::kFloat32) - low) / (high - low)).clamp(0, 1);
  return plain / factor * ramp + plain * (1 - ramp);
}

// Rotation by `sign` times the table's angle; the gradient is the rotation back.
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin,
                     double sign) {
  if (const auto fused = runtime::fused_rotary(x, cos, sin, sign)) return *fused;
  const int64_t half = cos.size(-1);
  torch::Tensor out = torch::empty(x.sizes(), x.options());
  const torch::Tensor x1 = x.narrow(-1, 0, half);
  const torch::Tensor x2 = x.narrow(-1, half, half);
  torch::Tensor out1 = out.narrow(-1, 0, half);
  torch::Tensor out2 = out.narrow(-1, half, half);
  torch::mul_out(out1, x1, cos).addcmul_(x2, sin, -sign);
  torch::mul_out(out2, x2, cos).addcmul_(x1, sin, sign);
  const int64_t rest = x.size(-1) - 2 * half;
  if (rest > 0) out.narrow(-1, 2 * half, rest).copy_(x.narrow(-1, 2 * half, rest));
  return out;
}

class RopeFunction : public torch::autograd::Function<RopeFunction> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& cos, const torch::Tensor& sin) {
    context->save_for_backward({cos, sin});
    return rotate(x, cos, sin, 1.0);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    return {rotate(gradients[0], saved[0], saved[1], -1.0), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

Rope::Rope(const HfConfig& rope, int64_t max_positions, int64_t head_dim)
    : theta_(rope.number("rope_theta")), max_positions_(max_positions) {
  if (!(theta_ > 1)) rope.refuse("rope_theta", "must be above 1");
  const double share = rope.number_or("partial_rotary_factor", 1.0);
  rotated_ = static_cast<int64_t>(static_cast<double>(head_dim) * share);
  if (!(share > 0) || share > 1 || rotated_ < 2 || rotated_ % 2 != 0) {
    rope.refuse("partial_rotary_factor", "must rotate an even number of a head's ", head_dim,
                " elements");
  }
  frequencies_ = default_frequencies(theta_, rotated_);
  const std::string type = rope.text_or("rope_type", "default");
  if (type == "linear") {
    factor_ = rope.number("factor");
    if (!(factor_ > 0)) rope.refuse("factor", "must be above 0");
    frequencies_ = frequencies_ / factor_;
  } else if (type == "dynamic") {
    factor_ = rope.number("factor");
    if (!(factor_ >= 1)) rope.refuse("factor", "must be at least 1");
    if (rotated_ == 2) rope.refuse("rope_type", "dynamic needs more than 2 rotated elements");
    is_dynamic_ = true;
  } else if (type == "llama3") {
    frequencies_ = llama3_frequencies(rope, frequencies_, max_positions_);
  } else if (type == "yarn") {
    frequencies_ = yarn_frequencies(rope, frequencies_, rotated_, max_positions_);
    amplitude_ = yarn_amplitude(rope, rope.number("factor"));
  } else if (type == "longrope" || type == "su") {
    read_longrope(rope);
  } else if (type != "default") {
    rope.refuse("rope_type", "'", type,
                "' is not supported (default, linear, dynamic, llama3, yarn and longrope are)");
  }
}

// LongRoPE (arXiv 2402.13753): one divisor per frequency, others beyond the trained length.
void Rope::read_longrope(const HfConfig& rope) {
  short_positions_ = rope.size_or("original_max_position_embeddings", max_positions_, INT32_MAX);
  const auto scaled = [&](const char* key) {
    const std::vector<double> divisors = rope.numbers(key);
    if (static_cast<int64_t>(divisors.size()) != rotated_ / 2) {
      rope.refuse(key, "must hold ", rotated_ / 2, " numbers, not ", divisors.size());
    }
    for (const double divisor : divisors) {
      if (!(divisor > 0)) rope.refuse(key, "must hold numbers above 0, not ", divisor);
    }
    return 1.0 / (torch::tensor(divisors, torch::kFloat32) * wavelengths(theta_, rotated_));
  };
  frequencies_ = scaled("short_factor");
  long_frequencies_ = scaled("long_factor");
  const auto context = static_cast<double>(short_positions_);
  const double factor = rope.number_or("factor", static_cast<double>(max_positions_) / context);
  amplitude_ = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(context));
  amplitude_ = rope.number_or("attention_factor", amplitude_);
}

torch::Tensor Rope::dynamic_frequencies(int64_t length) const {
  const auto dim = static_cast<double>(rotated_);
  const double stretch =
      factor_ * static_cast<double>(length) / static_cast<double>(max_positions_) - (factor_ - 1);
  return default_frequencies(theta_ * std::pow(stretch, dim / (dim - 2)), rotated_);
}

torch::Tensor Rope::own_frequencies(int64_t length) const {
  if (is_dynamic_ && length > max_positions_) return dynamic_frequencies(length);
  if (!long_frequencies_.defined() || length <= short_positions_) return {};
  return long_frequencies_;
}

RopeTable Rope::table(const torch::Tensor& positions, const std::vector<int64_t>& offsets,
                      const std::vector<int64_t>& lengths, torch::Dtype dtype) const {
  const torch::NoGradGuard no_grad;
  const torch::Device device = positions.device();
  const torch::Tensor places = positions.to(torch::kFloat32).unsqueeze(1);  // [T, 1]
  torch::Tensor angles =
      places * runtime::upload(frequencies_, device).unsqueeze(0);  // [T, rotated / 2]
  const bool has_own = is_dynamic_ || long_frequencies_.defined();
  for (size_t i = 0; has_own && i < lengths.size(); ++i) {
    const torch::Tensor own = own_frequencies(lengths[i]);
    if (!own.defined()) continue;
    angles.slice(0, offsets[i], offsets[i + 1]) =
        places.slice(0, offsets[i], offsets[i + 1]) * runtime::upload(own, device).unsqueeze(0);
  }
  return {(angles.cos() * amplitude_).to(dtype).unsqueeze(1),
          (angles.sin() * amplitude_).to(dtype).unsqueeze(1)};
}

torch::Tensor apply_rope(const torch::Tensor& x, const RopeTable& table) {
  if (!table.cos.defined()) return x;
  return RopeFunction::apply(x, table.cos, table.sin);
}

}  // namespace unlearn::model
