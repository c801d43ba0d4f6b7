// The CUDA kernels against their CPU twins: on a GPU, and everywhere in emulation
// (emulation/cuda_runtime.h), which runs the same source.
#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "unlearn/kernels/cuda_library.h"

namespace unlearn::kernels {
namespace {

using torch::Tensor;

enum class Where { kEmulated, kGpu };

CudaLibrary emulated_library() {
  return {.adamw = unlearn_cuda_adamw,
          .sum_squares = unlearn_cuda_sum_squares,
          .row_lse = unlearn_cuda_row_lse,
          .row_dlogits = unlearn_cuda_row_dlogits,
          .row_kl = unlearn_cuda_row_kl,
          .rms_norm_forward = unlearn_cuda_rms_norm_forward,
          .rms_norm_backward = unlearn_cuda_rms_norm_backward,
          .rotary = unlearn_cuda_rotary,
          .swiglu_forward = unlearn_cuda_swiglu_forward,
          .swiglu_backward = unlearn_cuda_swiglu_backward,
          .dropout = unlearn_cuda_dropout,
          .unpack = unlearn_cuda_unpack,
          .error = unlearn_cuda_error};
}

class CudaKernelTest : public ::testing::TestWithParam<std::tuple<Where, torch::Dtype>> {
 protected:
  // A run of a kernel (null: of its twin) on tensors of `device`; returns what it wrote.
  using Run = std::function<std::vector<Tensor>(const CudaLibrary* library, torch::Device device)>;

  void SetUp() override {
    torch::manual_seed(21);
    library_ = emulated_library();
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    const bool has_fp64 = test.starts_with("SumOfSquares") || test.starts_with("AdamW");
    if (dtype() == DType::kFloat64 && !has_fp64) GTEST_SKIP() << "no kernel for fp64";
    if (std::get<Where>(GetParam()) == Where::kEmulated) return;
    if (const std::string missing = load_cuda(); !missing.empty()) GTEST_SKIP() << missing;
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device here";
    device_ = torch::Device(torch::kCUDA, 0);
    library_ = *cuda_library();
  }
  torch::Dtype torch_dtype() const { return std::get<torch::Dtype>(GetParam()); }
  DType dtype() const {
    return torch_dtype() == torch::kBFloat16  ? DType::kBfloat16
           : torch_dtype() == torch::kFloat64 ? DType::kFloat64
                                              : DType::kFloat32;
  }
  Tensor random(torch::IntArrayRef sizes) const { return torch::randn(sizes).to(torch_dtype()); }

  void expect_close(const Run& run) const {
    const auto [got, twins] = both(run);
    for (size_t i = 0; i < got.size(); ++i) {
      const double rounding = twins[i].scalar_type() == torch::kBFloat16 ? 1.0 / 128 : 1e-5;
      EXPECT_TRUE(
          got[i].to(torch::kDouble).allclose(twins[i].to(torch::kDouble), rounding, rounding))
          << i << ": " << (got[i] - twins[i]).abs().max().item<double>();
    }
  }
  void expect_same_bits(const Run& run, const std::string& what) const {
    const auto [got, twins] = both(run);
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_TRUE(got[i].equal(twins[i])) << what << ", " << i;
  }

 private:
  std::pair<std::vector<Tensor>, std::vector<Tensor>> both(const Run& run) const {
    std::vector<Tensor> got = run(&library_, device_);
    for (Tensor& tensor : got) tensor = tensor.cpu();
    return {got, run(nullptr, torch::kCPU)};
  }

  torch::Device device_ = torch::kCPU;
  CudaLibrary library_;
};

// An array of plain structs as a byte tensor on the device.
template <class T>
Tensor array_on(torch::Device device, const std::vector<T>& items) {
  const auto bytes = static_cast<int64_t>(items.size() * sizeof(T));
  return torch::from_blob(const_cast<T*>(items.data()), {bytes}, torch::kUInt8)
      .to(device, /*non_blocking=*/false, /*copy=*/true);
}

struct Work {
  Tensor first;
  WorkTable table;
};
Work work_on(torch::Device device, const std::vector<int64_t>& sizes) {
  std::vector<int64_t> first = {0};
  for (const int64_t size : sizes) {
    first.push_back(first.back() + (size + kWorkChunk - 1) / kWorkChunk);
  }
  Work work{array_on(device, first), {}};
  work.table = {static_cast<const int64_t*>(work.first.const_data_ptr()),
                static_cast<int64_t>(sizes.size()), first.back()};
  return work;
}

float* floats(const Tensor& tensor) { return static_cast<float*>(tensor.data_ptr()); }

TEST_P(CudaKernelTest, RowLogits) {
  for (const int64_t columns : {33, 1000, 49152}) {
    const int64_t rows = 7;
    const Tensor z = random({rows, columns}) * 5;
    const Tensor targets = torch::randint(0, columns, {rows}), gradient = torch::randn({rows});
    expect_close([&](const CudaLibrary* library, torch::Device device) {
      const Tensor work = z.to(device).clone(), t = targets.to(device), g = gradient.to(device);
      const Tensor lse = torch::empty_like(g), picked = torch::empty_like(g);
      const RowLogits args{work.data_ptr(),
                           dtype(),
                           t.const_data_ptr<int64_t>(),
                           floats(lse),
                           floats(picked),
                           floats(g),
                           rows,
                           columns};
      if (library == nullptr) {
        row_lse_cpu(args, 0, rows);
        row_dlogits_cpu(args, 0, rows);
      } else {
        EXPECT_EQ(library->row_lse(&args, nullptr), 0);
        EXPECT_EQ(library->row_dlogits(&args, nullptr), 0);
      }
      return std::vector<Tensor>{lse, picked, work};
    });
  }
}

// fp32 only, like the scoring code's logits.
TEST_P(CudaKernelTest, RowKl) {
  if (torch_dtype() != torch::kFloat32) GTEST_SKIP() << "fp32 only";
  for (const int64_t columns : {33, 1000, 49152}) {
    const int64_t rows = 7;
    const Tensor reference = random({rows, columns}) * 5;
    const Tensor z = random({rows, columns}) * 5;
    z[0].copy_(reference[0] + 1e-3 * random({columns}));
    z[1].copy_(reference[1]);
    expect_close([&](const CudaLibrary* library, torch::Device device) {
      const Tensor work = z.to(device).clone(), other = reference.to(device);
      const Tensor value = torch::empty({rows}, work.options()), without = torch::empty_like(value);
      RowKl args{.logits = floats(work),
                 .reference = floats(other),
                 .value = floats(without),
                 .rows = rows,
                 .columns = columns};
      for (const bool with_gradient : {false, true}) {
        args.with_gradient = with_gradient;
        if (with_gradient) args.value = floats(value);
        if (library == nullptr) {
          row_kl_cpu(args, 0, rows);
        } else {
          EXPECT_EQ(library->row_kl(&args, nullptr), 0);
        }
      }
      return std::vector<Tensor>{without, value, work};
    });
  }
}

// Also of widths that are no multiple of anything.
TEST_P(CudaKernelTest, RmsNorm) {
  for (const int64_t width : {1, 61, 64, 576, 4096, 8192}) {
    const int64_t rows = 11, parts = 4;
    const Tensor x = random({rows, width}), weight = random({width}),
                 gradient = random({rows, width});
    expect_close([&](const CudaLibrary* library, torch::Device device) {
      const Tensor dx = x.to(device), dw = weight.to(device), dg = gradient.to(device);
      const Tensor out = torch::empty_like(dx), x_gradient = torch::empty_like(dx);
      const Tensor scale = torch::empty({rows}, dx.options().dtype(torch::kFloat));
      const Tensor weight_parts = torch::empty({parts, width}, scale.options());
      const RmsNorm args{.dtype = dtype(),
                         .rows = rows,
                         .width = width,
                         .epsilon = 1e-5F,
                         .x = dx.const_data_ptr(),
                         .weight = dw.const_data_ptr(),
                         .scale = floats(scale),
                         .out = out.data_ptr(),
                         .gradient = dg.const_data_ptr(),
                         .x_gradient = x_gradient.data_ptr(),
                         .weight_parts = floats(weight_parts),
                         .parts = parts};
      if (library == nullptr) {
        rms_norm_forward_cpu(args, 0, rows);
        rms_norm_backward_cpu(args, 0, parts);
      } else {
        EXPECT_EQ(library->rms_norm_forward(&args, nullptr), 0);
        EXPECT_EQ(library->rms_norm_backward(&args, nullptr), 0);
      }
      return std::vector<Tensor>{out, scale, x_gradient, weight_parts};
    });
  }
}

TEST_P(CudaKernelTest, Rotary) {
  const int64_t tokens = 13, heads = 3;
  for (const auto& [dim, half] : {std::pair{80, 32}, std::pair{64, 32}, std::pair{10, 3}}) {
    const Tensor x = random({tokens, heads, dim}), angles = torch::rand({tokens, half}) * 6;
    for (const bool in_place : {false, true}) {
      expect_close([&](const CudaLibrary* library, torch::Device device) {
        const Tensor dx = x.to(device).clone(), cos = angles.cos().to(torch_dtype()).to(device),
                     sin = angles.sin().to(torch_dtype()).to(device);
        const Tensor out = in_place ? dx : torch::empty_like(dx);
        const RotaryArgs args{dtype(),
                              dx.const_data_ptr(),
                              out.data_ptr(),
                              cos.const_data_ptr(),
                              sin.const_data_ptr(),
                              tokens,
                              heads,
                              dim,
                              half,
                              in_place ? -1.0F : 1.0F};
        if (library == nullptr) {
          rotary_cpu(args, 0, tokens);
        } else {
          EXPECT_EQ(library->rotary(&args, nullptr), 0);
        }
        return std::vector<Tensor>{out};
      });
    }
  }
}

// The backward pass also with the product in its gradient's place.
TEST_P(CudaKernelTest, Swiglu) {
  for (const int64_t size : {1, 1001, 4096}) {
    const Tensor gate = random({size}) * 3, up = random({size}), gradient = random({size});
    for (const bool with_product : {false, true}) {
      expect_close([&](const CudaLibrary* library, torch::Device device) {
        const Tensor a = gate.to(device), b = up.to(device), g = gradient.to(device).clone();
        const Tensor out = torch::empty_like(a), da = torch::empty_like(a),
                     db = torch::empty_like(a);
        const SwigluArgs forward{.dtype = dtype(),
                                 .gate = a.const_data_ptr(),
                                 .up = b.const_data_ptr(),
                                 .out = out.data_ptr(),
                                 .size = size};
        SwigluArgs backward = forward;
        backward.out = with_product ? g.data_ptr() : nullptr;
        backward.gradient = g.const_data_ptr();
        backward.gate_gradient = da.data_ptr();
        backward.up_gradient = db.data_ptr();
        if (library == nullptr) {
          swiglu_forward_cpu(forward, 0, size);
          swiglu_backward_cpu(backward, 0, size);
        } else {
          EXPECT_EQ(library->swiglu_forward(&forward, nullptr), 0);
          EXPECT_EQ(library->swiglu_backward(&backward, nullptr), 0);
        }
        EXPECT_TRUE(!with_product || g.equal(out));
        return std::vector<Tensor>{out, g, da, db};
      });
    }
  }
}

TEST_P(CudaKernelTest, DropoutMasksHaveTheTwinsBits) {
  const int64_t rows = 9;
  for (const int64_t columns : {1, 63, 5000}) {
    const auto run = [&](const CudaLibrary* library, torch::Device device) {
      const Tensor out = torch::empty({rows, columns}, torch::dtype(torch_dtype()).device(device));
      const DropoutArgs args{.dtype = dtype(),
                             .out = out.data_ptr(),
                             .rows = rows,
                             .columns = columns,
                             .kept = 1.25F,
                             .threshold = (uint64_t{1} << 32) / 5,
                             .key = 99,
                             .first_token = int64_t{1} << 40};
      if (library == nullptr) {
        dropout_cpu(args, 0, rows);
      } else {
        EXPECT_EQ(library->dropout(&args, nullptr), 0);
      }
      return std::vector<Tensor>{out};
    };
    expect_same_bits(run, std::to_string(columns) + " columns");
  }
}

TEST_P(CudaKernelTest, SumOfSquares) {
  const Tensor a = random({100003}), b = random({17});
  expect_close([&](const CudaLibrary* library, torch::Device device) {
    const Tensor da = a.to(device), db = b.to(device);
    Tensor result = torch::zeros({1}, torch::dtype(torch::kDouble).device(device));
    const std::vector<NormTensor> tensors = {{da.const_data_ptr(), a.numel()},
                                             {db.const_data_ptr(), b.numel()}};
    if (library == nullptr) {
      for (const NormTensor& tensor : tensors) {
        result += sum_squares_cpu(tensor, dtype(), 0, tensor.size);
      }
      return std::vector<Tensor>{result};
    }
    const Work work = work_on(device, {a.numel(), b.numel()});
    const Tensor table = array_on(device, tensors);
    const Tensor partial = torch::empty({work.table.blocks}, result.options());
    EXPECT_EQ(library->sum_squares(static_cast<const NormTensor*>(table.const_data_ptr()),
                                   &work.table, dtype(), partial.mutable_data_ptr<double>(),
                                   result.mutable_data_ptr<double>(), nullptr),
              0);
    return std::vector<Tensor>{result};
  });
}

TEST_P(CudaKernelTest, UnpackedMatricesHaveTheTwinsBits) {
  const int64_t rows = 5, columns = 129;  // no whole number of blocks
  const int64_t blocks = (rows * columns + kPackedBlock - 1) / kPackedBlock;
  const Tensor codes = torch::randint(-128, 128, {rows * columns}, torch::kInt8);
  const Tensor scales = torch::rand({16}) + 0.1;
  const Tensor peaks = torch::randint(-127, 128, {blocks}, torch::kInt8);
  for (const int64_t bits : {8, 4}) {
    const auto run = [&](const CudaLibrary* library, torch::Device device) {
      const Tensor dc = codes.to(device), ds = scales.to(device), dp = peaks.to(device);
      const Tensor out = torch::empty({rows, columns}, dc.options().dtype(torch_dtype()));
      const PackedMatrix args{.bits = bits,
                              .codes = dc.const_data_ptr(),
                              .scales = floats(ds),
                              .peak_codes = dp.const_data_ptr<int8_t>(),
                              .dtype = dtype(),
                              .out = out.data_ptr(),
                              .rows = rows,
                              .columns = columns};
      if (library == nullptr) {
        unpack_cpu(args, 0, bits == 8 ? rows : blocks);
      } else {
        EXPECT_EQ(library->unpack(&args, nullptr), 0);
      }
      return std::vector<Tensor>{out};
    };
    expect_same_bits(run, std::to_string(bits) + " bits");
  }
}

// A tensor with its optimizer state, as raw storage on a device.
struct Slot {
  Slot(const Tensor& start, const AdamWLayout& layout, torch::Device device)
      : parameter(start.to(device).clone()) {
    const auto zeros = [&](torch::Dtype dtype, int64_t size) {
      return torch::zeros({size}, torch::dtype(dtype).device(device));
    };
    const int64_t size = start.numel();
    const torch::Dtype state =
        layout.state == State::kWide
            ? (layout.dtype == DType::kFloat64 ? torch::kFloat64 : torch::kFloat32)
        : layout.state == State::kBfloat16 ? torch::kBFloat16
                                           : torch::kUInt8;
    first = zeros(state, size);
    second = zeros(state, size);
    remainder = zeros(torch::kInt16, size);
    first_scale = zeros(torch::kFloat32, (size + kStateBlock - 1) / kStateBlock);
    second_scale = torch::zeros_like(first_scale);
  }
  AdamWTensor arguments(const Tensor& gradient, int64_t index) const {
    return {.parameter = parameter.data_ptr(),
            .gradient = gradient.const_data_ptr(),
            .remainder = static_cast<int16_t*>(remainder.data_ptr()),
            .first = first.data_ptr(),
            .second = second.data_ptr(),
            .first_scale = floats(first_scale),
            .second_scale = floats(second_scale),
            .size = parameter.numel(),
            .index = index,
            .decay = 1e-5};
  }

  Tensor parameter, first, second, remainder, first_scale, second_scale;
};

// Every mode of the optimizer on three tensors: long, short, and at an address that no vector load
// may use. One has a block of gradients that stay zero, and one of tiny ones.
TEST_P(CudaKernelTest, AdamWHasTheTwinsBits) {
  const std::vector<Tensor> start = {random({9001}), random({9}), random({601}).slice(0, 1)};
  std::vector<std::vector<Tensor>> gradients;
  for (int step = 0; step < 4; ++step) {
    gradients.emplace_back();
    for (const Tensor& tensor : start) gradients.back().push_back(random(tensor.sizes()));
    gradients.back()[0].slice(0, 256, 512).zero_();
    gradients.back()[0].slice(0, 512, 1024) *= 1e-30;
    gradients.back()[0].slice(0, 1024, 2048, 3) *= 1e-9;  // far below their blocks' largest
  }
  std::vector<Master> masters = {Master::kFull};
  if (dtype() == DType::kBfloat16) {
    masters = {Master::kSplit, Master::kStochastic, Master::kRounded};
  }
  for (const Master master : masters) {
    for (const State state : {State::kWide, State::kBfloat16, State::kBlock8}) {
      if (dtype() == DType::kFloat64 && state != State::kWide) continue;
      const AdamWLayout layout{dtype(), master, state};
      const auto run = [&](const CudaLibrary* library, torch::Device device) {
        std::vector<Slot> slots;
        std::vector<int64_t> sizes;
        for (const Tensor& tensor : start) {
          slots.emplace_back(tensor, layout, device);
          sizes.push_back(tensor.numel());
        }
        // An odd address.
        const Tensor shifted = start.back().to(device);
        slots.back().parameter = torch::empty({shifted.numel() + 1}, shifted.options()).slice(0, 1);
        slots.back().parameter.copy_(shifted);
        const Work work = work_on(device, sizes);
        for (uint32_t step = 0; step < gradients.size(); ++step) {
          const AdamWNumbers numbers{.step_size = 1e-3,
                                     .root_bias2 = 0.5,
                                     .gradient_scale = 0.9,
                                     .weight_key = {step, 1},
                                     .state_key = {step, 2}};
          std::vector<Tensor> kept;
          std::vector<AdamWTensor> tensors;
          for (size_t i = 0; i < slots.size(); ++i) {
            kept.push_back(gradients[step][i].to(device));
            tensors.push_back(slots[i].arguments(kept[i], static_cast<int64_t>(i) << 33));
          }
          if (library == nullptr) {
            for (const AdamWTensor& tensor : tensors) {
              adamw_cpu(tensor, layout, numbers, 0, tensor.size);
            }
            continue;
          }
          const Tensor table = array_on(device, tensors);
          EXPECT_EQ(library->adamw(static_cast<const AdamWTensor*>(table.const_data_ptr()),
                                   &work.table, &layout, &numbers, nullptr),
                    0);
          if (!device.is_cpu()) torch::cuda::synchronize();  // `kept` and `table` go
        }
        std::vector<Tensor> result;
        for (const Slot& slot : slots) {
          result.insert(result.end(), {slot.parameter, slot.first, slot.second, slot.remainder,
                                       slot.first_scale, slot.second_scale});
        }
        return result;
      };
      expect_same_bits(run, "master " + std::to_string(static_cast<int>(master)) + ", state " +
                                std::to_string(static_cast<int>(state)));
    }
  }
}

const auto kDtypes = ::testing::Values(torch::kFloat32, torch::kBFloat16, torch::kFloat64);

INSTANTIATE_TEST_SUITE_P(Emulated, CudaKernelTest,
                         ::testing::Combine(::testing::Values(Where::kEmulated), kDtypes));
INSTANTIATE_TEST_SUITE_P(Gpu, CudaKernelTest,
                         ::testing::Combine(::testing::Values(Where::kGpu), kDtypes));

}  // namespace
}  // namespace unlearn::kernels
