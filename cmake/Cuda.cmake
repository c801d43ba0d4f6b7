# libunlearn_cuda.so: our CUDA kernels, loaded at run time by --device cuda. Built when nvcc is found;
# without it everything else works.
include(CheckLanguage)
if(NOT CMAKE_CUDA_COMPILER)
  find_program(NVCC nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(NVCC)
    set(CMAKE_CUDA_COMPILER "${NVCC}")
  endif()
endif()
check_language(CUDA)
file(GLOB unlearn_cuda_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/kernels/*.cu")
if(CMAKE_CUDA_COMPILER AND unlearn_cuda_sources)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90)
  endif()
  enable_language(CUDA)
  add_library(unlearn_cuda SHARED ${unlearn_cuda_sources})
  target_include_directories(unlearn_cuda PRIVATE "${CMAKE_SOURCE_DIR}/include"
                                                  "${CMAKE_SOURCE_DIR}/src")
  # CMake 3.25 does not know how to ask nvcc 13 for C++20; the kernels need no more than C++17.
  set_target_properties(unlearn_cuda PROPERTIES CUDA_STANDARD 17 CUDA_RUNTIME_LIBRARY Shared)
  # The bits of the CPU twins: no fused multiply-adds. These kernels wait for memory anyway.
  set_source_files_properties(src/kernels/adamw.cu src/kernels/packed.cu PROPERTIES COMPILE_OPTIONS "-fmad=false")
else()
  message(STATUS "nvcc not found: libunlearn_cuda.so is not built; --device cuda needs it")
endif()
