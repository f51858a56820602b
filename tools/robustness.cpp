// dualgeo robustness: the paper's claim put to the test on degraded and rendered photos.

#include "dualgeo/pipeline/robustness.h"

#include <cstdio>
#include <memory>

#include "commands.h"
#include "dualgeo/degrade/degradation_sheet.h"
#include "dualgeo/util/output_path.h"
#include "networks.h"

namespace dualgeo::tools {

void AddRobustness(CLI::App& root) {
  struct Flags {
    std::filesystem::path config, sheet;
    std::vector<std::filesystem::path> photos;
    std::vector<std::string> overrides;
    std::string format = "markdown";
    bool keys = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* command = root.add_subcommand("robustness", "accuracy under night, fog, rain ... and a verdict on the claim");
  command->add_option("--config", flags->config, "robustness file (docs/robustness.md)");
  command->add_option("--set", flags->overrides, "key=value of the robustness file's own keys, wins over it")
      ->allow_extra_args(false);
  command->add_option("--format", flags->format, "markdown, latex, csv or json")->capture_default_str();
  command->add_option("--contact-sheet", flags->sheet, "only draw PHOTO... under every degradation into this PNG");
  command->add_option("photos", flags->photos, "photos for --contact-sheet");
  command->add_flag("--keys", flags->keys, "print the keys that a robustness file may have");
  command->callback(WithNetworks([flags] {
    if (flags->keys) {
      std::fputs(DocumentRobustness().c_str(), stdout);
      return;
    }
    if (!flags->sheet.empty()) {
      if (flags->photos.empty()) throw CLI::RequiredError("--contact-sheet: PHOTO");
      std::vector<InputPath> photos;
      for (const auto& photo : flags->photos) photos.push_back({"PHOTO", photo});
      CheckOutputs({{"--contact-sheet", flags->sheet}}, photos);
      WriteDegradationSheet(flags->photos, flags->sheet);
      return;
    }
    const TableFormat format = ParseTableFormat(flags->format);
    if (flags->config.empty()) throw CLI::RequiredError("--config");
    const Robustness robustness = ReadRobustnessFile(flags->config, flags->overrides);
    CheckOutputs({{"run_dir", robustness.options.run_dir, OutputKind::kFilledFolder}}, {{"--config", flags->config}});
    CheckOutputs({{"shared", robustness.options.shared, OutputKind::kFilledFolder}}, {{"--config", flags->config}});
    const RobustnessResult result = RunRobustness(robustness);
    std::fputs(FormatRobustness(result, format).c_str(), stdout);
  }));
}

}  // namespace dualgeo::tools
