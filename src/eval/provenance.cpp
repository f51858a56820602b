#include "dualgeo/eval/provenance.h"

#include <faiss/Index.h>
#include <openssl/opensslv.h>
#include <torch/version.h>

#include <GeographicLib/Constants.hpp>
#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/core/version.hpp>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/text.h"
#include "dualgeo/util/version.h"
#include "io/input_file.h"
#include "util/atomic_file.h"
#include "util/command_line.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

// What was typed, the program by its name alone.
std::vector<std::string> CommandLine() {
  std::vector<std::string> arguments = ArgumentsAsTyped();
  if (!arguments.empty()) arguments[0] = fs::path(arguments[0]).filename().string();
  return arguments;
}

// An argument as a POSIX shell reads it back.
std::string Quoted(const std::string& argument) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=@%+";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) return argument;
  std::string quoted = "'";
  for (const char c : argument) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

const char* StateName(FileState state) {
  switch (state) {
    case FileState::kSame:
      return "same";
    case FileState::kChanged:
      return "CHANGED";
    case FileState::kGone:
      return "GONE";
  }
  return "";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> LibraryVersions() {
  return {{"dualgeo", kVersion},
          {"libtorch", TORCH_VERSION},
          {"opencv", CV_VERSION},
          {"faiss", std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
                        std::to_string(FAISS_VERSION_PATCH)},
          {"geographiclib", GEOGRAPHICLIB_VERSION_STRING},
          {"openssl", OPENSSL_VERSION_TEXT},
          {"compiler", __VERSION__}};
}

std::string ContentSha256(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) return InputSha256(path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::string listing;
  for (const auto& file : files) listing += Sha256File(file) + "  " + file.lexically_relative(path).string() + "\n";
  return Sha256(listing);
}

void Provenance::AddFile(const std::string& role, const fs::path& path) {
  if (path.empty()) return;
  files.push_back({role, path.string(), ContentSha256(path)});
}

Provenance ThisProvenance(std::string config, std::int64_t seed) {
  Provenance provenance;
  provenance.command = CommandLine();
  provenance.folder = fs::current_path().string();
  provenance.config = std::move(config);
  provenance.seed = seed;
  provenance.versions = LibraryVersions();
  return provenance;
}

Json ToJson(const Provenance& provenance) {
  Json json = {{"command", provenance.command}, {"folder", provenance.folder},   {"config", provenance.config},
               {"seed", provenance.seed},       {"threads", provenance.threads}, {"device", provenance.device}};
  json["versions"] = Json::object();
  for (const auto& [name, version] : provenance.versions) json["versions"][name] = version;
  json["files"] = Json::array();
  for (const auto& file : provenance.files) {
    json["files"].push_back({{"role", file.role}, {"path", file.path}, {"sha256", file.sha256}});
  }
  return json;
}

Provenance ProvenanceFromJson(const Json& json, const fs::path& file) {
  try {
    Provenance provenance;
    json.at("command").get_to(provenance.command);
    json.at("folder").get_to(provenance.folder);
    json.at("config").get_to(provenance.config);
    json.at("seed").get_to(provenance.seed);
    json.at("threads").get_to(provenance.threads);
    json.at("device").get_to(provenance.device);
    for (const auto& item : json.at("versions").items()) {
      provenance.versions.emplace_back(item.key(), item.value().get<std::string>());
    }
    for (const auto& item : json.at("files")) {
      provenance.files.push_back({item.at("role").get<std::string>(), item.at("path").get<std::string>(),
                                  item.at("sha256").get<std::string>()});
    }
    return provenance;
  } catch (const Json::exception& error) {
    throw InputError(file.string() + ": its provenance cannot be read: " + Printable(error.what(), 200));
  }
}

Provenance ReadProvenance(const fs::path& file) {
  const Json json = Json::parse(ReadFile(file), nullptr, false);
  if (json.is_discarded()) throw InputError(file.string() + ": is not JSON");
  if (!json.is_object() || !json.contains("provenance")) {
    throw InputError(file.string() + ": has no provenance; tables that evaluate, compare, rerank sweep, ablate, " +
                     "robustness and run write as JSON have one");
  }
  return ProvenanceFromJson(json["provenance"], file);
}

std::vector<fs::path> FilesWithProvenance(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().extension() != ".json") continue;
    const Json json = Json::parse(ReadFile(entry.path()), nullptr, false);
    if (json.is_object() && json.contains("provenance")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

bool ProvenanceCheck::FilesMatch() const {
  return std::ranges::all_of(files, [](const FileCheck& check) { return check.state == FileState::kSame; });
}

ProvenanceCheck CheckProvenance(const Provenance& provenance) {
  ProvenanceCheck check;
  for (const auto& file : provenance.files) {
    FileCheck result{file, FileState::kGone, fs::path(provenance.folder) / file.path};
    if (!fs::exists(result.found)) result.found = file.path;
    if (fs::exists(result.found) && !IsStream(result.found)) {
      result.state = ContentSha256(result.found) == file.sha256 ? FileState::kSame : FileState::kChanged;
    }
    check.files.push_back(std::move(result));
  }
  std::map<std::string, std::string> now;
  for (const auto& [name, version] : LibraryVersions()) now[name] = version;
  for (const auto& [name, version] : provenance.versions) {
    if (now[name] != version) check.versions.push_back({name, version, now[name]});
  }
  return check;
}

std::string FormatCheck(const Provenance& provenance, const ProvenanceCheck& check) {
  std::string text;
  for (const auto& result : check.files) {
    std::string state = StateName(result.state);
    state.resize(9, ' ');
    text += state + result.file.role + ": " + Printable(result.file.path, 400) + "\n";
  }
  for (const auto& change : check.versions) {
    text += "version  " + change.name + " was " + change.then + ", is " + (change.now.empty() ? "absent" : change.now);
    text += "\n";
  }
  text += "made in  " + provenance.folder + "\nby      ";
  for (const auto& argument : provenance.command) text += " " + Quoted(argument);
  return text + "\n";
}

}  // namespace dualgeo
