// How much of a retrieval result is leakage: gallery photos that give the place away without the model having to
// recognise it. A photographer takes many photos in one place, so that the same author's neighbouring shot answers for
// the query (YFCC4k shares photographers with MP-16); a near-duplicate of the query does so too.
//
// Works from a candidates file alone, after the search: candidates are taken out by rule, what remains closes up, and
// the first that remains is the answer. For rank 1 that is exactly what `search` with the matching exclude_* key would
// have found, as long as a list does not become empty (counted; `search` would have fetched more). Oracle and recall of
// the shortened lists are lower bounds.
//
// What a rule needs: same author: column `author` of the candidates and AUTHOR of the truth, equal and not empty; near
// duplicates: column `score`, above a limit in the score's own unit (an inner product of galleries with two features is
// a sum of two cosines, hence up to 2); within a distance: the truth's coordinates.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/significance.h"

namespace dualgeo {

struct LeakageRules {
  bool same_author = true;
  // Takes the right answers away together with the leaks: at thresholds below it, accuracy falls to 0 by construction.
  double within_km = 0;               // 0: off
  std::optional<double> score_above;  // nothing: off
};

// The list without what the rules name; ranks count from 1 again, and there is no estimate, since that was made from
// the whole list. Dissimilar candidates stay.
CandidateList WithoutLeaks(const CandidateList& list, const PhotoRow& photo, const LeakageRules& rules,
                           DistanceKind distance);
// The same for each list; lists of photos that are not in the truth table stay as they are.
std::vector<CandidateList> WithoutLeaks(const std::vector<CandidateList>& lists, const PhotoTable& truth,
                                        const LeakageRules& rules, DistanceKind distance);

// The columns of a table that says who took a gallery's photos.
struct AuthorColumns {
  std::string id = "IMG_ID";
  std::string author = "AUTHOR";
};
// Fills in the author of candidates that have none by their gallery_id; returns how many got one. Throws InputError
// when the table lacks a column, or has none of the candidates.
std::int64_t JoinAuthors(const std::filesystem::path& table, const AuthorColumns& columns,
                         std::vector<CandidateList>& lists);

struct LeakageRow {
  std::string rule;  // "all candidates", "without the same author's" ...
  std::int64_t candidates_removed = 0;
  std::int64_t lists_shortened = 0;
  std::int64_t lists_emptied = 0;            // no answer is left: scored as a miss
  std::int64_t answers_changed = 0;          // photos whose first candidate is another place, or gone
  Evaluation evaluation;                     // of the first candidate that remains
  std::vector<PairedComparison> comparison;  // all candidates (a) against this (b); empty in the first row
};

struct LeakageStudy {
  std::vector<LeakageRow> rows;  // all candidates; without each rule's; without any of them, where there are several
  std::vector<std::string> unavailable;  // rules that the files have no columns for, and why
};

// The row that stands beside rank 1 wherever it can be computed: without each photographer's own gallery photos.
// Nothing where the photos or the candidates have no authors.
std::optional<LeakageRow> WithoutOwnPhotos(const std::vector<CandidateList>& lists, const PhotoTable& truth,
                                           const EvaluateOptions& options, const EvaluationSubject& subject);

// Throws InputError when no rule can be applied, or when a score limit is asked for and no candidate has a score.
LeakageStudy StudyLeakage(const std::vector<CandidateList>& lists, const PhotoTable& truth, const LeakageRules& rules,
                          const EvaluateOptions& options, const EvaluationSubject& subject);

}  // namespace dualgeo
