#include "io/set_aside.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kOld = ".old-";
constexpr int kDepth = 4;  // of runs below a study: STUDY/ROW/seed-1/untrained

fs::path ListFile(const fs::path& run_dir) { return run_dir / "steps" / "set_aside.jsonl"; }

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// "runs/a/checkpoint/" names the same folder as without the slash.
fs::path WithoutSlash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

bool IsThere(const fs::path& path) {
  std::error_code code;
  return fs::exists(fs::symlink_status(path, code));
}

void Enter(const fs::path& run_dir, const fs::path& aside, const std::string& why) {
  const fs::path list = ListFile(run_dir);
  std::error_code code;
  fs::create_directories(list.parent_path(), code);
  Json line;
  line["path"] = fs::absolute(aside).lexically_proximate(fs::absolute(run_dir)).string();
  line["when"] = Now();
  line["why"] = why;
  std::ofstream stream(list, std::ios::binary | std::ios::app);
  stream << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
  if (!stream) throw Error("cannot write " + list.string() + ": " + ErrnoText(errno));
}

// The name itself must be one of ours, whatever the list says.
bool IsOldName(const fs::path& path) {
  const std::string name = path.filename().string();
  const auto dot = name.rfind(kOld);
  if (dot == std::string::npos || dot == 0) return false;
  const std::string number = name.substr(dot + std::string(kOld).size());
  return !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
}

std::uintmax_t BytesIn(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(fs::symlink_status(path, code))) {
    return fs::is_regular_file(path, code) ? fs::file_size(path, code) : 0;
  }
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, code)) {
    if (entry.is_regular_file(code) && !entry.is_symlink(code)) bytes += entry.file_size(code);
  }
  return bytes;
}

std::vector<SetAsideItem> ReadList(const fs::path& run_dir) {
  std::vector<SetAsideItem> items;
  std::ifstream stream(ListFile(run_dir), std::ios::binary);
  for (std::string text; std::getline(stream, text);) {
    const Json line = Json::parse(text, nullptr, false);  // a line cut off by a kill names nothing yet
    if (!line.is_object() || !line.contains("path") || !line["path"].is_string()) continue;
    SetAsideItem item;
    item.path = (run_dir / line["path"].get<std::string>()).lexically_normal();
    if (line.contains("when") && line["when"].is_string()) item.when = line["when"];
    if (line.contains("why") && line["why"].is_string()) item.why = line["why"];
    if (!IsOldName(item.path) || !IsThere(item.path)) continue;
    // A number that was free again was taken twice: the later line is the true one.
    std::erase_if(items, [&](const SetAsideItem& other) { return other.path == item.path; });
    item.bytes = BytesIn(item.path);
    items.push_back(std::move(item));
  }
  return items;
}

// The run folders at or below `root` that have a list.
std::vector<fs::path> Lists(const fs::path& root) {
  std::error_code code;
  if (!fs::is_directory(root, code)) throw InputError(root.string() + ": no such folder");
  std::vector<fs::path> runs;
  if (fs::exists(ListFile(root))) runs.push_back(root);
  auto entry = fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied, code);
  for (; entry != fs::recursive_directory_iterator(); entry.increment(code)) {
    if (code) break;
    if (!entry->is_directory(code) || entry->is_symlink(code)) continue;
    if (entry.depth() + 1 >= kDepth || IsOldName(entry->path())) entry.disable_recursion_pending();
    if (fs::exists(ListFile(entry->path()))) runs.push_back(entry->path());
  }
  return runs;
}

void LinkOrCopy(const fs::path& from, const fs::path& to) {
  if (!fs::is_directory(from)) {
    std::error_code code;
    fs::create_hard_link(from, to, code);
    if (code) fs::copy_file(from, to);
    return;
  }
  fs::create_directory(to, from);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (!entry.path().filename().string().starts_with('.')) LinkOrCopy(entry.path(), to / entry.path().filename());
  }
}

}  // namespace

fs::path FreeOldName(const fs::path& path) {
  fs::path aside;
  for (int number = 1; aside.empty() || IsThere(aside); ++number) {
    aside = path.string() + kOld + std::to_string(number);
  }
  return aside;
}

fs::path SetAside(const fs::path& named, const fs::path& run_dir, const std::string& why) {
  const fs::path path = WithoutSlash(named);
  if (!IsThere(path)) return {};
  const fs::path aside = FreeOldName(path);
  // First the list: a kill in between leaves a line about nothing, not old work that no list names.
  Enter(run_dir, aside, why);
  std::error_code code;
  fs::rename(path, aside, code);
  if (code) throw Error("cannot set " + path.string() + " aside as " + aside.string() + ": " + code.message());
  return aside;
}

fs::path CopyAside(const fs::path& named, const fs::path& run_dir, const std::string& why) {
  const fs::path path = WithoutSlash(named);
  if (!IsThere(path)) return {};
  const fs::path aside = FreeOldName(path);
  Enter(run_dir, aside, why);
  try {
    if (fs::is_directory(path)) {
      LinkOrCopy(path, aside);
    } else {
      fs::copy_file(path, aside);  // a log is written in
    }
  } catch (const fs::filesystem_error& error) {
    throw Error("cannot keep a copy of " + path.string() + " as " + aside.string() + ": " + error.code().message());
  }
  return aside;
}

void BringBack(const fs::path& aside, const fs::path& named) {
  const fs::path path = WithoutSlash(named);
  if (IsThere(path)) throw Error("cannot bring " + aside.string() + " back: " + path.string() + " is there");
  std::error_code code;
  fs::rename(aside, path, code);
  if (code) throw Error("cannot bring " + aside.string() + " back: " + code.message());
}

std::vector<SetAsideItem> ListSetAside(const fs::path& run_dir) {
  std::vector<SetAsideItem> items;
  for (const fs::path& run : Lists(run_dir)) {
    for (auto& item : ReadList(run)) items.push_back(std::move(item));
  }
  std::ranges::stable_sort(items, {}, &SetAsideItem::when);
  return items;
}

std::vector<SetAsideItem> PruneSetAside(const fs::path& run_dir) {
  std::vector<SetAsideItem> removed;
  for (const SetAsideItem& item : ListSetAside(run_dir)) {
    std::error_code code;
    fs::remove_all(item.path, code);  // of a link, the link alone
    if (code) throw Error("cannot remove " + item.path.string() + ": " + code.message());
    removed.push_back(item);
  }
  return removed;
}

}  // namespace dualgeo
