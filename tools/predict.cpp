#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictor.h"
#include "dualgeo/util/text.h"

namespace dualgeo::tools {
namespace {

struct PredictFlags {
  std::filesystem::path candidates, out, photos;
  PredictOptions options;
};

}  // namespace

void AddPredict(CLI::App& root) {
  auto* command = root.add_subcommand("predict", "turn each photo's candidates into one answer");
  const auto flags = std::make_shared<PredictFlags>();
  command->add_option("--candidates", flags->candidates, "candidates CSV")->required();
  command->add_option("--out", flags->out, "predictions CSV")->required();
  command->add_option("--method", flags->options.method, Join(PredictorNames(), " | "))->capture_default_str();
  command->add_option("--photos", flags->photos, "photo table; its photos without candidates are listed as unanswered");
  command->callback([flags] {
    flags->options.Validate();
    auto predictions = Predict(flags->options, ReadCandidates(flags->candidates));
    if (!flags->photos.empty()) {
      std::vector<std::string> ids;
      for (const auto& row : ReadPhotoTable(flags->photos, {}, Locations::kOptional).rows) ids.push_back(row.id);
      AddUnanswered(ids, flags->options.method, predictions);
    }
    WritePredictions(flags->out, predictions);
    const auto answered = std::count_if(predictions.begin(), predictions.end(),
                                        [](const Prediction& prediction) { return prediction.location.has_value(); });
    spdlog::info("predict: {} of {} photos answered by {} -> {}", answered, predictions.size(), flags->options.method,
                 flags->out.string());
  });
}

}  // namespace dualgeo::tools
