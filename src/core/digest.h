// SHA-256 of what comes in parts, and a descriptor that is closed at the end of its scope.
#pragma once

#include <openssl/evp.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace unlearn {

class Sha256 {
 public:
  Sha256();
  void update(const char* data, size_t size);
  std::string hex();  // once, at the end

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

struct Descriptor {
  int value;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

}  // namespace unlearn
