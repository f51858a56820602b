#include <cstdio>
#include <memory>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/util/error.h"
#include "networks.h"
#include "pipeline/stages.h"
#include "ranks.h"

namespace dualgeo::tools {
namespace {

struct SegmentArguments {
  ConfigFlags config;
  PhotoSet photos;
  SegmentFiles files;
  std::string columns;
};

// The flag, then, as for every command, the weights that the config names, then the run's own segmenter.
std::filesystem::path Weights(const SegmentArguments& arguments, const ExperimentOptions& options) {
  if (!arguments.files.weights.empty()) return arguments.files.weights;
  const auto weights = SegmenterWeights(options, RunPaths(options));
  if (options.model.segmenter.weights || std::filesystem::exists(weights)) return weights;
  throw InputError("no segmenter: " + weights.string() +
                   " is not there (dualgeo train-segmenter makes it), model.segmenter.weights is null, and no "
                   "--checkpoint is given");
}

}  // namespace

void AddSegment(CLI::App& root) {
  auto* command = root.add_subcommand("segment", "write the segmentation mask of each photo");
  const auto flags = std::make_shared<SegmentArguments>();
  flags->config.Add(*command);
  command->add_option("--photos", flags->photos.csv, "photo table; LAT and LON may be missing")->required();
  command
      ->add_option("--images", flags->photos.images, "where the photos are: folder, tar, zip, shards (docs/sources.md)")
      ->required();
  command->add_option("--out", flags->files.out, "folder of the masks")->required();
  command->add_option("--checkpoint", flags->files.weights,
                      "segmenter: checkpoint folder or SegFormer .safetensors (default: model.segmenter.weights, else "
                      "segmenter/best of the config's run_dir)");
  command->add_option("--logits", flags->files.logits, "also write the raw logits (safetensors)");
  command->add_option("--id-column", flags->columns, "the table's column of photo paths (default: the config's)");
  command->add_option("--batch-size", flags->files.batch_size, "photos at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->callback(WithNetworks(OnAllRanks([flags] {
    const auto options = flags->config.Resolve();
    CheckOutputs({{"--out", flags->files.out, OutputKind::kFilledFolder}, {"--logits", flags->files.logits}},
                 AllInputs({flags->config.Inputs(options),
                            {{"--photos", flags->photos.csv},
                             {"--images", flags->photos.images, InputKind::kPhotos},
                             {"--checkpoint", flags->files.weights}}}));
    flags->photos.columns = options.data.train.columns;
    if (!flags->columns.empty()) flags->photos.columns.id = flags->columns;
    flags->files.weights = Weights(*flags, options);
    const SegmentResult result = SegmentFromConfig(options, flags->photos, flags->files);
    std::printf("%lld masks in %s", static_cast<long long>(result.written + result.kept), flags->files.out.c_str());
    if (result.kept > 0) std::printf(", of which %lld were there", static_cast<long long>(result.kept));
    std::printf(", %.2f photos/s\n", result.photos_per_second);
    if (!result.skipped.empty()) std::printf("%zu photos skipped\n", result.skipped.size());
  })));
}

}  // namespace dualgeo::tools
