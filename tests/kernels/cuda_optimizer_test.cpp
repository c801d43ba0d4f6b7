// The CUDA kernels of an update, which run over many tensors at once, against their CPU twins.
#include "kernels/cuda_fixture.h"

namespace unlearn::kernels {
namespace {

class CudaOptimizerTest : public CudaKernelTest {};

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

TEST_P(CudaOptimizerTest, SumOfSquares) {
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
TEST_P(CudaOptimizerTest, AdamWHasTheTwinsBits) {
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
        // A scale that is not finite in between: nothing changes.
        const Tensor scales =
            torch::tensor({0.9, 0.9, static_cast<double>(NAN), 0.9}, torch::kDouble).to(device);
        for (uint32_t step = 0; step < gradients.size(); ++step) {
          const AdamWNumbers numbers{.step_size = 1e-3,
                                     .root_bias2 = 0.5,
                                     .gradient_scale = scales.const_data_ptr<double>() + step,
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

INSTANTIATE_TEST_SUITE_P(Emulated, CudaOptimizerTest,
                         emulated(torch::kFloat32, torch::kBFloat16, torch::kFloat64));
INSTANTIATE_TEST_SUITE_P(Gpu, CudaOptimizerTest,
                         on_gpu(torch::kFloat32, torch::kBFloat16, torch::kFloat64));

}  // namespace
}  // namespace unlearn::kernels
