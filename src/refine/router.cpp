#include "refine/router.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"

namespace dualgeo {
namespace {

// Nothing: these are probabilities.
std::string WrongWith(const std::vector<std::string>& classes, const std::vector<double>& values) {
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (values[c] >= 0 && values[c] <= 1) continue;
    return classes[c] + " is " + FormatDouble(values[c]) + "; a probability lies in [0, 1]";
  }
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  if (std::abs(sum - 1) <= 0.01) return "";
  return Join(classes) + " sum to " + FormatDouble(sum) + "; probabilities of all classes sum to 1";
}

const std::string& PhotoOf(const CandidateList& list) { return list.query_id; }
const std::string& PhotoOf(const Prediction& prediction) { return prediction.id; }

template <class Answer>
RoutedAnswers<Answer> RouteAnswers(const ClassProbabilities& probabilities, std::vector<RoutedModel<Answer>> models) {
  if (models.size() != probabilities.classes().size()) throw InputError("router: a model for each class is needed");
  std::vector<std::string> order;
  std::vector<std::unordered_map<std::string, std::size_t>> of_photo(models.size());
  std::unordered_map<std::string, std::size_t> known_to;  // the first model that knows it
  for (std::size_t m = 0; m < models.size(); ++m) {
    for (std::size_t i = 0; i < models[m].answers.size(); ++i) {
      const std::string& photo = PhotoOf(models[m].answers[i]);
      of_photo[m].emplace(photo, i);
      if (known_to.emplace(photo, m).second) order.push_back(photo);
    }
  }
  RoutedAnswers<Answer> routed;
  routed.count.resize(models.size(), 0);
  for (const std::string& photo : order) {
    const std::size_t best = probabilities.Best(photo);
    const auto found = of_photo[best].find(photo);
    if (found == of_photo[best].end()) {
      throw InputError(models[best].path.string() + ": has no photo '" + Printable(photo) + "', whose class is " +
                       probabilities.classes()[best] + "; " + models[known_to.at(photo)].path.string() + " has it");
    }
    routed.answers.push_back(std::move(models[best].answers[found->second]));
    routed.answers.back().model = probabilities.classes()[best];
    ++routed.count[best];
  }
  routed.left_out = std::ranges::count_if(probabilities.ids(), [&](const auto& id) { return !known_to.contains(id); });
  return routed;
}

}  // namespace

ClassProbabilities ClassProbabilities::Read(const std::filesystem::path& path, const std::vector<std::string>& classes,
                                            const std::string& id) {
  if (classes.size() < 2) throw InputError("router: at least two classes are needed");
  const CsvTable csv = CsvTable::Read(path);
  ClassProbabilities read;
  read.path_ = path;
  read.classes_ = classes;
  std::vector<std::size_t> columns;
  for (const std::string& name : classes) columns.push_back(csv.Require(name));
  const std::size_t id_column = id.empty() ? 0 : csv.Require(id);
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string photo = id.empty() ? std::to_string(row) : std::string(csv.Cell(row, id_column));
    if (photo.empty()) throw InputError(csv.At(row, id + " is empty"));
    const auto [first, inserted] = read.row_of_.emplace(photo, row);
    if (!inserted) {
      throw InputError(csv.At(
          row, id + " '" + Printable(photo) + "' already stands in line " + std::to_string(csv.Line(first->second))));
    }
    std::vector<double>& values = read.rows_.emplace_back();
    for (const std::size_t column : columns) values.push_back(csv.Number(row, column));
    if (const std::string wrong = WrongWith(classes, values); !wrong.empty()) throw InputError(csv.At(row, wrong));
    read.ids_.push_back(photo);
  }
  return read;
}

ClassProbabilities::ClassProbabilities(std::filesystem::path path, std::vector<std::string> classes,
                                       std::vector<std::string> ids, std::vector<std::vector<double>> rows)
    : path_(std::move(path)), classes_(std::move(classes)), ids_(std::move(ids)), rows_(std::move(rows)) {
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    row_of_.emplace(ids_[row], row);
    if (const std::string wrong = WrongWith(classes_, rows_[row]); !wrong.empty()) {
      throw InputError(path_.string() + ": photo '" + Printable(ids_[row]) + "': " + wrong);
    }
  }
}

const std::vector<double>& ClassProbabilities::Of(const std::string& id) const {
  const auto found = row_of_.find(id);
  if (found == row_of_.end()) throw InputError(path_.string() + ": has no photo '" + Printable(id) + "'");
  return rows_[found->second];
}

std::size_t ClassProbabilities::Best(const std::string& id) const {
  const std::vector<double>& values = Of(id);
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

RoutedAnswers<CandidateList> Route(const ClassProbabilities& probabilities,
                                   std::vector<RoutedModel<CandidateList>> models) {
  return RouteAnswers(probabilities, std::move(models));
}

RoutedAnswers<Prediction> Route(const ClassProbabilities& probabilities, std::vector<RoutedModel<Prediction>> models) {
  return RouteAnswers(probabilities, std::move(models));
}

std::vector<std::vector<PhotoRow>> SplitByClass(const ClassProbabilities& probabilities,
                                                const std::vector<PhotoRow>& photos, double threshold) {
  std::vector<std::vector<PhotoRow>> split(probabilities.classes().size());
  for (const PhotoRow& photo : photos) {
    const std::vector<double>& values = probabilities.Of(photo.id);
    for (std::size_t c = 0; c < values.size(); ++c) {
      if (values[c] > threshold) split[c].push_back(photo);
    }
  }
  return split;
}

}  // namespace dualgeo
