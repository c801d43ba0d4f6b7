#include "unlearn/train/event_file.h"

#include <array>
#include <chrono>
#include <cstring>

#include "unlearn/core/error.h"
#include "unlearn/core/manifest.h"

namespace unlearn::train {
namespace {

// Protobuf wire types.
constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kBytes = 2;
constexpr uint32_t kFixed32 = 5;

template <class T>
void append_raw(std::string& out, T value) {  // little-endian hosts only, as LibTorch's wheels
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void append_tag(std::string& out, uint32_t field, uint32_t type) {
  append_varint(out, field << 3 | type);
}

void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_tag(out, field, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Event.wall_time = 1, Event.step = 2.
std::string event_head(int64_t step) {
  std::string event;
  append_tag(event, 1, kFixed64);
  append_raw(event, wall_time());
  append_tag(event, 2, kVarint);
  append_varint(event, static_cast<uint64_t>(step));
  return event;
}

uint32_t masked_crc(std::string_view data) {
  const uint32_t crc = crc32c(data);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

}  // namespace

uint32_t crc32c(std::string_view data) {
  static const auto table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i < entries.size(); ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = (value >> 1) ^ ((value & 1U) != 0 ? 0x82F63B78U : 0U);
      entries[i] = value;
    }
    return entries;
  }();
  uint32_t crc = ~0U;
  for (const char c : data) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  return ~crc;
}

EventFile::EventFile(const std::filesystem::path& folder) {
  const std::string name =
      cat("events.out.tfevents.", static_cast<int64_t>(wall_time()), ".unlearn.", unique_suffix());
  OwnFolder(folder).claim({name});
  path_ = folder / name;
  out_.open(path_, std::ios::binary);
  std::string event = event_head(0);
  append_bytes(event, 3, "brain.Event:2");  // Event.file_version
  write_record(event);
}

void EventFile::write_record(const std::string& event) {
  std::string length;
  append_raw(length, static_cast<uint64_t>(event.size()));
  std::string record = length;
  append_raw(record, masked_crc(length));
  record += event;
  append_raw(record, masked_crc(event));
  out_.write(record.data(), static_cast<std::streamsize>(record.size()));
  out_.flush();
  if (!out_) user_error(path_.string(), ": cannot write (disk full?)");
}

void EventFile::write(int64_t step, const std::vector<std::pair<std::string, double>>& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    std::string entry;  // Summary.Value: tag = 1, simple_value = 2
    append_bytes(entry, 1, tag);
    append_tag(entry, 2, kFixed32);
    append_raw(entry, static_cast<float>(value));
    append_bytes(summary, 1, entry);
  }
  std::string event = event_head(step);
  append_bytes(event, 5, summary);  // Event.summary
  write_record(event);
}

}  // namespace unlearn::train
