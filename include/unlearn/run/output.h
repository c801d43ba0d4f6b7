// Files of results, which must not be what they are made from.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace unlearn::run {

// A flag and the file or folder it names.
using NamedInput = std::pair<std::string, std::string>;

// UserError when the file `output` (empty: stdout) is an input, or lies in an input folder; through
// links too. Inputs without a name are skipped.
void check_not_input(const std::string& flag, const std::string& output,
                     const std::vector<NamedInput>& inputs);

// Result lines: to a file (atomically) or, with an empty name, to stdout.
void write_lines(const std::string& output, const std::vector<std::string>& lines);

}  // namespace unlearn::run
