// What benchmarks are built in.
#pragma once

#include <string>
#include <vector>

namespace unlearn::benchmarks {

struct Benchmark {
  std::string name;  // "tofu"
  std::string help;  // one line
};

// In the order of benchmarks.def.
const std::vector<Benchmark>& registered_benchmarks();

}  // namespace unlearn::benchmarks
