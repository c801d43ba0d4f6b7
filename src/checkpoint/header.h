// The header of a safetensors file as checked values.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "unlearn/checkpoint/safetensors.h"

namespace unlearn::checkpoint {

struct Header {
  std::map<std::string, TensorInfo> tensors;
  std::map<std::string, std::string> metadata;
  size_t data_offset = 0;
};

// Checks everything the header claims against the file's bytes; `where` names the file in errors.
Header parse_header(std::string_view file_bytes, const std::string& where);

}  // namespace unlearn::checkpoint
