#include "unlearn/metrics/muse.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

std::string cut_knowmem_output(std::string_view text) {
  for (const std::string_view stop : {"\n\n", "\nQuestion", "Question:"}) {
    text = text.substr(0, text.find(stop));
  }
  return std::string(text);
}

Metric make_knowmem() {
  return {"knowmem",
          "ROUGE-L F1 of answers to questions about the texts, after a few examples (MUSE)",
          {"forget_knowmem_ROUGE", "retain_knowmem_ROUGE"},
          {Need::kGeneration}};
}

}  // namespace unlearn::metrics
