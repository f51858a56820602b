// Blots a secret out of what a server sends back, in whatever spelling it comes: servers quote requests in their
// messages, as JSON within JSON, in URLs, in HTML, or in base64.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

class KeyBlotter {
 public:
  // key: printable ASCII. Shorter than 4 characters it is no secret ("x" for servers that want any key) and is left
  // alone, since it would be found everywhere.
  explicit KeyBlotter(std::string key);

  // `text` with "(key)" in place of: the key as it is; any of its characters escaped as in JSON (also twice), as %XX or
  // as an HTML entity; the base64 (both alphabets) of any text that holds it.
  std::string Blot(std::string_view text) const;

 private:
  // Length of the key's spelling at the front of `text`; 0 if there is none.
  std::size_t SpelledAt(std::string_view text) const;

  std::string key_;
  std::vector<std::string> base64_;  // what the key becomes at each alignment, without the edges that others share
};

}  // namespace dualgeo
