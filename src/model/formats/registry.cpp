#include <algorithm>
#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {

#define FORMAT(name) WeightFormat make_##name();
#include "model/formats/formats.def"
#undef FORMAT

namespace {

// "8 or 4"
std::string numbers_text(int64_t WeightFormat::*number) {
  std::vector<std::string> numbers;
  for (const WeightFormat& format : weight_formats()) {
    if (format.*number != 0) numbers.push_back(std::to_string(format.*number));
  }
  return join(numbers, " or ");
}

const WeightFormat* format_by_number(int64_t WeightFormat::*number, int64_t bits) {
  for (const WeightFormat& format : weight_formats()) {
    if (bits != 0 && format.*number == bits) return &format;
  }
  return nullptr;
}

}  // namespace

const std::vector<WeightFormat>& weight_formats() {
  static const std::vector<WeightFormat> formats{
#define FORMAT(name) make_##name(),
#include "model/formats/formats.def"
#undef FORMAT
  };
  return formats;
}

std::vector<std::string> weight_format_names() {
  std::vector<std::string> names;
  for (const WeightFormat& format : weight_formats()) names.push_back(format.name);
  return names;
}

const WeightFormat& weight_format(const std::string& name, const std::string& where) {
  for (const WeightFormat& format : weight_formats()) {
    if (format.name == name) return format;
  }
  const std::vector<std::string> known = weight_format_names();
  user_error(where, ": '", name, "' is not known", did_you_mean(name, known), "; there are ",
             join(known, ", "));
}

const WeightFormat* format_of_base_bits(int64_t bits, const std::string& where) {
  const WeightFormat* format = format_by_number(&WeightFormat::base_bits, bits);
  if (format == nullptr && bits != 0) {
    user_error(where, ": must be 0 (as model.dtype), ", numbers_text(&WeightFormat::base_bits),
               ", not ", bits);
  }
  return format;
}

const WeightFormat* format_of_copy_bits(int64_t bits, const std::string& where) {
  const WeightFormat* format = format_by_number(&WeightFormat::copy_bits, bits);
  if (format == nullptr) {
    user_error(where, ": must be ", numbers_text(&WeightFormat::copy_bits), ", not ", bits);
  }
  return format;
}

std::string format_key(const WeightFormat* format) {
  if (format == nullptr) return "0";
  return format->base_bits != 0 ? std::to_string(format->base_bits) : format->name;
}

PackedMatrix PackedMatrix::pack(const WeightFormat& format, const torch::Tensor& weight,
                                const std::string& where) {
  UNLEARN_CHECK(weight.dim() == 2);
  const torch::Tensor values = weight.detach().to(torch::kCPU, torch::kFloat).contiguous();
  if (values.numel() > 0) {
    const auto [low, high] = at::aminmax(values);
    if (!std::isfinite(low.item<float>()) || !std::isfinite(high.item<float>())) {
      user_error(where, ": holds values that are not finite, which ", format.name, " cannot hold");
    }
  }
  return {&format, weight.size(0), weight.size(1), weight.scalar_type(), format.pack(values)};
}

torch::Tensor PackedMatrix::unpack() const { return format->unpack(*this); }

int64_t PackedMatrix::bytes() const {
  int64_t total = 0;
  for (const torch::Tensor& part : parts) total += static_cast<int64_t>(part.nbytes());
  return total;
}

void PackedMatrix::to(torch::Device device) {
  for (torch::Tensor& part : parts) part = part.to(device);
}

void PackedMatrix::save(std::vector<torch::Tensor>& tensors, Numbers& numbers) const {
  tensors.insert(tensors.end(), parts.begin(), parts.end());
  numbers["format"] = static_cast<int64_t>(format - weight_formats().data());
  numbers["rows"] = rows;
  numbers["columns"] = columns;
  numbers["dtype"] = static_cast<int64_t>(dtype);
}

PackedMatrix PackedMatrix::restore(const std::vector<torch::Tensor>& tensors, size_t first,
                                   const Numbers& numbers) {
  return {&weight_formats().at(static_cast<size_t>(numbers.at("format").toInt())),
          numbers.at("rows").toInt(),
          numbers.at("columns").toInt(),
          static_cast<torch::Dtype>(numbers.at("dtype").toInt()),
          {tensors.begin() + static_cast<std::ptrdiff_t>(first), tensors.end()}};
}

}  // namespace unlearn::model
