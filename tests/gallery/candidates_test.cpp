#include "dualgeo/gallery/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "dualgeo/util/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kHeader[] = "query_id,rank,gallery_id,lat,lon,score,author,set\n";

class Candidates : public ::testing::Test {
 protected:
  std::vector<CandidateList> Read(const std::string& content) {
    return ReadCandidates(folder_.Write("c.csv", content));
  }
  std::string ErrorOf(const std::string& rows, const std::string& header = kHeader) {
    try {
      Read(header + rows);
    } catch (const InputError& error) {
      return error.what();
    }
    ADD_FAILURE() << "no InputError for " << rows;
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(Candidates, GroupsAndOrders) {
  const auto lists = Read(std::string(kHeader) +
                          "q2,2,g3,1,2,0.5,ann,similar\nq1,1,g1,-3,4,,,similar\nq2,1,g9,5,6,-0.5,,dissimilar\n"
                          "q2,1,g2,7,8,0.75,,similar\n");
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_EQ(lists[0].query_id, "q2");
  ASSERT_EQ(lists[0].candidates.size(), 3U);
  EXPECT_EQ(lists[0].candidates[0].gallery_id, "g2");
  EXPECT_EQ(lists[0].candidates[1].gallery_id, "g3");
  EXPECT_EQ(lists[0].candidates[1].author, "ann");
  EXPECT_EQ(lists[0].candidates[1].score, 0.5);
  EXPECT_FALSE(lists[0].candidates[2].similar);
  EXPECT_EQ(lists[1].candidates[0].location, (LatLon{-3, 4}));
  EXPECT_EQ(lists[1].candidates[0].score, std::nullopt);
}

TEST_F(Candidates, ScoreAuthorAndSetMayBeAbsent) {
  const auto lists = Read("query_id,rank,gallery_id,lat,lon\nq,1,g,1,2\n");
  EXPECT_EQ(lists[0].candidates[0], (Candidate{1, "g", {1, 2}, {}, "", true, {}, {}, {}}));
  EXPECT_TRUE(Read(kHeader).empty());
}

TEST_F(Candidates, BadRowsNameTheLine) {
  EXPECT_THAT(ErrorOf("q,1,g,nan,2,,,similar\n"), HasSubstr("c.csv:2: lat is 'nan'"));
  EXPECT_THAT(ErrorOf("q,1,g,1,2,,,similar\nq,2,g,91,2,,,similar\n"),
              AllOf(HasSubstr("c.csv:3: "), HasSubstr("out of range")));
  EXPECT_THAT(ErrorOf("q,1,g,,2,,,similar\n"), HasSubstr("c.csv:2: lat is empty"));
  EXPECT_THAT(ErrorOf("q,1,g,1,2,high,,similar\n"), HasSubstr("c.csv:2: score is 'high'"));
  EXPECT_THAT(ErrorOf("q,1,g,1,2,inf,,similar\n"), HasSubstr("c.csv:2: score is 'inf'"));
  EXPECT_THAT(ErrorOf("q,1,g,1,2,,,alike\n"), AllOf(HasSubstr("c.csv:2: set is 'alike'"), HasSubstr("dissimilar")));
  EXPECT_THAT(ErrorOf(",1,g,1,2,,,similar\n"), HasSubstr("c.csv:2: query_id is empty"));
  EXPECT_THAT(ErrorOf("q,1.5,g,1,2,,,similar\n"), HasSubstr("c.csv:2: rank is '1.5'"));
  EXPECT_THAT(ErrorOf("q,1,1,2\n", "query_id,rank,lat,lon\n"), HasSubstr("no column gallery_id"));
}

TEST_F(Candidates, RanksHaveNeitherGapsNorRepeats) {
  EXPECT_THAT(ErrorOf("q,0,g,1,2,,,similar\n"), HasSubstr("c.csv:2: rank is 0"));
  EXPECT_THAT(ErrorOf("q,2,g,1,2,,,similar\n"), AllOf(HasSubstr("c.csv:2: "), HasSubstr("has rank 2 where 1")));
  EXPECT_THAT(ErrorOf("q,1,g,1,2,,,similar\nq,3,h,1,2,,,similar\n"),
              HasSubstr("c.csv:3: query 'q' has rank 3 where 2"));
  EXPECT_THAT(ErrorOf("q,1,g,1,2,,,similar\nq,1,h,1,2,,,similar\n"),
              HasSubstr("c.csv:3: query 'q' has rank 1 where 2"));
  EXPECT_THAT(ErrorOf("q,1,g,1,2,,,similar\nq,2,h,1,2,,,dissimilar\n"), HasSubstr("c.csv:3: "));
}

TEST_F(Candidates, WhatIsWrittenReadsBack) {
  std::vector<CandidateList> lists = {
      {"a, \"b\".jpg",
       {{1, "g1", {1.0 / 3, -180}, -0.125, "x,y", true, {}, {}, {}}, {1, "g2", {-90, 0}, {}, "", false, {}, {}, {}}}},
      {"c.jpg", {{1, "g3", {0, 0}, {}, "", true, {}, {}, {}}}}};
  WriteCandidates(folder_ / "w.csv", lists);
  EXPECT_EQ(ReadCandidates(folder_ / "w.csv"), lists);
  std::ifstream stream(folder_ / "w.csv");
  std::string header;
  std::getline(stream, header);
  EXPECT_EQ(header + "\n", kHeader);

  lists[0].candidates[0].cluster = -1;
  lists[0].candidates[0].rerank_score = -12.5;
  lists[0].candidates[0].retrieval_rank = 7;
  WriteCandidates(folder_ / "w.csv", lists);
  EXPECT_EQ(ReadCandidates(folder_ / "w.csv"), lists);
}

TEST_F(Candidates, RealLists) {
  SHARED_PATH_OR_SKIP(path, "data/retrieval/g3_im2gps3k_candidates_dev.csv");
  const auto lists = ReadCandidates(path);
  ASSERT_EQ(lists.size(), 1450U);
  for (const auto& list : lists) EXPECT_EQ(list.candidates.size(), 20U);
}

}  // namespace
}  // namespace dualgeo
