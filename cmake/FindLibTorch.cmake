# Makes the imported target LibTorch::cpu from a LibTorch folder (the PyPI wheel's `torch/` or an
# unpacked LibTorch): headers, libtorch_cpu.so and libc10.so. The wheel's own TorchConfig.cmake
# insists on a CUDA toolkit even for CPU use, so it is not asked.
# Input: Torch_ROOT. Default: the virtual environment that scripts/setup.sh makes.
if(NOT Torch_ROOT)
  file(GLOB _torch_candidates "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  list(GET _torch_candidates 0 Torch_ROOT)
endif()
set(Torch_ROOT "${Torch_ROOT}" CACHE PATH "LibTorch folder (holds include/ and lib/)")
if(NOT EXISTS "${Torch_ROOT}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "LibTorch not found in '${Torch_ROOT}'. Run scripts/setup.sh, or give your "
                      "own LibTorch 2.11 with -DTorch_ROOT=DIR.")
endif()

add_library(LibTorch::c10 SHARED IMPORTED)
set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${Torch_ROOT}/lib/libc10.so")
add_library(LibTorch::cpu SHARED IMPORTED)
set_target_properties(
  LibTorch::cpu
  PROPERTIES IMPORTED_LOCATION "${Torch_ROOT}/lib/libtorch_cpu.so"
             INTERFACE_INCLUDE_DIRECTORIES
             "${Torch_ROOT}/include;${Torch_ROOT}/include/torch/csrc/api/include"
             INTERFACE_LINK_LIBRARIES LibTorch::c10)
set(LibTorch_LIBRARY_DIR "${Torch_ROOT}/lib")
