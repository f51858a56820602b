// dualgeo robustness: the paper's claim put to the test on degraded and rendered photos.

#include "pipeline/robustness.h"

#include <memory>

#include "commands.h"
#include "degrade/degradation_sheet.h"
#include "networks.h"
#include "study_flags.h"

namespace dualgeo::tools {

void AddRobustness(CLI::App& root) {
  struct Flags : StudyCommandFlags {
    std::filesystem::path sheet;
    std::vector<std::filesystem::path> photos;
  };
  const auto flags = std::make_shared<Flags>();
  auto* command = root.add_subcommand("robustness", "accuracy under night, fog, rain ... and a verdict on the claim");
  flags->Add(*command, "robustness");
  command->add_option("--contact-sheet", flags->sheet, "only draw PHOTO... under every degradation into this PNG");
  command->add_option("photos", flags->photos, "photos for --contact-sheet");
  command->callback(WithNetworks([flags] {
    if (flags->sheet.empty()) {
      return flags->Run(DocumentRobustness, ReadRobustnessFile, RunRobustness, FormatRobustness);
    }
    if (flags->photos.empty()) throw CLI::RequiredError("--contact-sheet: PHOTO");
    std::vector<InputPath> photos;
    for (const auto& photo : flags->photos) photos.push_back({"PHOTO", photo});
    CheckOutputs({{"--contact-sheet", flags->sheet, OutputKind::kPicture}}, photos);
    WriteDegradationSheet(flags->photos, flags->sheet);
  }));
}

}  // namespace dualgeo::tools
