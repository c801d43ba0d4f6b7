// libunlearn_cuda.so, found at run time: the program itself links no CUDA.
#pragma once

#include <string>

#include "unlearn/kernels/launchers.h"

namespace unlearn::kernels {

struct CudaLibrary {
  decltype(&unlearn_cuda_adamw) adamw = nullptr;
  decltype(&unlearn_cuda_sum_squares) sum_squares = nullptr;
  decltype(&unlearn_cuda_row_lse) row_lse = nullptr;
  decltype(&unlearn_cuda_row_dlogits) row_dlogits = nullptr;
  decltype(&unlearn_cuda_row_kl) row_kl = nullptr;
  decltype(&unlearn_cuda_rms_norm_forward) rms_norm_forward = nullptr;
  decltype(&unlearn_cuda_rms_norm_backward) rms_norm_backward = nullptr;
  decltype(&unlearn_cuda_rotary) rotary = nullptr;
  decltype(&unlearn_cuda_swiglu_forward) swiglu_forward = nullptr;
  decltype(&unlearn_cuda_swiglu_backward) swiglu_backward = nullptr;
  decltype(&unlearn_cuda_dropout) dropout = nullptr;
  decltype(&unlearn_cuda_fp8_rows) fp8_rows = nullptr;
  decltype(&unlearn_cuda_fp8_columns) fp8_columns = nullptr;
  decltype(&unlearn_cuda_unpack) unpack = nullptr;
  decltype(&unlearn_cuda_error) error = nullptr;
};

// Loads LibTorch's CUDA half and our kernels, once. Looks next to the program, in ../lib and where
// the system looks. Returns "" or one line that says what is missing.
std::string load_cuda();

// The loaded kernels; null before load_cuda() or when it failed.
const CudaLibrary* cuda_library();

}  // namespace unlearn::kernels
