// TensorBoard event files: scalars as TFRecords of Event protobufs
// (github.com/tensorflow/tensorboard, compat/proto/event.proto and summary.proto).
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unlearn::train {

class EventFile {
 public:
  // Opens a new file in `folder` (created when missing).
  explicit EventFile(const std::filesystem::path& folder);

  // One event with all scalars of a step; flushed at once.
  void write(int64_t step, const std::vector<std::pair<std::string, double>>& scalars);

 private:
  void write_record(const std::string& event);
  std::filesystem::path path_;
  std::ofstream out_;
};

// CRC-32C (Castagnoli), as TFRecords use it before masking.
uint32_t crc32c(std::string_view data);

}  // namespace unlearn::train
