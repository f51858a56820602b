#include "pipeline/step.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "dualgeo/util/version.h"
#include "earlier_records.h"
#include "io/set_aside.h"
#include "pipeline/run_paths.h"
#include "runtime/processes.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

using StepJson = nlohmann::ordered_json;

constexpr int kRecordFormat = 2;

}  // namespace

// What a step is made from, or what it made: role -> where it lay and what was in it.
struct Recorded {
  fs::path path;
  Content content;
};
using Roles = std::map<std::string, Recorded>;

struct StepRecord {
  OptionValues settings;
  Roles inputs;
  std::optional<Roles> outputs;  // of a finished step
  std::string unfinished;        // why it is not final all the same
  double seconds = 0;            // that it took, with those of tries that were interrupted
};

namespace {

StepJson RolesJson(const Roles& roles) {
  StepJson json = StepJson::object();
  for (const auto& [role, recorded] : roles) {
    json[role] = {{"path", recorded.path.string()}, {"sha256", recorded.content.sha256}};
    if (recorded.content.missing > 0) json[role]["missing"] = recorded.content.missing;
  }
  return json;
}

Roles ReadRoles(const StepJson& json) {
  Roles roles;
  for (const auto& [role, value] : json.items()) {
    roles[role] = {value.at("path").get<std::string>(),
                   {value.at("sha256").get<std::string>(), value.value("missing", std::int64_t{0})}};
  }
  return roles;
}

void WriteStepRecord(const fs::path& path, const StepRecord& record, const OptionValues& others) {
  StepJson json;
  json["format"] = kRecordFormat;
  json["made_from"] = {{"settings", record.settings}, {"inputs", RolesJson(record.inputs)}};
  json["recorded"] = {{"version", kVersion}, {"settings", others}};
  json["seconds"] = record.seconds;
  if (record.outputs) json["outputs"] = RolesJson(*record.outputs);
  if (!record.unfinished.empty()) json["unfinished"] = record.unfinished;
  WriteFileAtomically(path, json.dump(1, ' ', false, StepJson::error_handler_t::replace) + "\n");
}

// Nothing when there is none, or none that can be read: a repeated step is all that it costs.
std::optional<StepRecord> ReadStepRecord(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  try {
    const StepJson json = StepJson::parse(ReadFile(path));
    if (json.at("format") != kRecordFormat) return std::nullopt;
    StepRecord record;
    record.settings = json.at("made_from").at("settings").get<OptionValues>();
    record.inputs = ReadRoles(json.at("made_from").at("inputs"));
    if (json.contains("outputs")) record.outputs = ReadRoles(json.at("outputs"));
    record.unfinished = json.value("unfinished", "");
    record.seconds = json.value("seconds", 0.0);
    return record;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

Roles LookAt(const std::vector<Artifact>& artifacts, Contents& contents) {
  Roles roles;
  for (const Artifact& artifact : artifacts) roles[artifact.role] = {artifact.path, artifact.content(contents)};
  return roles;
}

std::vector<Artifact> InputsOf(const Step& step) {
  std::vector<Artifact> inputs;
  if (step.inputs) inputs = step.inputs();
  for (const auto& [key, file] : step.fields.files) {
    // A folder is a checkpoint, or one of other files (a vocabulary).
    const bool other = fs::is_directory(file) && !fs::exists(fs::path(file) / "model.safetensors");
    inputs.push_back(other ? FolderArtifact(key, file) : WeightsArtifact(key, file));
  }
  return inputs;
}

std::string ShortHash(const Content& content) {
  std::string text = content.sha256.substr(0, 8);
  if (content.missing > 0) text += " (" + std::to_string(content.missing) + " missing)";
  return text;
}

// What changed, for people; and the names of the fields and roles.
struct Differences {
  std::vector<std::string> texts;
  std::vector<std::string> names;
};

Differences CompareRecord(const StepRecord& then, const StepFields& fields, const Roles& inputs) {
  Differences differences;
  differences.texts = CompareValues(then.settings, fields.result, fields.defaults);
  for (const auto& text : differences.texts) differences.names.push_back(text.substr(0, text.find(": ")));
  const auto add = [&](const std::string& role, const std::string& text) {
    differences.texts.push_back(role + " " + text);
    differences.names.push_back(role);
  };
  for (const auto& [role, now] : inputs) {
    const auto before = then.inputs.find(role);
    if (before == then.inputs.end()) {
      add(role, "(" + now.path.string() + "): not used then, " + ShortHash(now.content) + " now");
    } else if (before->second.content != now.content) {
      add(role, "(" + now.path.string() + "): " + ShortHash(before->second.content) + " then, " +
                    ShortHash(now.content) + " now");
    }
  }
  for (const auto& [role, before] : then.inputs) {
    if (!inputs.contains(role)) add(role, "(" + before.path.string() + "): no longer used");
  }
  return differences;
}

enum class Outputs { kIntact, kMissing, kChanged };

Outputs CompareOutputs(const Roles& then, const Roles& now) {
  bool missing = false, changed = false;
  for (const auto& [role, found] : now) {
    const auto before = then.find(role);
    const bool lacks = found.content.sha256 == "absent" ||
                       found.content.missing > (before == then.end() ? 0 : before->second.content.missing);
    missing |= lacks;
    changed |= !lacks && (before == then.end() || before->second.content != found.content);
  }
  return changed ? Outputs::kChanged : missing ? Outputs::kMissing : Outputs::kIntact;
}

std::string Shortened(const std::vector<std::string>& texts) {
  constexpr std::size_t kShown = 5;
  std::vector<std::string> shown(texts.begin(),
                                 texts.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, texts.size())));
  if (texts.size() > kShown) shown.push_back(std::to_string(texts.size() - kShown) + " more");
  return Join(shown, "; ");
}

// What is to be done about a step.
struct Verdict {
  enum What { kNothing, kAccept, kGoOn, kExtend, kFresh } what = kFresh;
  std::string why = {};
};

bool AnyThere(const Roles& outputs) {
  return std::ranges::any_of(outputs, [](const auto& item) { return item.second.content.sha256 != "absent"; });
}

bool AllThere(const Roles& outputs) {
  return std::ranges::all_of(outputs, [](const auto& item) {
    return item.second.content.sha256 != "absent" && item.second.content.missing == 0;
  });
}

Verdict JudgeWithoutRecord(const Step& step, const Roles& outputs) {
  const Found found = step.found ? step.found() : Found::kNothing;
  if (found == Found::kPart) return {Verdict::kGoOn, "what is there was made with these settings"};
  if (found == Found::kWhole && AllThere(outputs)) {
    return {Verdict::kAccept, "what is there was made with these settings"};
  }
  return {Verdict::kFresh, AnyThere(outputs) || found != Found::kNothing ? "no record says how it was made" : ""};
}

Verdict Judge(const Step& step, const std::optional<StepRecord>& record, const Roles& inputs, const Roles& outputs) {
  if (!record) return JudgeWithoutRecord(step, outputs);
  const Differences differences = CompareRecord(*record, step.fields, inputs);
  if (!differences.texts.empty()) {
    const bool extends = std::ranges::all_of(differences.names, [&](const std::string& name) {
      return std::ranges::find(step.extendable, name) != step.extendable.end();
    });
    const Found found = extends && step.found ? step.found() : Found::kOther;
    const auto what = found == Found::kPart    ? Verdict::kExtend
                      : found == Found::kWhole ? Verdict::kGoOn
                                               : Verdict::kFresh;
    return {what, Shortened(differences.texts)};
  }
  if (!record->outputs) return {Verdict::kGoOn, "it was interrupted"};
  switch (CompareOutputs(*record->outputs, outputs)) {
    case Outputs::kIntact:
      if (!record->unfinished.empty()) return {Verdict::kGoOn, record->unfinished};
      return {Verdict::kNothing};
    case Outputs::kMissing:
      return {step.completes ? Verdict::kGoOn : Verdict::kFresh, "something that it made is missing"};
    case Outputs::kChanged:
      break;
  }
  const Found found = step.found ? step.found() : Found::kOther;
  if (found == Found::kPart) return {Verdict::kGoOn, "its output was changed since, with these settings"};
  if (found == Found::kWhole) return {Verdict::kAccept, "its output was changed since, with these settings"};
  if (found == Found::kBeyond) {
    spdlog::warn("{}: what is there was continued further than the settings ask for; it is kept as it is", step.name);
    return {Verdict::kAccept, "its output was continued further since"};
  }
  return {Verdict::kFresh, "what it made was changed since"};
}

// A file, or a folder with a file that is not hidden (locks and unfinished files are).
bool HoldsWork(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) return fs::exists(path, code);
  for (auto entry = fs::recursive_directory_iterator(path, code); entry != fs::recursive_directory_iterator();
       entry.increment(code)) {
    if (code) break;
    const bool hidden = entry->path().filename().string().starts_with('.');
    if (hidden && entry->is_directory(code)) entry.disable_recursion_pending();
    if (!hidden && !entry->is_directory(code)) return true;
  }
  return false;
}

std::vector<fs::path> RoomOf(const Step& step) {
  if (!step.make_room.empty()) return step.make_room;
  std::vector<fs::path> paths;
  for (const Artifact& output : step.outputs) paths.push_back(output.path);
  return paths;
}

// Old outputs and their record out of the way of a new try, and back again when it leaves nothing. So is the run's
// config, which speaks of the old ones: should the program be killed here, there is none rather than a wrong one.
class Room {
 public:
  // run_dir: where the step's outputs lie; of the run: whose config speaks of them.
  Room(const Step& step, const fs::path& run_dir, bool of_the_run, const fs::path& record, const std::string& why)
      : record_(record), config_(RunPaths(run_dir).config()) {
    const std::vector<fs::path> paths = RoomOf(step);
    principal_ = paths.front();
    if (fs::exists(record_)) fs::rename(record_, Kept());
    try {
      for (const fs::path& path : paths) {
        const fs::path aside = SetAside(path, run_dir, step.name + (why.empty() ? "" : ": " + why));
        if (aside.empty()) continue;
        moved_.emplace_back(aside, path);
        spdlog::info("{}: {} is set aside as {}", step.name, path.string(), aside.filename().string());
      }
      if (!moved_.empty() && of_the_run && fs::exists(config_)) {
        fs::rename(config_, RunPaths(run_dir).config_before());
        config_before_ = RunPaths(run_dir).config_before();
      }
    } catch (...) {
      TakeBack();
      throw;
    }
  }

  // New work stays, the old remains set aside; of a try that left nothing the old work takes its place again. Returns
  // whether new work stays.
  bool TakeBack() noexcept {
    try {
      if (HoldsWork(principal_)) return true;
      std::error_code code;
      if (fs::exists(Kept(), code)) fs::rename(Kept(), record_);
      for (const auto& [aside, path] : moved_) {
        fs::remove_all(path, code);  // locks, logs of a moment
        BringBack(aside, path);
      }
      if (!config_before_.empty()) fs::rename(config_before_, config_);
    } catch (const std::exception& error) {
      spdlog::warn("{}", error.what());
    }
    return false;
  }

  void Done() {
    std::error_code code;
    fs::remove(Kept(), code);
  }

 private:
  fs::path Kept() const { return record_.string() + ".before"; }

  fs::path record_, config_, config_before_, principal_;
  std::vector<std::pair<fs::path, fs::path>> moved_;  // aside, path
};

}  // namespace

std::optional<double> SecondsOf(const fs::path& folder, const std::string& step) {
  const auto record = ReadStepRecord(folder / "steps" / (step + ".json"));
  if (!record || !record->outputs || record->seconds <= 0) return std::nullopt;
  return record->seconds;
}

StepRunner::StepRunner(fs::path run_dir) : run_dir_(std::move(run_dir)), contents_(run_dir_ / "steps" / "hashes.bin") {}

void StepRunner::TakeOver(const std::vector<Step>& steps) {
  if (!AllProcesses().first()) return;
  for (const Step& step : steps) {
    const fs::path path = FolderOf(step) / "steps" / (step.name + ".json");
    const auto earlier = ReadEarlierRecord(path);
    if (!earlier || !earlier->finished) continue;
    try {
      const std::vector<Artifact> inputs = InputsOf(step);
      const std::string why = CompareEarlier(*earlier, step, inputs);
      if (!why.empty()) {
        spdlog::info("{}: done by an earlier version with something else ({})", step.name, why);
        continue;
      }
      const StepRecord record{step.fields.result, LookAt(inputs, contents_), LookAt(step.outputs, contents_), "",
                              earlier->seconds};
      if (AllThere(*record.outputs)) WriteStepRecord(path, record, step.fields.others);
    } catch (const InputError&) {  // an input is gone: the step will say so when its turn comes
    }
  }
}

// "train: step 9 of 27", "train: it was interrupted (step 9 of 27)".
static std::string Announcement(const std::string& name, const std::string& why, std::size_t step, std::size_t of) {
  const std::string place = of == 0 ? "" : "step " + std::to_string(step) + " of " + std::to_string(of);
  if (why.empty()) return place.empty() ? name : name + ": " + place;
  return name + ": " + why + (place.empty() ? "" : " (" + place + ")");
}

// What rank 0 asks of the others.
constexpr const char* kAnew = "anew";
constexpr const char* kGoOn = "go on";
constexpr const char* kStepIsOver = "over";

bool StepRunner::Run(const Step& step) {
  Processes& all = AllProcesses();
  if (!all.first()) {
    for (std::string order; (order = all.FromFirst({})) != kStepIsOver;) step.run(order == kGoOn);
    return false;
  }
  const bool ran = RunFirst(step);
  all.FromFirst(kStepIsOver);
  return ran;
}

bool StepRunner::RunFirst(const Step& step) {
  ThrowIfStopped();
  ++asked_;
  const fs::path folder = FolderOf(step);
  const fs::path path = folder / "steps" / (step.name + ".json");
  const auto before = ReadStepRecord(path);
  StepRecord record{step.fields.result, LookAt(InputsOf(step), contents_), std::nullopt, "", 0};
  const Verdict verdict = Judge(step, before, record.inputs, LookAt(step.outputs, contents_));
  if (verdict.what == Verdict::kNothing) {
    spdlog::info("{}: up to date", step.name);
    return false;
  }
  if (verdict.what == Verdict::kAccept) {
    spdlog::info("{}: up to date ({})", step.name, verdict.why);
    record.outputs = LookAt(step.outputs, contents_);
    if (before) record.seconds = before->seconds;
    WriteStepRecord(path, record, step.fields.others);
    return false;
  }
  spdlog::info("{}", Announcement(step.name, verdict.why, asked_, expected_));
  const bool completes = verdict.what == Verdict::kGoOn && before && before->outputs && before->unfinished.empty() &&
                         before->settings == record.settings;
  if (verdict.what == Verdict::kExtend && before->outputs) {  // which was finished, and somebody may need as it is
    for (const fs::path& finished : RoomOf(step)) {
      const fs::path aside = CopyAside(finished, folder, step.name + ": continued: " + verdict.why);
      if (!aside.empty()) spdlog::info("{}: {} is kept as {}", step.name, finished.string(), aside.filename().string());
    }
  }
  if (before && verdict.what != Verdict::kFresh) record.seconds = before->seconds;
  Do(step, path, record, verdict.what != Verdict::kFresh, verdict.why);
  if (!completes || !step.completes || CompareOutputs(*before->outputs, *record.outputs) == Outputs::kIntact)
    return true;
  // The missing part is as it was, so something else beside it is not.
  spdlog::info("{}: what it made was changed since", step.name);
  record.outputs.reset();
  Do(step, path, record, /*go_on=*/false, "what it made was changed since");
  return true;
}

void StepRunner::Do(const Step& step, const fs::path& path, StepRecord& record, bool go_on, const std::string& why) {
  std::optional<Room> room;
  if (!go_on) room.emplace(step, FolderOf(step), FolderOf(step) == run_dir_, path, why);
  const double before = record.seconds;
  const auto start = std::chrono::steady_clock::now();
  const auto write = [&] {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    record.seconds = before + seconds.count();
    WriteStepRecord(path, record, step.fields.others);
  };
  try {
    write();
    if (step.shared) {
      AllProcesses().FromFirst(go_on ? kGoOn : kAnew);
      step.run(go_on);
    } else {
      const Alone alone;
      step.run(go_on);
    }
    record.outputs = LookAt(step.outputs, contents_);
    for (const Artifact& output : step.outputs) {
      if (record.outputs->at(output.role).content.sha256 == "absent") {
        throw Error("step " + step.name + " did not make " + output.path.string());
      }
    }
    if (step.unfinished) record.unfinished = step.unfinished();
    write();
  } catch (const Interrupted&) {
    try {
      record.outputs.reset();
      write();
    } catch (const Error&) {  // only the time is lost
    }
    if (room && room->TakeBack()) ++left_;
    throw;
  } catch (...) {
    if (room && room->TakeBack()) ++left_;
    throw;
  }
  if (room) room->Done();
  ++done_;
  if (expected_ > 0) spdlog::info("{}: done in {:.1f} s", step.name, record.seconds - before);
}

}  // namespace dualgeo
