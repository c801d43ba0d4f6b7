#include <zlib.h>

#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

size_t zlib_length(std::string_view text) {
  uLongf length = compressBound(static_cast<uLong>(text.size()));
  std::vector<Bytef> buffer(length);
  const int status = compress(buffer.data(), &length, reinterpret_cast<const Bytef*>(text.data()),
                              static_cast<uLong>(text.size()));
  UNLEARN_CHECK(status == Z_OK, "zlib status ", status);
  return length;
}

std::optional<double> mia_zlib(const ScoredText& input, const TextOptions&) {
  if (!input.mean_loss) return std::nullopt;
  return *input.mean_loss / static_cast<double>(zlib_length(input.text));
}

Metric make_mia_zlib() {
  return {"mia_zlib",
          "membership inference by the mean token loss over the text's compressed length (AUC)",
          {"mia_zlib"},
          {Need::kAnswerLoss, Need::kHoldout},
          mia_zlib};
}

}  // namespace unlearn::metrics
