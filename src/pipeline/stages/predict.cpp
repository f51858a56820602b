// One answer for each photo.
#include <memory>
#include <set>

#include "dualgeo/util/error.h"
#include "lmm/answer_join.h"
#include "lmm/place_similarity.h"
#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// Of method lmm.
PredictInputs InputsOf(const ExperimentOptions& options, const PhotoSet& photos, const PredictFiles& files) {
  PredictInputs inputs;
  inputs.lmm.images = photos.images;
  if (!files.place_names.empty()) inputs.lmm.places = ReadPlaceNames(files.place_names);
  if (!files.answers.empty()) inputs.answers = ReadAnswers(files.answers, files.answer_columns);
  inputs.choice.join = AnswerJoinFor(options.predict.lmm.choose, options.rerank);
  if (!files.gps_features.empty()) {
    inputs.choice.similarity = FeatureFileSimilarity(files.features, files.gps_features);
  } else if (!files.features.empty()) {
    inputs.choice.similarity = ModelSimilarity(ModelFromConfig(options, files.checkpoint), ReadFeatures(files.features),
                                               files.features.string());
  }
  return inputs;
}

// The places that `verify` would compare, each once, for `embed gps`.
void WritePlaces(const fs::path& path, const LmmOptions& options, const std::vector<CandidateList>& lists,
                 const std::vector<LmmAnswer>& answers) {
  const auto groups = GroupAnswers(answers);
  std::set<std::pair<double, double>> seen;
  std::vector<PhotoRow> rows;
  for (const auto& list : lists) {
    const auto found = groups.find(list.query_id);
    const std::vector<LmmAnswer> none;
    for (const LatLon& place : Chooser::PlacesToVerify(options, list, found == groups.end() ? none : found->second)) {
      if (!seen.emplace(place.lat, place.lon).second) continue;
      rows.push_back({std::to_string(rows.size()), place, "", 0});
    }
  }
  WritePhotoTable(path, rows);
}

// Does it join answers and candidates by the bayes rule, and so read `rerank`?
bool JoinsAnswers(const ExperimentOptions& options) {
  const std::string& choose = options.predict.lmm.choose;
  return options.predict.method == "lmm" && (choose == "bayes" || choose == "auto" || choose == "router");
}

// From the re-ranked list where there is one.
PredictFiles FilesOf(const StageRun& run, const PhotoSet& set) {
  PredictFiles files;
  files.candidates =
      HasStep(run.options, "rerank") ? run.paths.of(set.name, "reranked.csv") : run.paths.candidates(set.name);
  files.features = run.paths.features(set.name);
  files.checkpoint = run.paths.checkpoint();
  files.out = run.paths.of(set.name, "predictions.csv");
  return files;
}

Step PredictStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  const PredictFiles files = FilesOf(run, set);
  Step step = NewStep(self, run, set.name);
  step.inputs = [=, &predict = run.options.predict] {
    std::vector<Artifact> inputs = {FileArtifact("candidates", files.candidates),
                                    TableArtifact("table", set.csv, set.columns, TablePart::kIds)};
    if (predict.method != "lmm") return inputs;
    inputs.push_back(PhotosArtifact("photos", set.images, set.csv, set.columns));
    if (predict.lmm.verifies() && fs::exists(files.features)) {
      inputs.push_back(FolderArtifact("features", files.features));
      inputs.push_back(WeightsArtifact("checkpoint", files.checkpoint));
    }
    return inputs;
  };
  step.outputs = {FileArtifact("predictions", files.out)};
  const auto ask_again = std::make_shared<int>(0);
  step.run = [=](bool) { *ask_again = PredictToFileFromConfig(run.options, set, files); };
  step.unfinished = [ask_again, &lmm = run.options.predict.lmm] {
    if (*ask_again == 0) return std::string();
    return std::to_string(*ask_again) + " photos have no answer of the model, " +
           (lmm.offline ? "since it is not in " + lmm.cache + " (predict.lmm.offline)"
                        : std::string("since the server failed; they are asked again"));
  };
  return step;
}

}  // namespace

PredictResult PredictFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const PredictFiles& files) {
  std::vector<CandidateList> lists;
  if (!files.candidates.empty()) lists = ReadCandidates(files.candidates);
  std::vector<std::string> ids;
  if (!photos.csv.empty()) {
    for (auto& row : ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional).rows) {
      ids.push_back(std::move(row.id));
    }
  }
  PredictInputs inputs;
  if (options.predict.method == "lmm") {
    inputs = InputsOf(options, photos, files);
    std::set<std::string> listed;
    for (const auto& list : lists) listed.insert(list.query_id);
    for (const auto& id : ids) {  // which need no candidates to be answered
      if (listed.insert(id).second) lists.push_back({id, {}, {}});
    }
  }
  PredictResult result;
  result.predictions = Predict(options.predict, lists, inputs, &result.report);
  AddUnanswered(ids, options.predict.method, result.predictions);
  result.answered = DescribeAnswered(result.predictions, options.predict.method);
  ApplyFailureRule(options.predict, result.predictions);
  if (!files.places_out.empty()) WritePlaces(files.places_out, options.predict.lmm, lists, result.report.answers);
  return result;
}

int PredictToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos, PredictFiles files) {
  const LmmOptions& lmm = options.predict.lmm;
  if (options.predict.method == "lmm") {
    // Answers that are joined with the candidates need no similarities.
    const bool joins = lmm.choose == "auto" && AnswerJoinFor(lmm.choose, options.rerank);
    if (joins || !lmm.verifies() || !fs::exists(files.features)) files.features.clear();
  }
  const auto [predictions, answered, report] = PredictFromConfig(options, photos, files);
  // Predictions that count as made would never be asked about again.
  if (!report.stopped.empty()) {
    throw Error("predict: " + report.stopped + "; the answers so far are in " + lmm.cache + ", run again to go on");
  }
  WritePredictions(files.out, predictions);
  return report.ask_again;
}

Stage PredictStage() {
  return {.reads = {ConfigReads::kReads, {"predict"}, {"predict.lmm"}},
          .adjust =
              [](const ExperimentOptions& o, ConfigReads& reads) {
                if (o.predict.method == "lmm") reads.without.clear();
                if (JoinsAnswers(o)) reads.sections.emplace_back("rerank");
              },
          .steps = ForEachBenchmark<PredictStep>,
          .of_model = true};
}

}  // namespace dualgeo
