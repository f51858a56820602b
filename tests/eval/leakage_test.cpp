#include "eval/leakage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr LatLon kHere{10, 10}, kFar{-40, 100};

Candidate At(int rank, LatLon place, const std::string& author, std::optional<double> score = {}, bool similar = true) {
  return Candidate{rank, "g", place, score, author, similar, {}, {}, {}};
}

// Every photo is at kHere. q1: the photographer's own shot gives the place away. q2: found by another's. q3: the
// photographer's own shot misleads. q4: nothing else is in the list.
PhotoTable LeakageTruth() {
  PhotoTable truth;
  truth.path = "truth.csv";
  for (const char* id : {"q1", "q2", "q3", "q4", "q5"}) truth.rows.push_back({id, kHere, "me", 0});
  truth.rows[4].author.clear();
  return truth;
}

std::vector<CandidateList> Lists() {
  return {{"q1", {At(1, kHere, "me", 0.99), At(2, kFar, "you", 0.5), At(1, kHere, "me", -0.9, false)}},
          {"q2", {At(1, kHere, "you", 0.6)}},
          {"q3", {At(1, kFar, "me", 0.97), At(2, kHere, "you", 0.4)}},
          {"q4", {At(1, kHere, "me", 0.3)}},
          {"q5", {At(1, kFar, "me", 0.98), At(2, kFar, "", 0.2)}}};
}

EvaluateOptions Options() {
  EvaluateOptions options;
  options.thresholds_km = {25};
  options.bootstrap = 0;
  return options;
}

TEST(Leakage, ChangesThePhotosThatItShould) {
  LeakageRules rules;
  rules.score_above = 0.95;
  rules.within_km = 1;
  const LeakageStudy study = StudyLeakage(Lists(), LeakageTruth(), rules, Options(), {});
  ASSERT_EQ(study.rows.size(), 5U);
  EXPECT_TRUE(study.unavailable.empty());

  const LeakageRow& all = study.rows[0];
  EXPECT_EQ(all.rule, "all candidates");
  EXPECT_EQ(all.candidates_removed, 0);
  EXPECT_EQ(all.answers_changed, 0);
  EXPECT_DOUBLE_EQ(all.evaluation.all.accuracy[0].percent, 60);  // q1, q2, q4

  const LeakageRow& author = study.rows[1];
  EXPECT_EQ(author.rule, "without the same author's");
  EXPECT_EQ(author.candidates_removed, 3);
  EXPECT_EQ(author.lists_shortened, 3);
  EXPECT_EQ(author.lists_emptied, 1);
  EXPECT_EQ(author.answers_changed, 3);
  EXPECT_DOUBLE_EQ(author.evaluation.all.accuracy[0].percent, 40);  // q2, q3
  ASSERT_EQ(author.comparison.size(), 1U);
  EXPECT_EQ(author.comparison[0].only_a, 2);
  EXPECT_EQ(author.comparison[0].only_b, 1);

  const LeakageRow& duplicates = study.rows[2];
  EXPECT_EQ(duplicates.rule, "without near duplicates (score above 0.95)");
  EXPECT_EQ(duplicates.candidates_removed, 3);                          // of q1, q3, q5
  EXPECT_EQ(duplicates.answers_changed, 2);                             // q5's next is at the same place
  EXPECT_DOUBLE_EQ(duplicates.evaluation.all.accuracy[0].percent, 60);  // q2, q3, q4

  const LeakageRow& near = study.rows[3];
  EXPECT_DOUBLE_EQ(near.evaluation.all.accuracy[0].percent, 0);  // by construction
  EXPECT_EQ(near.lists_emptied, 2);

  EXPECT_EQ(study.rows[4].rule, "without any of these");
  EXPECT_EQ(study.rows[4].candidates_removed, 6);
}

TEST(Leakage, WhatRemainsIsAListAgain) {
  auto lists = Lists();
  lists[0].estimate = PlaceEstimate{kHere, 1, {}};
  const auto left = WithoutLeaks(lists, LeakageTruth(), {}, DistanceKind::kGeodesic);
  ASSERT_EQ(left.size(), 5U);
  EXPECT_FALSE(left[0].estimate.has_value());
  ASSERT_EQ(left[0].candidates.size(), 2U);
  EXPECT_EQ(left[0].candidates[0].rank, 1);
  EXPECT_EQ(left[0].candidates[0].author, "you");
  EXPECT_FALSE(left[0].candidates[1].similar);  // the dissimilar one stays, whoever took it
  lists[0].query_id = "unknown";
  EXPECT_EQ(WithoutLeaks(lists, LeakageTruth(), {}, DistanceKind::kGeodesic)[0], lists[0]);
}

TEST(Leakage, AuthorsAreJoinedFromATable) {
  const TemporaryFolder folder;
  auto lists = Lists();
  for (auto& list : lists) {
    for (auto& candidate : list.candidates) candidate.author.clear();
  }
  lists[0].candidates[0].gallery_id = "a/1.jpg";
  lists[0].candidates[1].gallery_id = "a/2.jpg";
  lists[0].candidates[1].author = "known";
  const auto table = folder.Write("mp16.csv", "photo,who\na/1.jpg,me\na/2.jpg,other\nz.jpg,you\n");
  EXPECT_EQ(JoinAuthors(table, {"photo", "who"}, lists), 1);
  EXPECT_EQ(lists[0].candidates[0].author, "me");
  EXPECT_EQ(lists[0].candidates[1].author, "known");  // what a list says stays
  EXPECT_THAT([&] { JoinAuthors(table, {}, lists); }, ThrowsMessage<InputError>(HasSubstr("no column IMG_ID")));
  const auto foreign = folder.Write("x.csv", "IMG_ID,AUTHOR\nq,me\n");
  EXPECT_THAT([&] { JoinAuthors(foreign, {}, lists); },
              ThrowsMessage<InputError>(
                  AllOf(HasSubstr("none of the candidates is in its column IMG_ID"), HasSubstr("in the table: q"))));
}

TEST(Leakage, RankOneWithoutThePhotographersOwnPhotos) {
  const auto row = WithoutOwnPhotos(Lists(), LeakageTruth(), Options(), {});
  ASSERT_TRUE(row);
  EXPECT_EQ(row->candidates_removed, 3);
  EXPECT_EQ(row->lists_emptied, 1);
  EXPECT_DOUBLE_EQ(row->evaluation.all.accuracy[0].percent, 40);
  PhotoTable anonymous = LeakageTruth();
  for (auto& photo : anonymous.rows) photo.author.clear();
  EXPECT_FALSE(WithoutOwnPhotos(Lists(), anonymous, Options(), {}));
  auto lists = Lists();
  for (auto& list : lists) {
    for (auto& candidate : list.candidates) candidate.author.clear();
  }
  EXPECT_FALSE(WithoutOwnPhotos(lists, LeakageTruth(), Options(), {}));
}

TEST(Leakage, SaysWhatTheFilesDoNotTell) {
  auto lists = Lists();
  for (auto& list : lists) {
    for (auto& candidate : list.candidates) candidate.author.clear(), candidate.score.reset();
  }
  LeakageRules rules;
  rules.within_km = 1;
  const LeakageStudy study = StudyLeakage(lists, LeakageTruth(), rules, Options(), {});
  EXPECT_THAT(study.unavailable, ElementsAre(HasSubstr("no candidate of the lists has an author")));
  EXPECT_EQ(study.rows.size(), 2U);
  rules.within_km = 0;
  EXPECT_THAT([&] { StudyLeakage(lists, LeakageTruth(), rules, Options(), {}); },
              ThrowsMessage<InputError>(HasSubstr("leakage cannot be told from these files: same author: ")));
  rules.score_above = 0.5;
  EXPECT_THAT([&] { StudyLeakage(lists, LeakageTruth(), rules, Options(), {}); },
              ThrowsMessage<InputError>(HasSubstr("no candidate has a score")));
  PhotoTable anonymous = LeakageTruth();
  for (auto& row : anonymous.rows) row.author.clear();
  EXPECT_THAT([&] { StudyLeakage(Lists(), anonymous, {}, Options(), {}); },
              ThrowsMessage<InputError>(HasSubstr("no photo of truth.csv has an AUTHOR")));
}

}  // namespace
}  // namespace dualgeo
