#include "dualgeo/util/hash.h"

#include <openssl/evp.h>

#include <memory>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw Error("SHA-256 unavailable");
  }
  void Add(const void* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  Sha256Digest Bytes() {
    Sha256Digest bytes{};
    EVP_DigestFinal_ex(context_.get(), bytes.data(), nullptr);
    return bytes;
  }
  std::string Hex() { return HexOf(Bytes()); }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string HexOf(const Sha256Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const auto byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string Sha256(std::string_view bytes) {
  Digest digest;
  digest.Add(bytes.data(), bytes.size());
  return digest.Hex();
}

Sha256Digest Sha256Bytes(std::string_view bytes) {
  Digest digest;
  digest.Add(bytes.data(), bytes.size());
  return digest.Bytes();
}

std::string Sha256File(const std::filesystem::path& path) {
  FileReader file(path);
  Digest digest;
  char buffer[1 << 16];
  while (const std::size_t n = file.Read(buffer, sizeof buffer)) {
    digest.Add(buffer, n);
    ThrowIfStopped();
  }
  return digest.Hex();
}

}  // namespace dualgeo
