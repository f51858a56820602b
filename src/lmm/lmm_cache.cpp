#include "lmm/lmm_cache.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <fstream>
#include <mutex>
#include <sstream>
#include <system_error>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "io/input_file.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

constexpr int kCacheVersion = 1;
constexpr int kApplicationId = 0x64676561;  // "dgea", in the file's header

// The text stands in the file; a file whose text is another was not made here. Blanks do not count.
struct Table {
  const char* name;
  const char* sql;
  bool may_be_missing = false;  // older caches lack it
};

constexpr Table kTables[] = {
    {"answer",
     "CREATE TABLE answer(key TEXT PRIMARY KEY, outcome TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL, "
     "status INTEGER NOT NULL, photo TEXT NOT NULL, prompt TEXT NOT NULL, sample INTEGER NOT NULL, request TEXT NOT "
     "NULL, response TEXT NOT NULL, model TEXT NOT NULL, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, "
     "completion_tokens INTEGER NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"},
    {"attempt",
     "CREATE TABLE attempt(key TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, seconds REAL NOT NULL, "
     "status INTEGER NOT NULL, error TEXT NOT NULL)"},
    {"photo", "CREATE TABLE photo(id TEXT PRIMARY KEY, sha256 TEXT NOT NULL)"},
    {"claim", "CREATE TABLE claim(key TEXT PRIMARY KEY, owner TEXT NOT NULL, expires INTEGER NOT NULL)", true},
};

// A statement of ours is a look-up or an insertion: thousands of steps, not many millions.
constexpr int kStepsOfTheVirtualMachine = 100'000;
constexpr int kMostChecks = 500;

std::string WithoutBlanks(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return text;
}

// SQLite's words ("disk I/O error") and, where the system failed, its own ("No space left on device").
std::string CacheReason(sqlite3* db) {
  if (db == nullptr) return "out of memory";
  const int system = sqlite3_system_errno(db);
  std::string reason = sqlite3_errmsg(db);
  if (system != 0) reason += " (" + ErrnoText(system) + ")";
  return reason;
}

}  // namespace

struct LmmCacheFile {
  std::filesystem::path path;
  sqlite3* db = nullptr;
  int checks = 0;  // of the statement under way
};

struct LmmCache::Impl : LmmCacheFile {
  bool read_only = false;
  std::mutex mutex;

  ~Impl() {
    if (db != nullptr && !read_only) {
      // Back to one plain file that can be copied and published; the last process to end does it.
      sqlite3_busy_timeout(db, 0);
      sqlite3_exec(db, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
    }
    sqlite3_close(db);
  }
  void Open();
  void Distrust();
  void CheckSchema();
  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(path.string() + ": " + what + ": " + CacheReason(db));
  }
  void Run(const char* sql) {
    checks = 0;
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) Fail("cache cannot be written");
  }
  int Number(const char* sql);
};

namespace {

class Statement {
 public:
  Statement(LmmCacheFile& cache, const char* sql) : path_(cache.path), db_(cache.db) {
    cache.checks = 0;
    if (sqlite3_prepare_v2(db_, sql, -1, &statement_, nullptr) != SQLITE_OK) Fail();
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
  [[noreturn]] void Fail() const { throw Error(path_.string() + ": cache: " + CacheReason(db_)); }

  const std::filesystem::path& path_;
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
};

std::int64_t UnixSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// In clock ticks after the machine's start: with the id, one process for ever. Empty: there is no such process.
std::string StartOf(const std::string& pid) {
  const std::string stat = FirstLine("/proc/" + pid + "/stat");
  const std::size_t name_end = stat.rfind(')');  // the name may hold blanks and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return field;
}

// "<where process ids have their meaning>/<id>/<start>"
std::string MachineOfIds() {
  std::error_code ignored;
  return FirstLine("/proc/sys/kernel/random/boot_id") + " " +
         std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
}

const std::string& ThisProcess() {
  static const std::string self = [] {
    const std::string pid = std::to_string(getpid());
    return MachineOfIds() + "/" + pid + "/" + StartOf(pid);
  }();
  return self;
}

// False where this machine cannot tell.
bool HasEnded(const std::string& owner) {
  const std::size_t start = owner.rfind('/');
  const std::size_t pid = start == std::string::npos ? start : owner.rfind('/', start - 1);
  static const std::string here = MachineOfIds();
  if (pid == std::string::npos || owner.substr(0, pid) != here) return false;
  return StartOf(owner.substr(pid + 1, start - pid - 1)) != owner.substr(start + 1);
}

}  // namespace

int LmmCache::Impl::Number(const char* sql) {
  Statement statement(*this, sql);
  return statement.Step() ? static_cast<int>(statement.Integer(0)) : 0;
}

// A file from elsewhere may hold anything: nothing of its schema is run, and no statement of ours takes long.
void LmmCache::Impl::Distrust() {
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 28);
  sqlite3_progress_handler(
      db, kStepsOfTheVirtualMachine,
      [](void* file) { return ++static_cast<LmmCacheFile*>(file)->checks > kMostChecks ? 1 : 0; },
      static_cast<LmmCacheFile*>(this));
}

void LmmCache::Impl::CheckSchema() {
  std::vector<std::string> wrong;
  for (const Table& table : kTables) {
    Statement find(*this, "SELECT type, sql FROM sqlite_master WHERE name = ?");
    const bool there = find.Bind(std::string(table.name)).Step();
    if (!there && table.may_be_missing) continue;
    if (!there || find.Text(0) != "table" || WithoutBlanks(find.Text(1)) != WithoutBlanks(table.sql)) {
      wrong.emplace_back(table.name);
    }
  }
  if (!wrong.empty()) {
    read_only = true;
    throw InputError(path.string() + ": is no cache of answers that this program made: its " + Join(wrong) +
                     (wrong.size() == 1 ? " is no such table" : " are no such tables"));
  }
}

void LmmCache::Impl::Open() {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (read_only && !std::filesystem::exists(status)) {
    throw InputError(path.string() + ": there is no such cache of answers");
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    read_only = true;
    throw InputError(path.string() + ": is a folder or a device, no SQLite file");
  }
  if (std::filesystem::exists(status)) {
    if (const auto other = DescribeOtherFile(ReadHead(path), FileUse::kCache)) {
      read_only = true;  // leave it as it is
      throw InputError(path.string() + ": " + *other);
    }
  }
  if (!read_only) CreateFolder(path.parent_path());
  const int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_FULLMUTEX, nullptr) != SQLITE_OK) {
    Fail("cache cannot be opened");
  }
  sqlite3_busy_timeout(db, 30'000);
  Distrust();
}

LmmCache::LmmCache(const std::filesystem::path& path, Mode mode) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->read_only = mode == Mode::kReadOnly;
  impl_->Open();
  int tables = 0;
  int application = 0;
  int version = 0;
  try {
    tables = impl_->Number("SELECT count(*) FROM sqlite_master");
    application = impl_->Number("PRAGMA application_id");
    version = impl_->Number("PRAGMA user_version");
  } catch (const Error&) {
    impl_->read_only = true;  // leave it as it is
    throw InputError(path.string() + ": is no SQLite file: " + sqlite3_errmsg(impl_->db));
  }
  if (tables > 0 && application != kApplicationId) {
    impl_->read_only = true;
    throw InputError(path.string() + ": is an SQLite file, but no cache of answers");
  }
  if (version > kCacheVersion) {
    impl_->read_only = true;
    throw InputError(path.string() + ": cache of version " + std::to_string(version) + "; this program knows " +
                     std::to_string(kCacheVersion));
  }
  if (tables > 0) impl_->CheckSchema();
  if (impl_->read_only) {
    if (tables == 0) throw InputError(path.string() + ": the cache of answers is empty");
    return;
  }
  // WAL while writing: an answer is on disk with one write, and a crash loses nothing that was committed.
  impl_->Run("PRAGMA journal_mode=WAL");
  impl_->Run("PRAGMA synchronous=NORMAL");
  impl_->Run("BEGIN IMMEDIATE");
  if (impl_->Number("SELECT count(*) FROM sqlite_master") == 0) {  // another process may have been faster
    impl_->Run(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str());
    impl_->Run(("PRAGMA user_version=" + std::to_string(kCacheVersion)).c_str());
  }
  for (const Table& table : kTables) {
    if (impl_->Number(("SELECT count(*) FROM sqlite_master WHERE name = '" + std::string(table.name) + "'").c_str()) ==
        0) {
      impl_->Run(table.sql);
    }
  }
  impl_->Run("COMMIT");
}

LmmCache::~LmmCache() = default;

std::optional<CachedAnswer> LmmCache::Find(const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  Statement find(
      *impl_,
      "SELECT outcome, text, reason, status, photo, prompt, sample, request, response, model, finish_reason, "
      "prompt_tokens, completion_tokens, rowid FROM answer WHERE key = ?");
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
  answer.row = find.Integer(13);
  return answer;
}

void LmmCache::Put(const CachedAnswer& a) {
  const std::lock_guard lock(impl_->mutex);
  Statement put(*impl_,
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
  Statement put(*impl_, "INSERT INTO attempt(key, seconds, status, error) VALUES(?, ?, ?, ?)");
  put.Bind(key).Bind(seconds).Bind(static_cast<std::int64_t>(status)).Bind(error).Step();
}

void LmmCache::PutPhoto(const std::string& id, const std::string& sha256) {
  const std::lock_guard lock(impl_->mutex);
  Statement put(*impl_, "INSERT OR REPLACE INTO photo(id, sha256) VALUES(?, ?)");
  put.Bind(id).Bind(sha256).Step();
}

std::optional<std::string> LmmCache::FindPhoto(const std::string& id) {
  const std::lock_guard lock(impl_->mutex);
  Statement find(*impl_, "SELECT sha256 FROM photo WHERE id = ?");
  if (!find.Bind(id).Step()) return std::nullopt;
  return find.Text(0);
}

bool LmmCache::Claim(const std::string& key, double lease_seconds) {
  const std::lock_guard lock(impl_->mutex);
  impl_->Run("BEGIN IMMEDIATE");
  bool free = true;
  try {
    {
      Statement find(*impl_, "SELECT owner, expires FROM claim WHERE key = ?");
      free = !find.Bind(key).Step() || find.Integer(1) < UnixSeconds() || HasEnded(find.Text(0));
    }
    if (free) {
      Statement put(*impl_, "INSERT OR REPLACE INTO claim(key, owner, expires) VALUES(?, ?, ?)");
      put.Bind(key).Bind(ThisProcess()).Bind(UnixSeconds() + static_cast<std::int64_t>(lease_seconds)).Step();
    }
    impl_->Run("COMMIT");
  } catch (...) {
    sqlite3_exec(impl_->db, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
  return free;
}

void LmmCache::Renew(const std::string& key, double lease_seconds) {
  const std::lock_guard lock(impl_->mutex);
  Statement put(*impl_, "UPDATE claim SET expires = ? WHERE key = ? AND owner = ?");
  put.Bind(UnixSeconds() + static_cast<std::int64_t>(lease_seconds)).Bind(key).Bind(ThisProcess()).Step();
}

void LmmCache::Release(const std::string& key) noexcept {
  try {
    const std::lock_guard lock(impl_->mutex);
    Statement remove(*impl_, "DELETE FROM claim WHERE key = ? AND owner = ?");
    remove.Bind(key).Bind(ThisProcess()).Step();
  } catch (const Error&) {  // it ends with the process, or with its lease
  }
}

}  // namespace dualgeo
