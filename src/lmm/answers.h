// What vision language models answered about photos: from a server (lmm/lmm_run.h) or from a table.
//
// An answer without a location is a failure and says why; it is never a coordinate. A photo may have many answers: one
// per prompt and sample.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/geo/latlon.h"
#include "dualgeo/refine/predictions.h"

namespace dualgeo {

struct LmmAnswer {
  std::string query_id;
  std::string prompt;              // "geo/10": template and number of similar candidates shown; empty from a table
  int sample = 0;                  // 0, 1, ... of that photo and prompt
  std::optional<LatLon> location;  // valid (IsValid) and not exactly (0, 0)
  std::string reason;              // why there is no location

  enum class Reply {
    kGiven,     // the model spoke, whatever it said; every answer of a table
    kRefused,   // no reply and none to be had: the server refuses the question, the photo cannot be read
    kAskAgain,  // no reply: the server failed or was not asked; a later run asks again
  };
  Reply reply = Reply::kGiven;

  bool operator==(const LmmAnswer&) const = default;
};

// A table of answers: one row each; a photo that stands in several rows has several samples, in their order.
struct AnswerColumns {
  std::string id = "IMG_ID";
  std::string lat = "LAT";
  std::string lon = "LON";
  std::string success = "success";  // optional column: false (0, no) marks a failure whatever its coordinates
  // Optional columns, as WriteAnswers makes them.
  std::string prompt = "prompt";
  std::string sample = "sample";
  std::string reason = "reason";
};

// "id,lat,lon" or "id,lat,lon,success", the value of `flag`; an empty text gives the defaults. Throws InputError.
AnswerColumns ParseAnswerColumns(const std::string& flag, const std::string& text);

// A failure, with its reason, is: success false; an empty, non-numeric or NaN coordinate; one out of range; exactly
// (0, 0), the value that scripts write for "no answer". Throws InputError, naming file and line, for what CsvTable
// refuses, a missing column, an empty id, and when no row at all holds a usable coordinate (wrong columns, most
// likely).
std::vector<LmmAnswer> ReadAnswers(const std::filesystem::path& path, const AnswerColumns& columns = {});

// IMG_ID,LAT,LON,prompt,sample,success,reason. Atomic.
void WriteAnswers(const std::filesystem::path& path, const std::vector<LmmAnswer>& answers);

// By photo, in the order of the answers.
std::unordered_map<std::string, std::vector<LmmAnswer>> GroupAnswers(std::vector<LmmAnswer> answers);

// A rule that weighs a photo's retrieval list and the model's answers together (choose: bayes): the bayes re-ranker
// gives one. `answers` holds only those with a location, and at least one; the list may be empty. Thread-safe.
using AnswerJoin = std::function<Prediction(const CandidateList& list, std::span<const LmmAnswer> answers)>;

}  // namespace dualgeo
