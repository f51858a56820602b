// Several trained models, of which one answers for each photo: that of the class which is most probable for it (ISNs,
// Mueller-Budack, Pustu-Iren, Ewerth, ECCV 2018: a network for indoor, natural and urban scenes each, chosen by a
// scene network's probabilities). Where the probabilities come from is open: a table, a photo a row, a column a class.
//
// To train such models, a photo goes to every class whose probability is above a threshold (0.3 there, from memory of
// the paper: not verified), so that one photo may be in several training sets and others in none.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct RoutedRunOptions {
  std::string run;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("run", run, "folder of the run whose candidates answer for this class", Added{});
  }
};

// The config's `router` section. Its classes are columns of the table, or values of the attribute.
struct RouterOptions {
  std::string probabilities;
  std::string id = "IMG_ID";
  std::string attribute;
  std::map<std::string, RoutedRunOptions> models;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("probabilities", probabilities,
            "table with a column of probabilities for each class; SET in it stands for the benchmark's name. With "
            "attribute: the folder of a run",
            Added{});
    v.Field("id", id, "its column of photos", Added{});
    v.Field("attribute", attribute, "what that run's head attributes has learned to tell, by its name; empty: a table",
            Added{});
    v.Map("models", models, "by the class's column, or the attribute's value");
  }
};

// A row for each photo: how probable each class is.
class ClassProbabilities {
 public:
  // id: the column of photos; empty: rows are called by their number, from 0. Throws InputError, naming file and line,
  // for a column that is not there, an empty or repeated id, what is no number from 0 to 1, and a row whose
  // probabilities do not sum to 1 (by more than 0.01).
  static ClassProbabilities Read(const std::filesystem::path& path, const std::vector<std::string>& classes,
                                 const std::string& id = "IMG_ID");

  // Of probabilities that stand in no table: rows[i] are those of ids[i]. Throws InputError as above.
  ClassProbabilities(std::filesystem::path path, std::vector<std::string> classes, std::vector<std::string> ids,
                     std::vector<std::vector<double>> rows);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<std::string>& classes() const { return classes_; }
  const std::vector<std::string>& ids() const { return ids_; }
  // Of a photo, in the order of the classes. Throws InputError when there is none such.
  const std::vector<double>& Of(const std::string& id) const;
  // The most probable class; the first of equals.
  std::size_t Best(const std::string& id) const;

 private:
  ClassProbabilities() = default;

  std::filesystem::path path_;
  std::vector<std::string> classes_, ids_;
  std::vector<std::vector<double>> rows_;
  std::unordered_map<std::string, std::size_t> row_of_;
};

// What the model of one class says of all photos; `path`: where it stands, for messages.
template <class Answer>
struct RoutedModel {
  std::filesystem::path path;
  std::vector<Answer> answers;
};

template <class Answer>
struct RoutedAnswers {
  std::vector<Answer> answers;      // `model` is the class's name
  std::vector<std::int64_t> count;  // of each class
  std::int64_t left_out = 0;        // photos with probabilities of which no model says anything
};

// Of each photo that any of the models (one a class, in the order of the classes) knows, what the model of its most
// probable class says: in the order of the first model's photos, then those of the second that are new, and so on.
// Throws InputError for a photo without probabilities, and for one that its own model does not know and others do.
RoutedAnswers<CandidateList> Route(const ClassProbabilities& probabilities,
                                   std::vector<RoutedModel<CandidateList>> models);
RoutedAnswers<Prediction> Route(const ClassProbabilities& probabilities, std::vector<RoutedModel<Prediction>> models);

// The rows of each class's training set. Throws InputError for a photo without probabilities.
std::vector<std::vector<PhotoRow>> SplitByClass(const ClassProbabilities& probabilities,
                                                const std::vector<PhotoRow>& photos, double threshold);

}  // namespace dualgeo
