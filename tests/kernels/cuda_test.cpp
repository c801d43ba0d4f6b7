// The CUDA kernels of a forward and backward pass against their CPU twins.
#include "kernels/cuda_fixture.h"

namespace unlearn::kernels {
namespace {

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
class CudaRowKlTest : public CudaKernelTest {};
TEST_P(CudaRowKlTest, ValuesAndGradients) {
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

// Also of widths that are no multiple of anything, and of rows that are a warp's (up to 256) or a
// thread block's; once more without the weight's gradient.
TEST_P(CudaKernelTest, RmsNorm) {
  for (const auto& [width, rows, parts] :
       std::vector<std::tuple<int64_t, int64_t, int64_t>>{{1, 11, 4},
                                                          {61, 11, 4},
                                                          {64, 1, 1},
                                                          {128, 37, 11},
                                                          {250, 9, 9},
                                                          {256, 16, 8},
                                                          {257, 11, 4},
                                                          {576, 11, 4},
                                                          {4096, 11, 4},
                                                          {8192, 11, 4}}) {
    const Tensor x = random({rows, width}), weight = random({width}),
                 gradient = random({rows, width});
    expect_close([&](const CudaLibrary* library, torch::Device device) {
      const Tensor dx = x.to(device), dw = weight.to(device), dg = gradient.to(device);
      const Tensor out = torch::empty_like(dx), x_gradient = torch::empty_like(dx);
      const Tensor scale = torch::empty({rows}, dx.options().dtype(torch::kFloat));
      const Tensor weight_parts = torch::empty({parts, width}, scale.options());
      RmsNorm args{.dtype = dtype(),
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
      const Tensor alone = torch::empty_like(dx);
      args.x_gradient = alone.data_ptr();
      args.weight_parts = nullptr;
      if (library == nullptr) {
        rms_norm_backward_cpu(args, 0, parts);
      } else {
        EXPECT_EQ(library->rms_norm_backward(&args, nullptr), 0);
      }
      EXPECT_TRUE(alone.equal(x_gradient));
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

// Factors that are the halves of one matrix's rows, and gradients that are.
TEST_P(CudaKernelTest, SwigluOfHalves) {
  for (const auto& [rows, width] : {std::pair{1, 8}, std::pair{5, 24}, std::pair{13, 344}}) {
    const Tensor both = random({rows, 2 * width}) * 3, gradient = random({rows, width});
    const auto run = [&, rows = rows, width = width](const CudaLibrary* library,
                                                     torch::Device device, bool are_halves) {
      const Tensor x = both.to(device), g = gradient.to(device);
      const Tensor of_both = torch::empty_like(x), out = torch::empty_like(g);
      const auto half = [&, width = width](const Tensor& whole, int64_t i) {
        const Tensor part = whole.narrow(1, i * width, width);
        return are_halves ? part : part.contiguous();
      };
      const Tensor gate = half(x, 0), up = half(x, 1);
      const Tensor of_gate = half(of_both, 0), of_up = half(of_both, 1);
      const SwigluArgs args{.dtype = dtype(),
                            .gate = gate.const_data_ptr(),
                            .up = up.const_data_ptr(),
                            .out = out.data_ptr(),
                            .gradient = g.const_data_ptr(),
                            .gate_gradient = of_gate.data_ptr(),
                            .up_gradient = of_up.data_ptr(),
                            .size = static_cast<int64_t>(rows) * width,
                            .width = are_halves ? width : 0,
                            .stride = are_halves ? 2 * width : 0};
      if (library == nullptr) {
        swiglu_forward_cpu(args, 0, args.size);
        swiglu_backward_cpu(args, 0, args.size);
      } else {
        EXPECT_EQ(library->swiglu_forward(&args, nullptr), 0);
        EXPECT_EQ(library->swiglu_backward(&args, nullptr), 0);
      }
      return std::vector<Tensor>{out, torch::cat({of_gate, of_up}, 1)};
    };
    expect_close([&](const CudaLibrary* library, torch::Device device) {
      std::vector<Tensor> joined = run(library, device, true), apart = run(library, device, false);
      for (size_t i = 0; i < joined.size(); ++i) EXPECT_TRUE(joined[i].equal(apart[i])) << i;
      return joined;
    });
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

TEST_P(CudaKernelTest, UnpackedMatricesHaveTheTwinsBits) {
  const int64_t rows = 5, columns = 129;  // no whole number of blocks
  const int64_t blocks = (rows * columns + kPackedBlock - 1) / kPackedBlock;
  const Tensor codes = torch::randint(-128, 128, {rows * columns}, torch::kInt8);
  const Tensor scales = torch::rand({16}) + 0.1;  // as many as there are blocks, and more
  const Tensor peaks = torch::randint(-127, 128, {blocks}, torch::kInt8);
  for (const auto& [bits, has_peak_codes] : {std::pair{8, false}, {4, true}, {4, false}}) {
    const auto run = [&, bits = bits, has_peak_codes = has_peak_codes](const CudaLibrary* library,
                                                                       torch::Device device) {
      const Tensor dc = codes.to(device), ds = scales.to(device), dp = peaks.to(device);
      const Tensor out = torch::empty({rows, columns}, dc.options().dtype(torch_dtype()));
      const PackedMatrix args{.bits = bits,
                              .codes = dc.const_data_ptr(),
                              .scales = floats(ds),
                              .peak_codes = has_peak_codes ? dp.const_data_ptr<int8_t>() : nullptr,
                              .dtype = dtype(),
                              .out = out.data_ptr(),
                              .rows = rows,
                              .columns = columns};
      if (library == nullptr) {
        unpack_cpu(args, 0, unpack_units(args));
      } else {
        EXPECT_EQ(library->unpack(&args, nullptr), 0);
      }
      return std::vector<Tensor>{out};
    };
    expect_same_bits(run,
                     std::to_string(bits) + " bits" + (has_peak_codes ? ", peaks in 8 bits" : ""));
  }
}

TEST_P(CudaKernelTest, Fp8MatricesHaveTheTwinsBits) {
  for (const auto& [rows, width] :
       {std::pair{1, 1}, std::pair{3, 61}, std::pair{70, 33}, std::pair{40, 4100}}) {
    const Tensor x = random({rows, width}) * 3;
    x[0].zero_();
    for (const bool by_columns : {false, true}) {
      const auto run = [&, rows = rows, width = width](const CudaLibrary* library,
                                                       torch::Device device) {
        const Tensor dx = x.to(device);
        const Tensor codes = torch::zeros(
            by_columns ? std::vector<int64_t>{width, rows} : std::vector<int64_t>{rows, width},
            dx.options().dtype(torch::kUInt8));
        const Tensor scale =
            torch::zeros({by_columns ? width : rows}, dx.options().dtype(torch::kFloat));
        const Fp8Matrix args{.dtype = dtype(),
                             .x = dx.const_data_ptr(),
                             .codes = codes.mutable_data_ptr<uint8_t>(),
                             .scale = floats(scale),
                             .rows = rows,
                             .width = width};
        if (library != nullptr) {
          EXPECT_EQ((by_columns ? library->fp8_columns : library->fp8_rows)(&args, nullptr), 0);
        } else if (by_columns) {
          fp8_columns_cpu(args, 0, width);
        } else {
          fp8_rows_cpu(args, 0, rows);
        }
        return std::vector<Tensor>{codes, scale};
      };
      expect_same_bits(run, std::to_string(width) + (by_columns ? " by columns" : " by rows"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Emulated, CudaKernelTest, emulated(torch::kFloat32, torch::kBFloat16));
INSTANTIATE_TEST_SUITE_P(Gpu, CudaKernelTest, on_gpu(torch::kFloat32, torch::kBFloat16));
INSTANTIATE_TEST_SUITE_P(Emulated, CudaRowKlTest, emulated(torch::kFloat32));
INSTANTIATE_TEST_SUITE_P(Gpu, CudaRowKlTest, on_gpu(torch::kFloat32));

}  // namespace
}  // namespace unlearn::kernels
