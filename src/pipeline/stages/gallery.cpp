// What is searched: the training photos, or their places.
#include "dualgeo/gallery/parts.h"
#include "dualgeo/util/error.h"
#include "pipeline/stages.h"
#include "runtime/processes.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// The places of a photo table, or of a table of their own.
Coordinates PlacesOf(const PhotoTable& table) {
  Coordinates coordinates;
  for (const auto& row : table.rows) {
    coordinates.locations.push_back(*row.location);
    coordinates.ids.push_back(row.id);
  }
  return coordinates;
}

// What the model does not have is told before it is trained.
void CheckFeatures(const ExperimentOptions& options) {
  const ModelOptions& model = options.model;
  for (const std::string& name : options.gallery.features) {
    const std::string head = name.starts_with("projected_") ? "contrastive_gps"
                             : name == "image_text"         ? "contrastive_text"
                                                            : "";
    if (!head.empty() && !model.has_head(head)) {
      throw InputError("gallery.features: " + name + " is of the head " + head + ", which is not among model.heads");
    }
    if (name.ends_with("segmentation") ? !model.has_segmentation() : !model.has_image()) {
      throw InputError("gallery.features: " + name + " is of a view that model.views " + model.views +
                       " does not have");
    }
  }
}

std::vector<Step> GallerySteps(const Stage& self, const StageRun& run) {
  const bool gps = run.options.gallery.kind == "gps";
  if (!gps) CheckFeatures(run.options);
  const GalleryFiles files{
      run.paths.checkpoint(), gps ? fs::path() : run.paths.train_features(), {}, run.paths.gallery()};
  Step step = NewStep(self, run);
  if (gps) step.fields.Add(FieldsOf(StageNamed("embed"), run.options));
  step.inputs = [=] {
    return std::vector{
        gps ? WeightsArtifact("checkpoint", files.checkpoint) : FolderArtifact("features", files.features),
        TableArtifact("table", run.train.csv, run.train.columns, TablePart::kRows)};
  };
  step.outputs = {GalleryArtifact("gallery", files.out)};
  step.run = [=](bool) { GalleryFromConfig(run.options, run.train, files); };
  return {step};
}

}  // namespace

GalleryInfo GalleryFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const GalleryFiles& files) {
  CheckGalleryFolder(files.out);
  const auto read = [&] { return ReadPhotoTable(photos.csv, photos.columns); };
  // Several processes share the embedding of photos; all else is rank 0's.
  Processes& all = AllProcesses();
  all.Barrier();  // all have looked at the folder
  const bool shares = options.gallery.kind != "gps" && files.features.empty();
  GalleryInfo info;
  if (!all.first() && !shares) {
    all.Barrier();
    return info;
  }
  const bool bounded = options.gallery.memory_gb > 0;
  const bool photos_to_embed = bounded && shares;
  // Flat vectors go from file to file in any case: the same bytes with less memory.
  if (photos_to_embed || (!files.features.empty() && (bounded || options.gallery.index == "flat"))) {
    fs::path features = files.features;
    if (photos_to_embed) {
      features = files.out.string() + ".features";
      EmbedFromConfig(options, photos, files.checkpoint, features);
    }
    if (all.first()) {
      info = BuildGallery(features, options.gallery.kind == "gps" ? PhotoTable() : read(), options.gallery, files.out);
      if (photos_to_embed) fs::remove(features);
    }
    all.Barrier();
    return info;
  }
  if (options.gallery.kind == "gps") {
    const auto embed = [&] {
      return EmbedCoordinates(ModelFromConfig(options, files.checkpoint),
                              files.coordinates.empty() ? PlacesOf(read()) : ReadCoordinates(files.coordinates),
                              files.out);
    };
    info = BuildGpsGallery(files.features.empty() ? embed() : ReadFeatures(files.features), options.gallery, files.out);
  } else {
    const PhotoTable table = read();
    const FeatureSet features = FeaturesFromConfig(options, photos, files.checkpoint, files.features, files.out);
    if (all.first()) info = BuildImageGallery(features, table, options.gallery, files.out);
  }
  if (files.features.empty() && all.first()) RemoveParts(files.out);
  all.Barrier();
  return info;
}

Stage GalleryStage() {
  return {.reads = {ConfigReads::kComputes, {"seed", "gallery"}},
          .steps = GallerySteps,
          .of_model = true,
          .shared = true,
          .folder = "gallery",
          .after = "embed",
          .makes = {"gallery"}};
}

}  // namespace dualgeo
