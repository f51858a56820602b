// The stages of a run as library calls, each from a config, the photos and files to files: `run`, the studies, `locate`
// and the single commands share them. (World, re-ranking and report are such calls as they are: synthetic/world.h,
// refine/reranker.h, pipeline/report.h.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/gallery/parts.h"
#include "lmm/predictor.h"
#include "pipeline/photo_sets.h"
#include "runtime/segment.h"
#include "train/trainer.h"

namespace dualgeo {

// Splits data.train by author into RunPaths::table("train") and table("holdout").
void WriteHoldout(const ExperimentOptions& options);

// A division of the Earth by the photos' places. The log says how many of them are in no cell.
void MakePartition(const PhotoSet& photos, const PartitionOptions& options, const std::filesystem::path& out);

// What the command `train` trains on: as `run` does, but for masks that no step has made yet (then those that the
// config names) and a holdout that none has drawn (then it is).
PhotoSet PhotosToTrain(const ExperimentOptions& options);
// photos: what to train on, validation photos included.
// run_dir: where checkpoint/ or segmenter/ and the log go.
TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& run_dir, Existing existing);
TrainResult TrainSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                     const std::filesystem::path& run_dir, Existing existing);

struct SegmentFiles {
  std::filesystem::path weights;      // a segmenter checkpoint or SegFormer weights
  std::filesystem::path out;          // folder of the masks
  std::filesystem::path logits = {};  // see SegmentJob
  int batch_size = 8;
};
SegmentResult SegmentFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const SegmentFiles& files);

// checkpoint: empty: the model before any training.
EmbedModel ModelFromConfig(const ExperimentOptions& options, const std::filesystem::path& checkpoint);
// Into a features file; goes on where a killed process stopped (gallery/embed_job.h).
EmbedReport EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& checkpoint, const std::filesystem::path& out);
// Features of photos: read from a file, or made on the way. for_output: see EmbedPhotosToMemory.
FeatureSet FeaturesFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                              const std::filesystem::path& checkpoint, const std::filesystem::path& features = {},
                              const std::filesystem::path& for_output = {});

struct GalleryFiles {
  std::filesystem::path checkpoint;
  std::filesystem::path features;     // of the photos, or (kind gps) of the places; empty: made on the way
  std::filesystem::path coordinates;  // kind gps: a table of places; empty: those of the photos
  std::filesystem::path out;
};
GalleryInfo GalleryFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const GalleryFiles& files);

// What search.finder says: whether a gallery is searched, cells are found, or other runs' candidates taken.
bool FindsInGallery(const ExperimentOptions& options);
bool FindsCells(const ExperimentOptions& options);
bool Routes(const ExperimentOptions& options);
// Whether cells are found and then refined by prototypes.
bool UsesPrototypes(const ExperimentOptions& options);

struct PrototypeFiles {
  std::filesystem::path checkpoint;
  std::filesystem::path features;  // of the training photos; empty: made on the way
  std::filesystem::path out;
};
// Of the cells of the config's last partition; goes on where a killed process stopped (gallery/prototypes.h).
void PrototypesFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const PrototypeFiles& files);

// The galleries that are searched together: these, and those of search.galleries. None where cells are found.
std::vector<Gallery> GalleriesFromConfig(const ExperimentOptions& options, std::vector<std::filesystem::path> folders);

// Search, with gps_scores where the config asks for them. checkpoint: of the model that made the queries' features.
// galleries: what is searched (GalleriesFromConfig), none where cells are found; prototypes: where these are refined.
std::vector<CandidateList> SearchFromConfig(const ExperimentOptions& options, const std::filesystem::path& checkpoint,
                                            std::vector<Gallery>& galleries, const std::filesystem::path& prototypes,
                                            const FeatureSet& queries, const PhotoTable& photos,
                                            const KeepParts& keep = {});

struct SearchFiles {
  std::filesystem::path checkpoint;
  std::vector<std::filesystem::path> galleries;  // beside those of search.galleries
  std::filesystem::path prototypes;
  std::filesystem::path features;  // of the photos; empty: made on the way
  std::filesystem::path out;
};
struct SearchCounts {
  std::int64_t photos = 0, gallery = 0;  // gallery: items, of all that are searched
};
// Into a candidates file; goes on where a killed process stopped (gallery/search.h).
SearchCounts SearchToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const SearchFiles& files);

// What predictions are made from; all but `candidates` for method lmm alone.
struct PredictFiles {
  std::filesystem::path candidates;    // empty: method lmm is asked about the photos alone
  std::filesystem::path features;      // of the photos, where the choice goes by similarities; empty: none
  std::filesystem::path checkpoint;    // the model of these
  std::filesystem::path gps_features;  // of the places, instead of the model
  std::filesystem::path answers;       // a table of answers, instead of a server
  AnswerColumns answer_columns = {};
  std::filesystem::path place_names;
  std::filesystem::path places_out;  // where the places that `choose: verify` compares are written
  std::filesystem::path out;         // for PredictToFileFromConfig
};
struct PredictResult {
  std::vector<Prediction> predictions;
  std::string answered;  // DescribeAnswered, before predict.failure
  PredictReport report;
};
// The predictions of all photos of a set (whose csv may be empty: of those with candidates). Answers are joined by the
// parameters that the config's `rerank` names or by those that ship, not by what a run fits: that fit knows no answers.
// Throws as Predict.
PredictResult PredictFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const PredictFiles& files);
// As a run does: features that are not there, or that the choice does not go by, are left out. Returns of how many
// photos the model was not asked because the server failed. Throws Error where the language model's run ended early:
// what it answered is in the cache.
int PredictToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos, PredictFiles files);

}  // namespace dualgeo
