// The safetensors format (github.com/huggingface/safetensors): reading without copies, writing
// whole.
#pragma once

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/files.h"
#include "unlearn/core/written_file.h"

namespace unlearn::checkpoint {

// One tensor as the header describes it; offsets count from the end of the header.
struct TensorInfo {
  torch::Dtype dtype = torch::kFloat32;
  std::vector<int64_t> shape;
  size_t begin = 0;
  size_t end = 0;

  int64_t elements() const;
};

// "F32", "BF16", …: the format's name of a dtype; UserError for a dtype it does not store.
std::string dtype_name(torch::Dtype dtype);

// One memory-mapped file whose header was checked in full: sizes, JSON, duplicate names, known
// dtypes, shape x dtype = extent, extents in order without overlap or hole. UserError
// "<file>: tensor '<name>': …" otherwise. Dtypes: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  // A view of the mapped bytes; it keeps the map alive and must not be written to. Data that is not
  // aligned for its dtype is copied. UserError when there is no such tensor.
  torch::Tensor view(const std::string& name) const;

  // Advises the kernel that this tensor's pages are no longer needed, so that a load never holds
  // the file's pages next to all parameters. Views stay valid.
  void release(const std::string& name) const;

  // UserError when the file was written to since it was opened.
  void check_unchanged() const { check_unwritten(path_, stamp_); }

 private:
  const TensorInfo& info(const std::string& name) const;

  std::filesystem::path path_;
  FileStamp stamp_;
  std::shared_ptr<const MappedFile> map_;
  size_t data_offset_ = 0;
  std::map<std::string, TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
};

struct NamedTensor {
  std::string name;
  torch::Tensor tensor;  // any device, any strides
};

// A tensor that is made when it is its turn to be written, and gone afterwards.
struct PlannedTensor {
  std::string name;
  std::vector<int64_t> shape;
  torch::Dtype dtype = torch::kFloat32;
  std::function<torch::Tensor()> make;
};

// Puts tensors into the order of a file: by falling dtype, then name.
void sort_as_written(std::vector<PlannedTensor>& tensors);

// Writes one file byte-identical to the reference writer's: tensors by falling dtype, then name,
// the header padded with spaces to 8 bytes, metadata {"format": "pt"}. With `dtype`, floating
// tensors are converted one at a time. The file appears whole. NonFiniteError, and no file, when a
// tensor holds a NaN or an infinity as it would be stored.
WrittenFile write_safetensors(const std::filesystem::path& path,
                              const std::vector<NamedTensor>& tensors,
                              std::optional<torch::Dtype> dtype = std::nullopt);
// The same from tensors that need not exist together.
WrittenFile write_safetensors(const std::filesystem::path& path,
                              std::vector<PlannedTensor> tensors);

// The weights of a Hugging Face folder: model.safetensors, or all tensors of the shards that
// model.safetensors.index.json names, as transformers reads them. UserError for a shard or a tensor
// that the index names and that is not there, and for a tensor in two shards.
class TensorStore {
 public:
  explicit TensorStore(const std::filesystem::path& folder);

  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return shard_of_.contains(name); }
  const TensorInfo& info(const std::string& name) const;
  const std::filesystem::path& file_of(const std::string& name) const;
  // Where shards and index differ, one line each: tensors that the index leaves out or puts into
  // another shard.
  const std::vector<std::string>& oddities() const { return oddities_; }
  torch::Tensor view(const std::string& name) const;
  void release(const std::string& name) const;

  // UserError when a file was written to since it was opened.
  void check_unchanged() const;

 private:
  void open_index(const std::filesystem::path& folder, const std::filesystem::path& index);
  const SafetensorsFile& shard(const std::string& name) const;

  std::filesystem::path folder_;
  std::vector<SafetensorsFile> shards_;
  std::map<std::string, size_t> shard_of_;
  std::vector<std::string> oddities_;
};

// What the weights of a model are cut into by default, as transformers does.
constexpr int64_t kLargestShard = int64_t{5} << 30;

// Writes model.safetensors, or model-0000i-of-0000n.safetensors with an index when the tensors are
// larger than `max_shard_bytes` together.
WrittenFiles write_tensor_folder(const std::filesystem::path& folder,
                                 const std::vector<NamedTensor>& tensors, torch::Dtype dtype,
                                 int64_t max_shard_bytes);

}  // namespace unlearn::checkpoint
