// A step of a run: done once, skipped while what it was made from is the same, done again when it is not. What it made
// before is then set aside (io/set_aside.h), never deleted.
//
// The same means: the fields that affect the result have the same values (util/field.h), the inputs the same bytes
// (pipeline/content.h). Where things lie, when they were touched, and which version of the program worked are recorded
// and do not count.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/option_values.h"
#include "pipeline/content.h"

namespace dualgeo {

// What outputs say of themselves, where they can (a checkpoint knows its settings).
enum class Found {
  kNothing,  // nothing there, or it cannot say
  kOther,    // made with other settings
  kPart,     // with these, not finished
  kWhole,    // with these, finished
  kBeyond,   // with these, and continued further than they ask for
};

// What a step reads of the config.
struct StepFields {
  OptionValues result;                                 // that change what it makes
  OptionValues defaults;                               // of the same fields
  OptionValues others;                                 // recorded, never compared
  std::map<std::string, std::filesystem::path> files;  // files that the config names: key -> file that is there

  void Add(StepFields more) {
    result.merge(more.result);
    defaults.merge(more.defaults);
    others.merge(more.others);
    files.merge(more.files);
  }
};

struct Step {
  std::string name;  // "train"; also the name of its record
  // Beside the files that `fields` name; asked for when the step's turn has come. None: there are no others. Throws
  // InputError.
  std::function<std::vector<Artifact>()> inputs;
  StepFields fields;
  std::vector<Artifact> outputs;
  // go_on: what is there was made from the same inputs and settings (or by an earlier try); it is kept and completed.
  std::function<void(bool go_on)> run;
  std::filesystem::path folder = {};                  // whose steps/ holds the record; empty: the runner's
  std::vector<std::filesystem::path> make_room = {};  // what is set aside for new outputs; empty: the outputs
  std::function<Found()> found = {};
  bool shared = false;                       // all processes run it together (runtime/processes.h); else rank 0 alone
  bool completes = false;                    // run(true) makes what is missing of an output and leaves the rest
  std::vector<std::string> extendable = {};  // fields whose change the step can go on from (more epochs)
  // Asked after run(): why its outputs are usable and not final, so that it runs again next time; empty: they are
  // final.
  std::function<std::string()> unfinished = {};
};

struct StepRecord;

// How long a finished step took, with its interrupted tries (a killed one is lost). folder: where its records lie.
// Nothing where that is not known.
std::optional<double> SecondsOf(const std::filesystem::path& folder, const std::string& step);

// Keeps one record a step under run_dir/steps/: fields, and content of each input and output.
class StepRunner {
 public:
  explicit StepRunner(std::filesystem::path run_dir);

  // Records that version 0.1.0 and earlier wrote are rewritten where the step is finished by them: as far as they tell
  // (they know photo folders by time stamps only), inputs, settings and outputs are the same. For all steps before any
  // of them runs, since a step that is done again changes what later records speak of.
  void TakeOver(const std::vector<Step>& steps);

  // Runs the step, or does nothing when its record matches. Returns whether it ran. Whatever run() throws passes; what
  // was set aside for a step that then left nothing has its name again. In several processes rank 0 judges and keeps
  // the records; the others run what is shared when it does, and else wait.
  // Throws Error when an output is missing after the step.
  bool Run(const Step& step);

  // How many steps will be run in all, so that each that is not up to date says which of them it is.
  void Expect(std::size_t steps) { expected_ = steps; }

  // How many steps ran so far.
  int done() const { return done_; }

  // And those that failed and left new work in the place of the old.
  int changed() const { return done_ + left_; }

 private:
  bool RunFirst(const Step& step);
  void Do(const Step& step, const std::filesystem::path& path, StepRecord& record, bool go_on, const std::string& why);
  std::filesystem::path FolderOf(const Step& step) const { return step.folder.empty() ? run_dir_ : step.folder; }

  std::filesystem::path run_dir_;
  Contents contents_;
  int done_ = 0, left_ = 0;
  std::size_t asked_ = 0, expected_ = 0;
};

}  // namespace dualgeo
