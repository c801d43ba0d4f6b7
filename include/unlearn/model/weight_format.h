// Formats of few bits for matrices that are not trained: what a frozen base under LoRA is held in,
// and what `unlearn quantise` rounds weights to. One file formats/<name>.cpp and one line of
// formats/formats.def each.
#pragma once

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace unlearn::model {

struct PackedMatrix;

// One format; formats/<name>.cpp defines `WeightFormat make_<name>()`.
struct WeightFormat {
  std::string name;
  std::string help;
  int64_t bits = 8;  // of one weight's code
  // The numbers by which train.lora.base_bits and `unlearn quantise --bits` mean this format; 0:
  // it is chosen by name alone. No two formats have the same one.
  int64_t base_bits = 0;
  int64_t copy_bits = 0;
  // The parts (codes, scales, …) that hold a matrix [rows, columns]: fp32, contiguous, on the CPU,
  // all values finite.
  std::vector<torch::Tensor> (*pack)(const torch::Tensor& matrix) = nullptr;
  // [rows, columns] in packed.dtype, on the device of the parts.
  torch::Tensor (*unpack)(const PackedMatrix& packed) = nullptr;
  // What the parts of a matrix of this size take together.
  int64_t (*bytes)(int64_t rows, int64_t columns) = nullptr;
};

// All of them, in the list's order; they live as long as the program.
const std::vector<WeightFormat>& weight_formats();
std::vector<std::string> weight_format_names();
// UserError, which begins with `where`, for an unknown name.
const WeightFormat& weight_format(const std::string& name, const std::string& where);
// The format that a number means, null for 0; UserError for others.
const WeightFormat* format_of_base_bits(int64_t bits, const std::string& where);
const WeightFormat* format_of_copy_bits(int64_t bits, const std::string& where);
// For cache keys: "0" for none (null), the base_bits that mean the format, or its name.
std::string format_key(const WeightFormat* format);

// A matrix in a format.
struct PackedMatrix {
  const WeightFormat* format = nullptr;
  int64_t rows = 0, columns = 0;
  torch::Dtype dtype = torch::kFloat32;  // of unpack()
  std::vector<torch::Tensor> parts;

  // `weight` [out, in] on any device; the result lies on the CPU. UserError, which begins with
  // `where`, for a weight that is not finite.
  static PackedMatrix pack(const WeightFormat& format, const torch::Tensor& weight,
                           const std::string& where);
  torch::Tensor unpack() const;
  int64_t bytes() const;
  torch::Device device() const { return parts.front().device(); }
  void to(torch::Device device);

  // Through an autograd context: tensors put behind its saved ones (they are the last), numbers
  // beside them.
  using Numbers = ska::flat_hash_map<std::string, at::IValue>;
  void save(std::vector<torch::Tensor>& tensors, Numbers& numbers) const;
  static PackedMatrix restore(const std::vector<torch::Tensor>& tensors, size_t first,
                              const Numbers& numbers);
};

// What rounding did, over all rounded weights.
struct RoundingReport {
  int64_t tensors = 0;
  int64_t weights = 0;
  double squared_error = 0;
  double squared_weights = 0;
};

// Writes `source`'s folder with its linear layers (all but the head) as a copy in `format` would
// compute with them, in the tensors' own dtype. Embeddings, head, norms and biases stay. The folder
// appears whole. UserError when `destination` is there and not empty, unless `replace`, and for
// tensors that are missing or have another shape.
RoundingReport write_rounded_copy(const std::filesystem::path& source, const WeightFormat& format,
                                  const std::filesystem::path& destination, bool replace);

class CausalLM;
// The same rounding of a model in memory: its linear layers, all but the head, then hold what a
// copy in `format` would compute with, in the model's dtype. UserError for weights that are not
// finite.
void round_weights(CausalLM& model, const WeightFormat& format);

}  // namespace unlearn::model
