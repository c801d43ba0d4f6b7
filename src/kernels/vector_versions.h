// One version of a function per instruction set, chosen when the program starts. The results are
// the same: no version contracts multiply-adds (see CMakeLists.txt).
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define UNLEARN_VECTOR_VERSIONS \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define UNLEARN_VECTOR_VERSIONS
#endif
