#include "unlearn/checkpoint/safetensors.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <set>

#include "checkpoint/dtypes.h"
#include "checkpoint/header.h"
#include "unlearn/checkpoint/finite.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"

namespace unlearn::checkpoint {
namespace {

constexpr size_t kHeaderAlignment = 8;

size_t dtype_rank(torch::Dtype dtype) {
  for (size_t i = 0; i < kDtypes.size(); ++i) {
    if (kDtypes[i].dtype == dtype) return i;
  }
  user_error("dtype ", torch::toString(dtype), " cannot be stored in a safetensors file");
}

torch::Dtype stored_dtype(const torch::Tensor& tensor, std::optional<torch::Dtype> dtype) {
  return dtype && tensor.is_floating_point() ? *dtype : tensor.scalar_type();
}

[[noreturn]] void refuse_nonfinite(const std::string& file, const std::string& name,
                                   const torch::Tensor& tensor, torch::Dtype dtype) {
  const bool overflows = tensor.isfinite().all().item<bool>();
  throw NonFiniteError(cat(file, ": tensor '", name, "' ",
                           overflows ? cat("holds numbers too large for ", dtype_name(dtype))
                                     : "holds NaN or infinities",
                           "; it is not saved"));
}

// In parts that stay in the cache between the check and the write (and its hash).
void write_tensor(std::ostream& out, const torch::Tensor& tensor, torch::Dtype dtype,
                  const std::string& name, const std::string& file) {
  constexpr size_t kPart = size_t{1} << 23;
  const torch::Tensor stored = tensor.detach().to(torch::kCPU, dtype).contiguous();
  const auto* bytes = static_cast<const char*>(stored.const_data_ptr());
  for (size_t at = 0; at < stored.nbytes(); at += kPart) {
    const size_t size = std::min(kPart, stored.nbytes() - at);
    if (has_nonfinite(bytes + at, size, dtype)) refuse_nonfinite(file, name, tensor, dtype);
    out.write(bytes + at, static_cast<std::streamsize>(size));
  }
}

}  // namespace

int64_t TensorInfo::elements() const {
  int64_t product = 1;
  for (const int64_t extent : shape) product *= extent;
  return product;
}

std::string dtype_name(torch::Dtype dtype) { return std::string(kDtypes[dtype_rank(dtype)].name); }

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), stamp_(stamp_of(path)), map_(std::make_shared<const MappedFile>(path)) {
  const auto bytes = map_->bytes();
  Header header =
      parse_header({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
  data_offset_ = header.data_offset;
  tensors_ = std::move(header.tensors);
  metadata_ = std::move(header.metadata);
}

const TensorInfo& SafetensorsFile::info(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) user_error(path_.string(), ": has no tensor '", name, "'");
  return found->second;
}

torch::Tensor SafetensorsFile::view(const std::string& name) const {
  const TensorInfo& tensor = info(name);
  const auto options = torch::TensorOptions().dtype(tensor.dtype);
  if (tensor.begin == tensor.end) return torch::empty(tensor.shape, options);
  const std::byte* data = map_->bytes().data() + data_offset_ + tensor.begin;
  if (reinterpret_cast<uintptr_t>(data) % torch::elementSize(tensor.dtype) != 0) {
    torch::Tensor copy = torch::empty(tensor.shape, options);
    std::memcpy(copy.mutable_data_ptr(), data, tensor.end - tensor.begin);
    return copy;
  }
  return torch::from_blob(
      const_cast<std::byte*>(data), tensor.shape, [map = map_](void*) {}, options);
}

void SafetensorsFile::release(const std::string& name) const {
  const TensorInfo& tensor = info(name);
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto base = reinterpret_cast<uintptr_t>(map_->bytes().data());
  // Only whole pages of this tensor: the pages at its edges may hold a neighbour that is read next.
  const uintptr_t begin = (base + data_offset_ + tensor.begin + page - 1) / page * page;
  const uintptr_t end = (base + data_offset_ + tensor.end) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

void sort_as_written(std::vector<PlannedTensor>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const PlannedTensor& a, const PlannedTensor& b) {
    return std::pair(dtype_rank(b.dtype), a.name) < std::pair(dtype_rank(a.dtype), b.name);
  });
}

WrittenFile write_safetensors(const std::filesystem::path& path,
                              const std::vector<NamedTensor>& tensors,
                              std::optional<torch::Dtype> dtype) {
  std::vector<PlannedTensor> planned;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor& own = tensor;
    planned.push_back({name, own.sizes().vec(), stored_dtype(own, dtype), [&own] { return own; }});
  }
  return write_safetensors(path, std::move(planned));
}

WrittenFile write_safetensors(const std::filesystem::path& path,
                              std::vector<PlannedTensor> tensors) {
  sort_as_written(tensors);
  Json header = Json::object();
  header["__metadata__"] = {{"format", "pt"}};
  auto& entries = header.get_ref<Json::object_t&>();
  std::set<std::string> names;
  size_t at = 0;
  for (const PlannedTensor& entry : tensors) {
    UNLEARN_CHECK(names.insert(entry.name).second, "tensor ", entry.name, " given twice");
    const auto elements = static_cast<size_t>(c10::multiply_integers(entry.shape));
    const size_t end = at + elements * torch::elementSize(entry.dtype);
    // Appended: operator[] would look it up among all before it.
    entries.Json::object_t::Container::emplace_back(entry.name,
                                                    Json{{"dtype", dtype_name(entry.dtype)},
                                                         {"shape", entry.shape},
                                                         {"data_offsets", {at, end}}});
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return write_hashed_file(path, [&](std::ostream& out) {
    std::string length(sizeof(uint64_t), '\0');
    for (size_t i = 0; i < length.size(); ++i) {
      length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
    }
    out << length << text;
    for (const PlannedTensor& entry : tensors) {
      const torch::Tensor made = entry.make();
      UNLEARN_CHECK(made.sizes() == entry.shape, entry.name);
      write_tensor(out, made, entry.dtype, entry.name, path.string());
    }
  });
}

}  // namespace unlearn::checkpoint
