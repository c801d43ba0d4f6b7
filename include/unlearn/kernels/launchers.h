// The functions of libunlearn_cuda.so. Pointers inside the arguments are device pointers, `stream`
// is a cudaStream_t; each returns a cudaError_t (0: launched).
#pragma once

#include <cstddef>

#include "unlearn/kernels/adamw.h"
#include "unlearn/kernels/dropout.h"
#include "unlearn/kernels/fp8.h"
#include "unlearn/kernels/norms.h"
#include "unlearn/kernels/packed.h"
#include "unlearn/kernels/pointwise.h"
#include "unlearn/kernels/rms_norm.h"
#include "unlearn/kernels/row_logits.h"

namespace unlearn::kernels {

// One launch over many tensors: tensor t is worked on by thread blocks first[t] … first[t + 1] - 1,
// each taking kWorkChunk elements.
constexpr int64_t kWorkChunk = 32 * kStateBlock;
struct WorkTable {
  const int64_t* first = nullptr;  // [tensors + 1], on the device
  int64_t tensors = 0;
  int64_t blocks = 0;  // first[tensors]
};

extern "C" {
int unlearn_cuda_adamw(const AdamWTensor* tensors, const WorkTable* work, const AdamWLayout* layout,
                       const AdamWNumbers* numbers, void* stream);
// `partial` [work.blocks] and `result` [1], both fp64 on the device: the sum over all tensors.
int unlearn_cuda_sum_squares(const NormTensor* tensors, const WorkTable* work, DType dtype,
                             double* partial, double* result, void* stream);
int unlearn_cuda_row_lse(const RowLogits* args, void* stream);
int unlearn_cuda_row_dlogits(const RowLogits* args, void* stream);
int unlearn_cuda_row_kl(const RowKl* args, void* stream);
int unlearn_cuda_rms_norm_forward(const RmsNorm* args, void* stream);
int unlearn_cuda_rms_norm_backward(const RmsNorm* args, void* stream);
int unlearn_cuda_rotary(const RotaryArgs* args, void* stream);
int unlearn_cuda_swiglu_forward(const SwigluArgs* args, void* stream);
int unlearn_cuda_swiglu_backward(const SwigluArgs* args, void* stream);
int unlearn_cuda_dropout(const DropoutArgs* args, void* stream);
int unlearn_cuda_fp8_rows(const Fp8Matrix* args, void* stream);
int unlearn_cuda_fp8_columns(const Fp8Matrix* args, void* stream);
int unlearn_cuda_unpack(const PackedMatrix* args, void* stream);
const char* unlearn_cuda_error(int code);
}

}  // namespace unlearn::kernels
