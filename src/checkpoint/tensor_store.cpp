#include <algorithm>
#include <cstdio>
#include <set>

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"

namespace unlearn::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

[[noreturn]] void refuse_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "pytorch_model.bin", ignored) ||
      fs::exists(folder / "pytorch_model.bin.index.json", ignored)) {
    user_error(folder.string(), ": holds only pickled weights (pytorch_model.bin); save them as ",
               "safetensors with transformers' save_pretrained first");
  }
  user_error(folder.string(), ": has neither ", kSingleFile, " nor ", kIndexFile);
}

std::string shard_name(size_t index, size_t count) {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name;
}

}  // namespace

TensorStore::TensorStore(const fs::path& folder) : folder_(folder) {
  std::error_code ignored;
  if (fs::exists(folder / kSingleFile, ignored)) {
    check_stays(folder, kSingleFile);
    shards_.emplace_back(folder / kSingleFile);
    for (const auto& [name, info] : shards_.front().tensors()) shard_of_[name] = 0;
  } else if (fs::exists(folder / kIndexFile, ignored)) {
    open_index(folder, folder / kIndexFile);
  } else {
    refuse_folder(folder);
  }
}

namespace {

// The index's table of tensor names and shards.
std::map<std::string, std::string> read_weight_map(const fs::path& index) {
  const Json json = read_json(index);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object()) {
    user_error(index.string(), ": has no object 'weight_map'");
  }
  if (map->empty()) user_error(index.string(), ": weight_map names no tensor");
  std::map<std::string, std::string> weight_map;
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string()) {
      user_error(index.string(), ": weight_map: '", name, "' is not a file name");
    }
    const auto file_name = file.get<std::string>();
    // A file name with a folder in it could reach outside the checkpoint.
    if (file_name.empty() || fs::path(file_name).filename() != file_name || file_name == ".." ||
        file_name.find('\0') != std::string::npos) {
      user_error(index.string(), ": weight_map: '", file_name, "' is not a plain file name");
    }
    weight_map[name] = file_name;
  }
  return weight_map;
}

}  // namespace

void TensorStore::open_index(const fs::path& folder, const fs::path& index) {
  const std::map<std::string, std::string> weight_map = read_weight_map(index);
  std::set<std::string> files;
  for (const auto& [name, file] : weight_map) files.insert(file);
  for (const std::string& file : files) {
    std::error_code ignored;
    if (!fs::exists(folder / file, ignored)) {
      user_error(index.string(), ": names the shard ", file, ", which is not there");
    }
    check_stays(folder, file);
    shards_.emplace_back(folder / file);
    for (const auto& [name, info] : shards_.back().tensors()) {
      const auto [other, is_new] = shard_of_.try_emplace(name, shards_.size() - 1);
      if (!is_new) {
        user_error(shards_.back().path().string(), ": holds tensor '", name, "', which ",
                   shards_[other->second].path().filename().string(), " holds, too");
      }
      const auto listed = weight_map.find(name);
      if (listed == weight_map.end()) {
        oddities_.push_back(
            cat(file, " holds tensor '", name, "', which ", kIndexFile, " does not name"));
      } else if (listed->second != file) {
        oddities_.push_back(cat(file, " holds tensor '", name, "', which ", kIndexFile,
                                " puts into ", listed->second));
      }
    }
  }
  for (const auto& [name, file] : weight_map) {
    if (!shard_of_.contains(name)) {
      user_error(index.string(), ": says that ", file, " holds tensor '", name,
                 "', but it does not");
    }
  }
}

const SafetensorsFile& TensorStore::shard(const std::string& name) const {
  const auto found = shard_of_.find(name);
  if (found == shard_of_.end()) user_error(folder_.string(), ": has no tensor '", name, "'");
  return shards_[found->second];
}

std::vector<std::string> TensorStore::names() const {
  std::vector<std::string> names;
  for (const auto& [name, index] : shard_of_) names.push_back(name);
  return names;
}

const TensorInfo& TensorStore::info(const std::string& name) const {
  return shard(name).tensors().at(name);
}

const fs::path& TensorStore::file_of(const std::string& name) const { return shard(name).path(); }

torch::Tensor TensorStore::view(const std::string& name) const { return shard(name).view(name); }

void TensorStore::release(const std::string& name) const { shard(name).release(name); }

void TensorStore::check_unchanged() const {
  for (const SafetensorsFile& file : shards_) file.check_unchanged();
}

WrittenFiles write_tensor_folder(const fs::path& folder, const std::vector<NamedTensor>& tensors,
                                 torch::Dtype dtype, int64_t max_shard_bytes) {
  const auto bytes_of = [&](const NamedTensor& entry) {
    const torch::Dtype stored =
        entry.tensor.is_floating_point() ? dtype : entry.tensor.scalar_type();
    return entry.tensor.numel() * static_cast<int64_t>(torch::elementSize(stored));
  };
  std::vector<std::vector<NamedTensor>> shards(1);
  int64_t shard_bytes = 0;
  int64_t total_bytes = 0;
  int64_t total_parameters = 0;
  for (const NamedTensor& entry : tensors) {
    const int64_t bytes = bytes_of(entry);
    if (!shards.back().empty() && shard_bytes + bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(entry);
    shard_bytes += bytes;
    total_bytes += bytes;
    total_parameters += entry.tensor.numel();
  }
  if (shards.size() == 1) {
    return {{kSingleFile, write_safetensors(folder / kSingleFile, shards.front(), dtype)}};
  }
  WrittenFiles written;
  std::map<std::string, std::string> weight_map;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    written.emplace_back(name, write_safetensors(folder / name, shards[i], dtype));
    for (const NamedTensor& entry : shards[i]) weight_map[entry.name] = name;
  }
  Json index = {{"metadata", {{"total_parameters", total_parameters}, {"total_size", total_bytes}}},
                {"weight_map", weight_map}};
  written.emplace_back(kIndexFile, write_hashed_file(folder / kIndexFile, index.dump(2) + "\n"));
  return written;
}

}  // namespace unlearn::checkpoint
