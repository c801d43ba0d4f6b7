// The CUDA kernels against their CPU twins. Skipped where there is no GPU.
#include <gtest/gtest.h>

#include "test_gpu.h"
#include "unlearn/model/device_kernels.h"
#include "unlearn/scoring/token_logprob.h"
#include "unlearn/train/optimizer.h"

namespace unlearn::train {
namespace {

using namespace unlearn::kernels;  // NOLINT: every kernel is called here

class GpuKernelTest : public ::testing::TestWithParam<torch::Dtype> {
 protected:
  void SetUp() override {
    UNLEARN_NEEDS_GPU();
    torch::manual_seed(21);
    device_ = torch::Device(torch::kCUDA, 0);
    stream_ = model::current_stream(device_);
    library_ = cuda_library();
  }
  torch::Tensor random(torch::IntArrayRef sizes) const {
    return torch::randn(sizes).to(GetParam());
  }
  torch::Tensor on_gpu(const torch::Tensor& x) const { return x.to(device_); }
  DType dtype() const { return model::kernel_dtype(GetParam()); }
  void expect_close(const torch::Tensor& gpu, const torch::Tensor& twin) const {
    const double rounding = twin.scalar_type() == torch::kBFloat16 ? 1.0 / 128 : 1e-5;
    EXPECT_TRUE(gpu.cpu().to(torch::kDouble).allclose(twin.to(torch::kDouble), rounding, rounding))
        << (gpu.cpu() - twin).abs().max().item<double>();
  }

  torch::Device device_ = torch::kCPU;
  void* stream_ = nullptr;
  const CudaLibrary* library_ = nullptr;
};

TEST_P(GpuKernelTest, RowLogits) {
  for (const int64_t columns : {33, 1000, 49152}) {
    const torch::Tensor z = random({17, columns}) * 5, targets = torch::randint(0, columns, {17});
    const torch::Tensor g = torch::randn({17});
    const auto run = [&](torch::Device device) {
      torch::Tensor work = z.to(device).clone(), t = targets.to(device), gradient = g.to(device);
      torch::Tensor lse = torch::empty({17}, gradient.options()), picked = torch::empty_like(lse);
      const RowLogits args{work.data_ptr(),
                           dtype(),
                           t.const_data_ptr<int64_t>(),
                           lse.mutable_data_ptr<float>(),
                           picked.mutable_data_ptr<float>(),
                           gradient.const_data_ptr<float>(),
                           17,
                           columns};
      if (device.is_cpu()) {
        row_lse_cpu(args, 0, 17);
        row_dlogits_cpu(args, 0, 17);
      } else {
        EXPECT_EQ(library_->row_lse(&args, stream_), 0);
        EXPECT_EQ(library_->row_dlogits(&args, stream_), 0);
      }
      return std::vector<torch::Tensor>{lse, picked, work};
    };
    const auto gpu = run(device_), twin = run(torch::kCPU);
    for (size_t i = 0; i < gpu.size(); ++i) expect_close(gpu[i], twin[i]);
  }
}

// fp32 only, like the scoring code's logits.
TEST_P(GpuKernelTest, RowKl) {
  if (GetParam() != torch::kFloat32) GTEST_SKIP() << "fp32 only";
  for (const int64_t columns : {33, 1000, 49152}) {
    const torch::Tensor reference = random({17, columns}) * 5;
    const torch::Tensor z = random({17, columns}) * 5;
    z[0].copy_(reference[0] + 1e-3 * random({columns}));
    z[1].copy_(reference[1]);
    const auto run = [&](torch::Device device) {
      torch::Tensor work = z.to(device).clone(), other = reference.to(device);
      torch::Tensor value = torch::empty({17}, work.options()), without = torch::empty_like(value);
      RowKl args{.logits = work.mutable_data_ptr<float>(),
                 .reference = other.const_data_ptr<float>(),
                 .value = without.mutable_data_ptr<float>(),
                 .rows = 17,
                 .columns = columns};
      for (const bool with_gradient : {false, true}) {
        args.with_gradient = with_gradient;
        if (with_gradient) args.value = value.mutable_data_ptr<float>();
        if (device.is_cpu()) {
          row_kl_cpu(args, 0, 17);
        } else {
          EXPECT_EQ(library_->row_kl(&args, stream_), 0);
        }
      }
      return std::vector<torch::Tensor>{without, value, work};
    };
    const auto gpu = run(device_), twin = run(torch::kCPU);
    for (size_t i = 0; i < gpu.size(); ++i) expect_close(gpu[i], twin[i]);
  }
}

TEST_P(GpuKernelTest, RmsNorm) {
  for (const int64_t width : {64, 576, 4096, 8192}) {
    const int64_t rows = 37, parts = 8;
    const torch::Tensor x = random({rows, width}), addend = random({rows, width}),
                        weight = random({width}), gradient = random({rows, width});
    const auto run = [&](torch::Device device) {
      const torch::Tensor dx = x.to(device), da = addend.to(device), dw = weight.to(device),
                          dg = gradient.to(device);
      torch::Tensor sum = torch::empty_like(dx), out = torch::empty_like(dx),
                    x_gradient = torch::empty_like(dx);
      torch::Tensor scale = torch::empty({rows}, dx.options().dtype(torch::kFloat));
      torch::Tensor weight_parts = torch::empty({parts, width}, scale.options());
      RmsNorm args{.dtype = dtype(),
                   .rows = rows,
                   .width = width,
                   .epsilon = 1e-5F,
                   .x = dx.const_data_ptr(),
                   .weight = dw.const_data_ptr(),
                   .scale = scale.mutable_data_ptr<float>(),
                   .addend = da.const_data_ptr(),
                   .sum = sum.data_ptr(),
                   .out = out.data_ptr()};
      RmsNorm back = args;
      back.x = sum.const_data_ptr();
      back.gradient = dg.const_data_ptr();
      back.residual_gradient = da.const_data_ptr();
      back.x_gradient = x_gradient.data_ptr();
      back.weight_parts = weight_parts.mutable_data_ptr<float>();
      back.parts = parts;
      if (device.is_cpu()) {
        rms_norm_forward_cpu(args, 0, rows);
        rms_norm_backward_cpu(back, 0, parts);
      } else {
        EXPECT_EQ(library_->rms_norm_forward(&args, stream_), 0);
        EXPECT_EQ(library_->rms_norm_backward(&back, stream_), 0);
      }
      return std::vector<torch::Tensor>{sum, out, scale, x_gradient, weight_parts};
    };
    const auto gpu = run(device_), twin = run(torch::kCPU);
    for (size_t i = 0; i < gpu.size(); ++i) expect_close(gpu[i], twin[i]);
  }
}

TEST_P(GpuKernelTest, RotaryAndSwiglu) {
  const int64_t tokens = 65, heads = 3, dim = 80, half = 32;
  const torch::Tensor x = random({tokens, heads, dim}), gate = random({1001}), up = random({1001}),
                      gradient = random({1001});
  const torch::Tensor angles = torch::rand({tokens, half}) * 6;
  const auto run = [&](torch::Device device) {
    const torch::Tensor dx = x.to(device), cos = angles.cos().to(GetParam()).to(device),
                        sin = angles.sin().to(GetParam()).to(device), a = gate.to(device),
                        b = up.to(device), g = gradient.to(device);
    torch::Tensor out = torch::empty_like(dx), p = torch::empty_like(a), da = torch::empty_like(a),
                  db = torch::empty_like(a);
    const RotaryArgs rotary{dtype(),
                            dx.const_data_ptr(),
                            out.data_ptr(),
                            cos.const_data_ptr(),
                            sin.const_data_ptr(),
                            tokens,
                            heads,
                            dim,
                            half,
                            1.0F};
    const SwigluArgs swiglu{dtype(),
                            a.const_data_ptr(),
                            b.const_data_ptr(),
                            p.data_ptr(),
                            g.const_data_ptr(),
                            da.data_ptr(),
                            db.data_ptr(),
                            1001};
    if (device.is_cpu()) {
      rotary_cpu(rotary, 0, tokens);
      swiglu_forward_cpu(swiglu, 0, 1001);
      swiglu_backward_cpu(swiglu, 0, 1001);
    } else {
      EXPECT_EQ(library_->rotary(&rotary, stream_), 0);
      EXPECT_EQ(library_->swiglu_forward(&swiglu, stream_), 0);
      EXPECT_EQ(library_->swiglu_backward(&swiglu, stream_), 0);
    }
    return std::vector<torch::Tensor>{out, p, da, db};
  };
  const auto gpu = run(device_), twin = run(torch::kCPU);
  for (size_t i = 0; i < gpu.size(); ++i) expect_close(gpu[i], twin[i]);
}

TEST_P(GpuKernelTest, SumOfSquares) {
  const torch::Tensor a = random({100003}), b = random({17});
  const torch::Tensor da = on_gpu(a), db = on_gpu(b);
  const std::vector<NormTensor> tensors = {{da.const_data_ptr(), a.numel()},
                                           {db.const_data_ptr(), b.numel()}};
  const torch::Tensor table = model::to_device(tensors, device_);
  const model::DeviceWork work = model::work_table({a.numel(), b.numel()}, device_);
  torch::Tensor partial =
      torch::empty({work.table.blocks}, torch::dtype(torch::kDouble).device(device_));
  torch::Tensor result = torch::empty({1}, partial.options());
  EXPECT_EQ(library_->sum_squares(static_cast<const NormTensor*>(table.const_data_ptr()),
                                  &work.table, dtype(), partial.mutable_data_ptr<double>(),
                                  result.mutable_data_ptr<double>(), stream_),
            0);
  const double want = sum_squares_cpu({a.const_data_ptr(), a.numel()}, dtype(), 0, a.numel()) +
                      sum_squares_cpu({b.const_data_ptr(), b.numel()}, dtype(), 0, b.numel());
  EXPECT_NEAR(result.item<double>(), want, 1e-9 * want);
}

// Every mode of the optimizer: weights and state are the CPU's bits.
TEST_P(GpuKernelTest, AdamWIsBitEqual) {
  for (const Master master : {Master::kSplit, Master::kStochastic, Master::kRounded}) {
    for (const int64_t bits : {32, 16, 8}) {
      const AdamWOptions options{.master = master, .state_bits = bits, .seed = 3};
      const torch::Tensor start = random({70001}), small = random({9});
      const auto run = [&](torch::Device device) {
        torch::manual_seed(5);
        NamedTensors parameters;
        for (const auto& [name, value] : {std::pair{"w", start}, std::pair{"b", small}}) {
          parameters.emplace_back(name, value.to(device).clone().set_requires_grad(true));
        }
        AdamW optimizer(parameters, options, [](const std::string& name) { return name == "w"; });
        for (int i = 0; i < 5; ++i) {
          for (auto& [name, tensor] : parameters) {
            tensor.mutable_grad() = random(tensor.sizes()).to(device);
          }
          optimizer.step(1e-3, 0.9);
        }
        NamedTensors result = optimizer.state();
        result.insert(result.end(), parameters.begin(), parameters.end());
        return result;
      };
      const NamedTensors gpu = run(device_), twin = run(torch::kCPU);
      for (size_t i = 0; i < gpu.size(); ++i) {
        EXPECT_TRUE(gpu[i].second.detach().cpu().equal(twin[i].second.detach()))
            << gpu[i].first << ", " << bits << " bits";
      }
    }
  }
}

// The scoring functions with our kernels on the device, against fp64 on the CPU.
TEST_P(GpuKernelTest, ScoringAndItsGradients) {
  const int64_t rows = 70, width = 64, vocabulary = 1111;
  const torch::Tensor hidden = random({rows, width}), weight = random({vocabulary, width}) * 0.3,
                      before = random({rows, width}), g = torch::randn({rows}),
                      targets = torch::randint(0, vocabulary, {rows}), old = weight * 0.9;
  // Everything kept; a part kept; nothing kept, in chunks.
  const int64_t row_bytes = vocabulary * 4;
  for (const int64_t kept : {rows, rows / 2, int64_t{0}}) {
    const scoring::LogitsOptions options{9 * row_bytes, kept * row_bytes};
    const auto run = [&](torch::Device device, torch::Dtype dtype) {
      const auto leaf = [&](const torch::Tensor& x) {
        return x.to(device, dtype).clone().set_requires_grad(true);
      };
      const torch::Tensor h = leaf(hidden), w = leaf(weight);
      const model::Head head{.weight = w, .bias = {}};
      const torch::Tensor logp = scoring::token_logprob(h, head, targets.to(device), options);
      scoring::RowRequest kl;
      kl.function = scoring::RowFunction::kForwardKl;
      const torch::Tensor divergence = scoring::row_values(
          kl, h, head,
          {before.to(device, dtype), {.weight = old.to(device, dtype), .bias = {}}, {}}, options);
      const torch::Tensor weights = g.to(device, logp.scalar_type());
      ((logp + divergence) * weights).sum().backward();
      return std::vector<torch::Tensor>{logp.detach(), divergence.detach(), h.grad(), w.grad()};
    };
    const auto gpu = run(device_, GetParam()), oracle = run(torch::kCPU, torch::kFloat64);
    const double bound = GetParam() == torch::kBFloat16 ? 1e-2 : 1e-5;
    for (size_t i = 0; i < gpu.size(); ++i) {
      const torch::Tensor got = gpu[i].cpu().to(torch::kDouble);
      EXPECT_LT((got - oracle[i]).norm().item<double>(), bound * oracle[i].norm().item<double>())
          << i << ", " << kept << " rows kept";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, GpuKernelTest,
                         ::testing::Values(torch::kFloat32, torch::kBFloat16));

}  // namespace
}  // namespace unlearn::train
