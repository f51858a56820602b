// `dualgeo serve`: a page in the browser to ask about photos and to look into runs, and the same as JSON
// (docs/serve.md, src/serve/page/openapi.json). Pages, scripts and land come from the program; nothing is fetched from
// elsewhere.
//
// Who may ask: on loopback every process of this computer, but no page of another origin: a request must name a Host
// that is an address or this host's name (DNS rebinding), and one that changes or computes something must come from the
// page itself where it comes from a browser (Origin, Sec-Fetch-Site). On other addresses the token is needed as well.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace dualgeo {

struct ServeOptions {
  std::vector<std::filesystem::path> runs;  // photos are asked of the first; all can be looked into
  std::string host = "127.0.0.1";
  int port = 8765;                     // 0: any that is free
  std::string token;                   // needed where host is not loopback: at least 16 characters
  std::vector<std::string> overrides;  // as Locator's
  std::filesystem::path places;        // likewise
  std::filesystem::path keep;          // folder for the photos asked about and their answers; empty: none is kept
  std::size_t upload_megabytes = 32;   // larger photos are refused with 413
};

// Serves until a stop is requested (util/stop.h). ready: called with the page's address, once it can be asked. Throws
// InputError for options that do not go together and what Locator and a run's files throw; Error when the address
// cannot be taken.
void Serve(const ServeOptions& options, const std::function<void(const std::string& url)>& ready);

}  // namespace dualgeo
