#include "data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "unlearn/core/error.h"

namespace unlearn::data {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;

// zlib's state, freed in any case.
class Inflater {
 public:
  explicit Inflater(std::string_view bytes) : rest_(bytes) {
    UNLEARN_CHECK(inflateInit2(&stream_, kGzipOnly) == Z_OK);
    feed();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills a part of `buffer`; the bytes written. `status` is zlib's.
  size_t read(std::string& buffer, int& status) {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream_, Z_NO_FLUSH);
    if (stream_.avail_in == 0) feed();
    return buffer.size() - stream_.avail_out;
  }
  bool at_end() const { return stream_.avail_in == 0 && rest_.empty(); }
  void next_member() { UNLEARN_CHECK(inflateReset(&stream_) == Z_OK); }

 private:
  void feed() {
    const size_t count = std::min<size_t>(rest_.size(), std::numeric_limits<uInt>::max());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
    stream_.avail_in = static_cast<uInt>(count);
    rest_.remove_prefix(count);
  }

  z_stream stream_ = {};
  std::string_view rest_;
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

std::string gunzip(std::string_view bytes, const std::filesystem::path& path, size_t limit) {
  constexpr size_t kBuffer = size_t{1} << 18;
  Inflater inflater(bytes);
  std::string text, buffer(kBuffer, '\0');
  while (true) {
    int status = Z_OK;
    const size_t count = inflater.read(buffer, status);
    if (text.size() + count > limit) {
      user_error(path.string(), ": unpacks to more than ", limit >> 20,
                 " MiB; unpack it yourself and give the parts that are needed");
    }
    text.append(buffer, 0, count);
    if (status == Z_STREAM_END) {
      if (inflater.at_end()) return text;
      inflater.next_member();
    } else if (status == Z_BUF_ERROR || (status == Z_OK && count == 0 && inflater.at_end())) {
      user_error(path.string(), ": the gzip file ends early; is its copy complete?");
    } else if (status != Z_OK) {
      user_error(path.string(), ": the gzip file is damaged; gzip -t FILE checks one");
    }
  }
}

}  // namespace unlearn::data
