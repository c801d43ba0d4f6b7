#include "checkpoint/header.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "checkpoint/dtypes.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/core/plural.h"

namespace unlearn::checkpoint {
namespace {

// The reference implementation's limit, so that a wrong length is not taken for a huge header.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kLengthBytes = 8;
// {"tensor": {"shape": [1, 2]}} is the deepest a header gets.
constexpr int kMaxDepth = 4;

// By sorted keys: the ordered form looks each key up among all before it, which takes seconds for
// tens of thousands of tensors.
using SortedJson = nlohmann::json;

// Parses the header's JSON; duplicate keys, which nlohmann would silently merge, are refused.
SortedJson parse_object(std::string_view text, const std::string& where) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, SortedJson::parse_event_t event, const SortedJson& value) {
    if (depth > kMaxDepth) user_error(where, ": the safetensors header is nested too deeply");
    if (event == SortedJson::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == SortedJson::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == SortedJson::parse_event_t::key) {
      const auto& name = value.get_ref<const std::string&>();
      if (!keys.back().insert(name).second) {
        user_error(where, ": the safetensors header names '", name, "' twice");
      }
    }
    return true;
  };
  SortedJson header;
  try {
    header = SortedJson::parse(text, check);
  } catch (const SortedJson::exception&) {
    user_error(where, ": the safetensors header is not valid JSON (truncated or damaged file?)");
  }
  if (!header.is_object()) user_error(where, ": the safetensors header is not a JSON object");
  return header;
}

// One array of unsigned numbers below 2^63.
std::vector<uint64_t> unsigned_array(const SortedJson& entry, const char* key,
                                     const std::string& what) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array()) user_error(what, ": has no array '", key, "'");
  std::vector<uint64_t> values;
  for (const SortedJson& value : *found) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t{INT64_MAX}) {
      user_error(what, ": '", key, "' holds something else than a non-negative integer");
    }
    values.push_back(value.get<uint64_t>());
  }
  return values;
}

TensorInfo parse_tensor(const SortedJson& entry, const std::string& what) {
  if (!entry.is_object()) user_error(what, ": its header entry is not a JSON object");
  const auto dtype_entry = entry.find("dtype");
  if (dtype_entry == entry.end() || !dtype_entry->is_string()) user_error(what, ": has no dtype");
  const auto name = dtype_entry->get<std::string>();
  const auto dtype = find_dtype(name);
  if (!dtype) {
    user_error(what, ": dtype '", name,
               "' is not supported (F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are)");
  }
  TensorInfo info;
  info.dtype = *dtype;
  // A zero extent empties the tensor, but the product of the others must still make sense.
  uint64_t bytes = torch::elementSize(*dtype);
  bool empty = false;
  for (const uint64_t extent : unsigned_array(entry, "shape", what)) {
    info.shape.push_back(static_cast<int64_t>(extent));
    empty = empty || extent == 0;
    if (extent != 0 && __builtin_mul_overflow(bytes, extent, &bytes)) {
      user_error(what, ": its shape overflows 64 bits");
    }
  }
  if (bytes > uint64_t{INT64_MAX}) user_error(what, ": its shape overflows 64 bits");
  if (empty) bytes = 0;
  const auto offsets = unsigned_array(entry, "data_offsets", what);
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    user_error(what, ": data_offsets must be [begin, end] with begin <= end");
  }
  if (offsets[1] - offsets[0] != bytes) {
    user_error(what, ": its shape needs ", bytes, " bytes but data_offsets span ",
               offsets[1] - offsets[0]);
  }
  info.begin = offsets[0];
  info.end = offsets[1];
  return info;
}

// The extents must tile the data section exactly.
void check_layout(const Header& header, size_t data_bytes, const std::string& where) {
  std::vector<std::pair<const std::string*, const TensorInfo*>> order;
  for (const auto& [name, info] : header.tensors) order.emplace_back(&name, &info);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  size_t at = 0;
  for (const auto& [name, info] : order) {
    if (info->end > data_bytes) {
      user_error(where, ": tensor '", *name, "': ends at byte ", info->end, " of ", data_bytes,
                 " data bytes (truncated file?)");
    }
    if (info->begin != at) {
      user_error(
          where, ": tensor '", *name, "': begins at byte ", info->begin, " where ", at,
          info->begin < at ? " is right (tensors overlap)" : " is right (a hole in the data)");
    }
    at = info->end;
  }
  if (at != data_bytes) {
    user_error(where, ": ", data_bytes, " data bytes, but the header describes ", at);
  }
}

}  // namespace

Header parse_header(std::string_view file_bytes, const std::string& where) {
  if (file_bytes.size() < kLengthBytes) {
    user_error(where, ": ", counted(file_bytes.size(), "byte"),
               " cannot be a safetensors file (at least 8)");
  }
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8 | static_cast<unsigned char>(file_bytes[i]);
  }
  if (length > kMaxHeaderBytes || length > file_bytes.size() - kLengthBytes) {
    user_error(where, ": a safetensors header of ", length, " bytes does not fit a file of ",
               file_bytes.size(), " bytes (truncated, or not a safetensors file?)");
  }
  const std::string_view text = file_bytes.substr(kLengthBytes, static_cast<size_t>(length));
  if (text.empty() || text.front() != '{') {
    user_error(where, ": the safetensors header does not begin with '{'");
  }
  // The parser takes a NUL byte for the end, and would say nothing about what follows.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    user_error(where, ": a NUL byte at byte ", nul + 1,
               " of the safetensors header (a damaged file?)");
  }
  Header header;
  header.data_offset = kLengthBytes + static_cast<size_t>(length);
  const SortedJson object = parse_object(text, where);
  for (const auto& [name, entry] : object.items()) {
    if (name == "__metadata__") {
      if (entry.is_null()) continue;  // as if it were absent
      if (!entry.is_object()) user_error(where, ": __metadata__ is not a JSON object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) user_error(where, ": __metadata__: '", key, "' is not a string");
        header.metadata[key] = value.get<std::string>();
      }
    } else {
      header.tensors[name] = parse_tensor(entry, cat(where, ": tensor '", name, "'"));
    }
  }
  check_layout(header, file_bytes.size() - header.data_offset, where);
  return header;
}

}  // namespace unlearn::checkpoint
