#include "dualgeo/refine/lmm_cache.h"

#include <sqlite3.h>

#include <mutex>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

constexpr int kCacheVersion = 1;
constexpr int kApplicationId = 0x64676561;  // "dgea", in the file's header

constexpr char kSchema[] = R"(
  CREATE TABLE answer(key TEXT PRIMARY KEY, outcome TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL,
    status INTEGER NOT NULL, photo TEXT NOT NULL, prompt TEXT NOT NULL, sample INTEGER NOT NULL, request TEXT NOT NULL,
    response TEXT NOT NULL, model TEXT NOT NULL, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE attempt(key TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, seconds REAL NOT NULL,
    status INTEGER NOT NULL, error TEXT NOT NULL);
  CREATE TABLE photo(id TEXT PRIMARY KEY, sha256 TEXT NOT NULL);
)";

}  // namespace

struct LmmCache::Impl {
  std::filesystem::path path;
  sqlite3* db = nullptr;
  bool read_only = false;
  std::mutex mutex;

  ~Impl() {
    // Back to one plain file that can be copied and published.
    if (db != nullptr && !read_only) sqlite3_exec(db, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
    sqlite3_close(db);
  }
  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(path.string() + ": " + what + ": " + (db != nullptr ? sqlite3_errmsg(db) : "out of memory"));
  }
  void Run(const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) Fail("cache cannot be written");
  }
  int Number(const char* sql);
};

namespace {

class Statement {
 public:
  Statement(const std::filesystem::path& path, sqlite3* db, const char* sql) : path_(path), db_(db) {
    if (sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) != SQLITE_OK) Fail();
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(const std::string& text) {
    if (sqlite3_bind_text(statement_, ++at_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT) !=
        SQLITE_OK) {
      Fail();
    }
    return *this;
  }
  Statement& Bind(std::int64_t value) {
    if (sqlite3_bind_int64(statement_, ++at_, value) != SQLITE_OK) Fail();
    return *this;
  }
  Statement& Bind(double value) {
    if (sqlite3_bind_double(statement_, ++at_, value) != SQLITE_OK) Fail();
    return *this;
  }
  bool Step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) Fail();
    return code == SQLITE_ROW;
  }
  std::string Text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return text == nullptr ? std::string()
                           : std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::int64_t Integer(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  [[noreturn]] void Fail() const { throw Error(path_.string() + ": cache: " + sqlite3_errmsg(db_)); }

  const std::filesystem::path& path_;
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
};

}  // namespace

int LmmCache::Impl::Number(const char* sql) {
  Statement statement(path, db, sql);
  return statement.Step() ? static_cast<int>(statement.Integer(0)) : 0;
}

LmmCache::LmmCache(const std::filesystem::path& path, Mode mode) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->read_only = mode == Mode::kReadOnly;
  if (impl_->read_only && !std::filesystem::exists(path)) {
    throw InputError(path.string() + ": there is no such cache of answers");
  }
  if (!impl_->read_only && path.has_parent_path()) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
  }
  const int flags = impl_->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(path.c_str(), &impl_->db, flags | SQLITE_OPEN_FULLMUTEX, nullptr) != SQLITE_OK) {
    impl_->Fail("cache cannot be opened");
  }
  sqlite3_busy_timeout(impl_->db, 30'000);
  int tables = 0;
  int application = 0;
  int version = 0;
  try {
    tables = impl_->Number("SELECT count(*) FROM sqlite_master");
    application = impl_->Number("PRAGMA application_id");
    version = impl_->Number("PRAGMA user_version");
  } catch (const Error&) {
    throw InputError(path.string() + ": is no SQLite file: " + sqlite3_errmsg(impl_->db));
  }
  if (tables > 0 && application != kApplicationId) {
    impl_->read_only = true;  // leave it as it is
    throw InputError(path.string() + ": is an SQLite file, but no cache of answers");
  }
  if (version > kCacheVersion) {
    impl_->read_only = true;
    throw InputError(path.string() + ": cache of version " + std::to_string(version) + "; this program knows " +
                     std::to_string(kCacheVersion));
  }
  if (impl_->read_only) {
    if (tables == 0) throw InputError(path.string() + ": the cache of answers is empty");
    return;
  }
  // WAL while writing: an answer is on disk with one write, and a crash loses nothing that was committed.
  impl_->Run("PRAGMA journal_mode=WAL");
  impl_->Run("PRAGMA synchronous=NORMAL");
  if (tables == 0) {
    impl_->Run("BEGIN IMMEDIATE");
    if (impl_->Number("SELECT count(*) FROM sqlite_master") == 0) {  // another process may have been faster
      impl_->Run(kSchema);
      impl_->Run(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str());
      impl_->Run(("PRAGMA user_version=" + std::to_string(kCacheVersion)).c_str());
    }
    impl_->Run("COMMIT");
  }
}

LmmCache::~LmmCache() = default;

std::optional<CachedAnswer> LmmCache::Find(const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  Statement find(
      impl_->path, impl_->db,
      "SELECT outcome, text, reason, status, photo, prompt, sample, request, response, model, finish_reason, "
      "prompt_tokens, completion_tokens FROM answer WHERE key = ?");
  if (!find.Bind(key).Step()) return std::nullopt;
  CachedAnswer answer;
  answer.key = key;
  answer.outcome = find.Text(0);
  answer.text = find.Text(1);
  answer.reason = find.Text(2);
  answer.status = static_cast<long>(find.Integer(3));
  answer.photo = find.Text(4);
  answer.prompt = find.Text(5);
  answer.sample = static_cast<int>(find.Integer(6));
  answer.request = find.Text(7);
  answer.response = find.Text(8);
  answer.model = find.Text(9);
  answer.finish_reason = find.Text(10);
  answer.prompt_tokens = find.Integer(11);
  answer.completion_tokens = find.Integer(12);
  return answer;
}

void LmmCache::Put(const CachedAnswer& a) {
  const std::lock_guard lock(impl_->mutex);
  Statement put(impl_->path, impl_->db,
                "INSERT OR REPLACE INTO answer(key, outcome, text, reason, status, photo, prompt, sample, request, "
                "response, model, finish_reason, prompt_tokens, completion_tokens) "
                "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  put.Bind(a.key).Bind(a.outcome).Bind(a.text).Bind(a.reason).Bind(static_cast<std::int64_t>(a.status));
  put.Bind(a.photo).Bind(a.prompt).Bind(static_cast<std::int64_t>(a.sample)).Bind(a.request).Bind(a.response);
  put.Bind(a.model).Bind(a.finish_reason).Bind(a.prompt_tokens).Bind(a.completion_tokens);
  put.Step();
}

void LmmCache::LogAttempt(const std::string& key, double seconds, long status, const std::string& error) {
  const std::lock_guard lock(impl_->mutex);
  Statement put(impl_->path, impl_->db, "INSERT INTO attempt(key, seconds, status, error) VALUES(?, ?, ?, ?)");
  put.Bind(key).Bind(seconds).Bind(static_cast<std::int64_t>(status)).Bind(error).Step();
}

void LmmCache::PutPhoto(const std::string& id, const std::string& sha256) {
  const std::lock_guard lock(impl_->mutex);
  Statement put(impl_->path, impl_->db, "INSERT OR REPLACE INTO photo(id, sha256) VALUES(?, ?)");
  put.Bind(id).Bind(sha256).Step();
}

std::optional<std::string> LmmCache::FindPhoto(const std::string& id) {
  const std::lock_guard lock(impl_->mutex);
  Statement find(impl_->path, impl_->db, "SELECT sha256 FROM photo WHERE id = ?");
  if (!find.Bind(id).Step()) return std::nullopt;
  return find.Text(0);
}

}  // namespace dualgeo
