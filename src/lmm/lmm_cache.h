// Every request to a language model and what came of it, in one SQLite file: a rerun costs nothing, a stopped run goes
// on, and anyone can recompute a published table from it without a server and without the photos.
//
//   answer   key, outcome (answer | rejected | gave_up), text, reason, status, photo, prompt, sample, request (JSON,
//   the
//            photo by its SHA-256), response (body), model, finish_reason, prompt_tokens, completion_tokens, created
//   attempt  key, created, seconds, status, error: every HTTP request, retries included
//   photo    id, sha256: so that a replay needs no photos
//   claim    key, owner, expires: questions under way, so that several processes on one cache ask each once
// The key of a request is the SHA-256 of all that determines it: endpoint, model, messages, the photo's bytes and
// reduction, sampling settings, response format and sample number. No API key is ever stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace dualgeo {

struct CachedAnswer {
  std::string key;
  std::string outcome;
  std::string text;
  std::string reason;
  long status = 0;
  std::string photo;
  std::string prompt;
  int sample = 0;
  std::string request;
  std::string response;
  std::string model;
  std::string finish_reason;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t row = 0;  // as found: another one after every Put
};

class LmmCache {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  // kReadWrite makes the file when there is none. Throws InputError for a missing file (kReadOnly), one that is no
  // cache, or one of a newer version, or whose tables are not those that this program makes (a view may never end);
  // Error when it cannot be opened. Views, triggers and functions of a schema from elsewhere are never run.
  LmmCache(const std::filesystem::path& path, Mode mode);
  ~LmmCache();

  // All may be called from several threads, and by several processes. Throw Error (naming the file) when SQLite does:
  // disk full, file damaged.
  std::optional<CachedAnswer> Find(const std::string& key);
  void Put(const CachedAnswer& answer);
  void LogAttempt(const std::string& key, double seconds, long status, const std::string& error);
  void PutPhoto(const std::string& id, const std::string& sha256);
  std::optional<std::string> FindPhoto(const std::string& id);

  // A question under way belongs to one claim. False when it is somebody's (of this process, too), unless that process
  // has ended, as far as this machine can tell, or has not renewed its claim within its lease.
  bool Claim(const std::string& key, double lease_seconds);
  void Renew(const std::string& key, double lease_seconds);
  void Release(const std::string& key) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dualgeo
