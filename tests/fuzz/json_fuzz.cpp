// The text of any JSON file: what is read is written and read again as the same.
#include <cstdlib>

#include "fuzz.h"
#include "unlearn/core/python_json.h"

FUZZ_TARGET(json) {
  using unlearn::NonFinite;
  unlearn::fuzz::attempt([&] {
    const unlearn::Json value = unlearn::parse_json(input, "file.json");
    if (unlearn::parse_json(value.dump(), "written.json") != value) std::abort();
  });
  // Only with these words it is another reader.
  if (input.find("NaN") == input.npos && input.find("Infinity") == input.npos) return;
  for (const NonFinite non_finite : {NonFinite::kNull, NonFinite::kNumber}) {
    unlearn::fuzz::attempt([&] { unlearn::parse_python_json(input, "file.json", non_finite); });
  }
}
