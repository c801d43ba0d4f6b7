// Marks functions that nvcc compiles for both sides.
#pragma once

#ifdef __CUDACC__
#define UNLEARN_PORTABLE __host__ __device__ __forceinline__
#else
#define UNLEARN_PORTABLE inline __attribute__((always_inline))
#endif
