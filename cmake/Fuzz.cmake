# Every layer as the fuzz targets need it: with clang's coverage counters for libFuzzer, and with the
# sanitizers that turn a wrong access or undefined arithmetic into a crash.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "UNLEARN_FUZZ needs clang (libFuzzer): cmake --preset fuzz")
endif()
# Types of LibTorch have no type information that `vptr` could check. -O1: building takes longer than
# what -O2 would save.
set(fuzz_sanitizers address,undefined)
target_compile_options(
  unlearn_options
  INTERFACE -O1 -gline-tables-only -fno-omit-frame-pointer
            -fsanitize=fuzzer-no-link,${fuzz_sanitizers} -fno-sanitize=vptr
            -fno-sanitize-recover=undefined)
target_link_options(unlearn_options INTERFACE -fsanitize=${fuzz_sanitizers})
