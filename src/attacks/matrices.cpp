#include "attacks/matrices.h"

#include <charconv>

#include "unlearn/core/error.h"

namespace unlearn::attacks {

std::vector<torch::Tensor> matrices_of(const model::CausalLM& model) {
  std::vector<torch::Tensor> matrices;
  for (const auto& entry : model.named_parameters()) {
    if (entry.value().dim() == 2) matrices.push_back(entry.value());
  }
  return matrices;
}

std::vector<double> numbers_of(const std::vector<std::string>& texts, const std::string& setting) {
  std::vector<double> numbers;
  for (const std::string& text : texts) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || !(value > 0) || value > 1e6) {
      user_error(setting, ": '", text, "' is no number above 0");
    }
    numbers.push_back(value);
  }
  return numbers;
}

}  // namespace unlearn::attacks
