// The records of steps (steps/NAME.json) as versions up to 0.1.0 wrote them: settings as one YAML text, inputs and
// outputs by path; of a file the SHA-256, of a folder a hash of names, sizes and time stamps.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/step.h"

namespace dualgeo {

struct EarlierRecord {
  OptionValues settings;
  std::map<std::string, std::string> inputs, outputs;  // path -> fingerprint
  bool finished = false;
  double seconds = 0;
};

// Nothing when there is no record, or one of this version.
std::optional<EarlierRecord> ReadEarlierRecord(const std::filesystem::path& path);

// What contradicts that the step was done with the same; empty: nothing. A folder cannot: its stamps change when it is
// copied.
std::string CompareEarlier(const EarlierRecord& record, const Step& step, const std::vector<Artifact>& inputs);

}  // namespace dualgeo
