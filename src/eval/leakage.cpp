#include "eval/leakage.h"

#include <algorithm>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "io/input_file.h"
#include "io/other_names.h"

namespace dualgeo {
namespace {

std::unordered_map<std::string_view, const PhotoRow*> RowsById(const PhotoTable& table) {
  std::unordered_map<std::string_view, const PhotoRow*> rows;
  for (const auto& row : table.rows) rows.emplace(row.id, &row);
  return rows;
}

std::optional<LatLon> First(const CandidateList& list) {
  if (list.candidates.empty() || !list.candidates.front().similar) return std::nullopt;
  return list.candidates.front().location;
}

std::int64_t SimilarCount(const CandidateList& list) {
  return std::ranges::count_if(list.candidates, [](const Candidate& c) { return c.similar; });
}

bool AnyAuthor(const std::vector<CandidateList>& lists) {
  return std::ranges::any_of(lists, [](const CandidateList& list) {
    return std::ranges::any_of(list.candidates, [](const Candidate& c) { return !c.author.empty(); });
  });
}

bool AnyScore(const std::vector<CandidateList>& lists) {
  return std::ranges::any_of(lists, [](const CandidateList& list) {
    return std::ranges::any_of(list.candidates, [](const Candidate& c) { return c.score.has_value(); });
  });
}

LeakageRow Row(const std::string& rule, const std::vector<CandidateList>& lists, const std::vector<CandidateList>& left,
               const PhotoTable& truth, const EvaluateOptions& options, EvaluationSubject subject) {
  LeakageRow row;
  row.rule = rule;
  const auto photos = RowsById(truth);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (!photos.contains(lists[i].query_id)) continue;
    const std::int64_t before = SimilarCount(lists[i]), after = SimilarCount(left[i]);
    row.candidates_removed += before - after;
    row.lists_shortened += after < before ? 1 : 0;
    row.lists_emptied += after == 0 && before > 0 ? 1 : 0;
    row.answers_changed += First(lists[i]) != First(left[i]) ? 1 : 0;
  }
  subject.method = rule;
  row.evaluation = Evaluate(truth, RankOne(left), options, std::move(subject));
  return row;
}

}  // namespace

CandidateList WithoutLeaks(const CandidateList& list, const PhotoRow& photo, const LeakageRules& rules,
                           DistanceKind distance) {
  CandidateList left{list.query_id, {}, std::nullopt};
  int rank = 0;
  for (const auto& candidate : list.candidates) {
    if (candidate.similar) {
      if (rules.same_author && !photo.author.empty() && candidate.author == photo.author) continue;
      if (rules.score_above && candidate.score && *candidate.score > *rules.score_above) continue;
      if (rules.within_km > 0 && photo.location &&
          DistanceKm(*photo.location, candidate.location, distance) < rules.within_km) {
        continue;
      }
    }
    left.candidates.push_back(candidate);
    if (candidate.similar) left.candidates.back().rank = ++rank;
  }
  return left;
}

std::vector<CandidateList> WithoutLeaks(const std::vector<CandidateList>& lists, const PhotoTable& truth,
                                        const LeakageRules& rules, DistanceKind distance) {
  const auto photos = RowsById(truth);
  std::vector<CandidateList> left;
  left.reserve(lists.size());
  for (const auto& list : lists) {
    const auto photo = photos.find(list.query_id);
    left.push_back(photo == photos.end() ? list : WithoutLeaks(list, *photo->second, rules, distance));
  }
  return left;
}

std::int64_t JoinAuthors(const std::filesystem::path& table, const AuthorColumns& columns,
                         std::vector<CandidateList>& lists) {
  // Of the table's rows, which may be millions, only those of candidates are kept.
  std::unordered_map<std::string_view, std::string> author_of;
  for (const auto& list : lists) {
    for (const auto& candidate : list.candidates) author_of.try_emplace(candidate.gallery_id);
  }
  const CsvTable csv = CsvTable::Read(table);
  const std::size_t id = csv.Require(columns.id), author = csv.Require(columns.author);
  std::int64_t known = 0;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const auto found = author_of.find(csv.Text(row, id));
    if (found == author_of.end()) continue;
    ++known;
    found->second = csv.Text(row, author);
  }
  if (known == 0 && !author_of.empty()) {
    std::vector<std::string> wanted, there;
    for (const auto& [name, unknown] : author_of) wanted.emplace_back(name);
    std::ranges::sort(wanted);
    for (std::size_t row = 0; row < csv.rows(); ++row) there.emplace_back(csv.Text(row, id));
    const std::string match = WhatMakesThemMatch(wanted, there);
    throw InputError(InputName(table) + ": none of the candidates is in its column " + Printable(columns.id) +
                     (match.empty() ? "" : ", but " + match) + ". Candidates: " + FirstFew(wanted) +
                     "; in the table: " + FirstFew(there));
  }
  std::int64_t joined = 0;
  for (auto& list : lists) {
    for (auto& candidate : list.candidates) {
      if (!candidate.author.empty()) continue;
      candidate.author = author_of.at(candidate.gallery_id);
      joined += candidate.author.empty() ? 0 : 1;
    }
  }
  return joined;
}

std::optional<LeakageRow> WithoutOwnPhotos(const std::vector<CandidateList>& lists, const PhotoTable& truth,
                                           const EvaluateOptions& options, const EvaluationSubject& subject) {
  const bool known = std::ranges::any_of(truth.rows, [](const PhotoRow& row) { return !row.author.empty(); });
  if (!known || !AnyAuthor(lists)) return std::nullopt;
  const auto left = WithoutLeaks(lists, truth, {true, 0, std::nullopt}, ParseDistanceKind(options.distance));
  return Row((subject.method.empty() ? "" : subject.method + ", ") +
                 std::string("without the photographer's own gallery photos"),
             lists, left, truth, options, subject);
}

LeakageStudy StudyLeakage(const std::vector<CandidateList>& lists, const PhotoTable& truth, const LeakageRules& rules,
                          const EvaluateOptions& options, const EvaluationSubject& subject) {
  LeakageStudy study;
  LeakageRules all = rules;
  std::vector<std::pair<std::string, LeakageRules>> each;
  if (rules.same_author) {
    const bool truth_has = std::ranges::any_of(truth.rows, [](const PhotoRow& row) { return !row.author.empty(); });
    const std::string& file = subject.predictions_file;
    if (!truth_has) {
      study.unavailable.push_back("same author: no photo of " + truth.path.string() + " has an AUTHOR");
    } else if (!AnyAuthor(lists)) {
      study.unavailable.push_back("same author: no candidate of " + (file.empty() ? "the lists" : file) +
                                  " has an author");
    } else {
      each.push_back({"without the same author's", {true, 0, std::nullopt}});
    }
    all.same_author = !each.empty();
  }
  if (rules.score_above) {
    if (!AnyScore(lists)) throw InputError("near duplicates are to be left out by score, and no candidate has a score");
    each.push_back({"without near duplicates (score above " + FormatDouble(*rules.score_above) + ")",
                    {false, 0, rules.score_above}});
  }
  if (rules.within_km > 0) {
    each.push_back({"without those within " + FormatDouble(rules.within_km) + " km of the truth",
                    {false, rules.within_km, std::nullopt}});
  }
  if (each.empty()) {
    throw InputError("leakage cannot be told from these files: " +
                     (study.unavailable.empty() ? "no rule is given" : Join(study.unavailable, "; ")));
  }
  if (each.size() > 1) each.push_back({"without any of these", all});

  const DistanceKind distance = ParseDistanceKind(options.distance);
  const LeakageRules none{false, 0, std::nullopt};
  study.rows.push_back(
      Row("all candidates", lists, WithoutLeaks(lists, truth, none, distance), truth, options, subject));
  for (const auto& [name, rule] : each) {
    study.rows.push_back(Row(name, lists, WithoutLeaks(lists, truth, rule, distance), truth, options, subject));
    study.rows.back().comparison = Compare(study.rows.front().evaluation, study.rows.back().evaluation);
  }
  return study;
}

}  // namespace dualgeo
