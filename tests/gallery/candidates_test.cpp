#include "dualgeo/gallery/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "dualgeo/util/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/read_file.h"

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

TEST_F(Candidates, TablesOfPandasAndOtherProgramsAreTheSame) {
  const auto plain = Read(std::string(kHeader) + "q,1,g1,1.5,2,,,similar\nq,2,g2,3,4,,,similar\n");
  for (const std::string text :
       {",query_id,rank,gallery_id,lat,lon,score,author,set,more\n0,q,1.0,g1,1.5,2,nan,nan,similar,x\n"
        "1,q,2.0,g2,3,4,NaN,NaN,similar,y\n",
        "query_id\trank\tgallery_id\tlat\tlon\nq\t1\tg1\t1.5\t2\nq\t2\tg2\t3\t4\n",
        "query_id;rank;gallery_id;lat;lon;score\nq;1;g1;1,5;2,0;\nq;2,0;g2;3;4;nan\n",
        "query_id,rank,gallery_id,lat,lon,gps_score,cluster,rerank_score,retrieval_rank,point_lat,point_lon,confidence_"
        "km,"
        "p_1km,p_25km,p_200km,p_750km,p_2500km\nq,1,g1,1.5,2,nan,nan,,<NA>,nan,nan,nan,nan,nan,nan,nan,nan\n"
        "q,2.0,g2,3,4,nan,nan,,,nan,nan,nan,nan,nan,nan,nan,nan\n"}) {
    EXPECT_EQ(Read(text), plain) << text;
  }
  EXPECT_EQ(Read("query_id,rank,lat,lon\nq,1,1.5,2\n")[0].candidates[0].gallery_id, "");
}

TEST_F(Candidates, RealMistakesStayErrors) {
  for (const char* row :
       {"q,0,g,1,2,,,similar\n", "q,1.5,g,1,2,,,similar\n", "q,nan,g,1,2,,,similar\n", "q,2,g,1,2,,,similar\n",
        "q,1,g,nan,2,,,similar\n", "q,1,g,1,2,inf,,similar\n", "q,1,g,1,2,,,nan\n", "q,,g,1,2,,,similar\n"}) {
    EXPECT_THAT(ErrorOf(row), HasSubstr("c.csv:2: ")) << row;
  }
}

// Threads read the lists; the message is the one that reading from top to bottom gives.
TEST_F(Candidates, TheFirstBadRowIsNamed) {
  std::string rows;
  for (int i = 0; i < 3000; ++i)
    rows += "q" + std::to_string(i) + (i % 1000 == 700 ? ",1,g,x,2,,,similar\n" : ",1,g,1,2,,,similar\n");
  EXPECT_THAT(ErrorOf(rows), HasSubstr("c.csv:702: lat is 'x'"));
  std::string ranks;
  for (int i = 0; i < 3000; ++i)
    ranks += "q" + std::to_string(i) + (i > 1200 ? ",2,g,1,2,,,similar\n" : ",1,g,1,2,,,similar\n");
  EXPECT_THAT(ErrorOf(ranks), HasSubstr("c.csv:1203: query 'q1201' has rank 2"));
}

TEST_F(Candidates, ManyListsAreWrittenInOrder) {
  std::vector<CandidateList> lists;
  for (int i = 0; i < 70'000; ++i)
    lists.push_back({"q" + std::to_string(i), {{1, "g", {i * 0.001, 2}, {}, "", true, {}, {}, {}}}, {}});
  WriteCandidates(folder_ / "many.csv", lists);
  EXPECT_EQ(ReadCandidates(folder_ / "many.csv"), lists);
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
  EXPECT_THAT(ErrorOf("q,1,1,2\n", "query_id,position,lat,lon\n"), HasSubstr("no column rank"));
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

TEST_F(Candidates, RuleAndModelReadBackAndAreCheckedForWhatTheyAre) {
  std::vector<CandidateList> lists = {
      {"a.jpg", {{1, "g1", {1, 2}, {}, "", true, {}, {}, {}}, {2, "g2", {3, 4}, {}, "", true, {}, {}, {}}}},
      {"b.jpg", {{1, "g3", {0, 0}, {}, "", true, {}, {}, {}}}}};
  lists[0].candidates[0].rule = CellAnswer::kMean;
  lists[0].candidates[1].rule = CellAnswer::kMember;
  lists[1].candidates[0].rule = CellAnswer::kCentre;
  lists[1].model = "Prob_indoor";
  WriteCandidates(folder_ / "w.csv", lists);
  EXPECT_EQ(ReadCandidates(folder_ / "w.csv"), lists);
  const std::string header = "query_id,rank,lat,lon,rule,model\n";
  EXPECT_THAT(ErrorOf("q,1,1,2,median,\n", header), HasSubstr("c.csv:2: rule is 'median'; allowed: mean, centre"));
  EXPECT_THAT(ErrorOf("q,1,1,2,,a\nq,2,1,2,,b\n", header),
              HasSubstr("c.csv:3: query 'q' has the model 'b' here and 'a' before"));
}

TEST_F(Candidates, RealLists) {
  SHARED_PATH_OR_SKIP(path, "data/retrieval/g3_im2gps3k_candidates_dev.csv");
  const auto lists = ReadCandidates(path);
  ASSERT_EQ(lists.size(), 1450U);
  for (const auto& list : lists) EXPECT_EQ(list.candidates.size(), 20U);
}

TEST_F(Candidates, NameTheirGalleryWhereThereAreSeveral) {
  CandidateList list{"q",
                     {{1, "g", {1, 2}, 0.5, "ann", true, {}, {}, {}}, {2, "h", {3, 4}, 0.25, "", true, {}, {}, {}}}};
  WriteCandidates(folder_ / "one.csv", {list});
  EXPECT_EQ(ReadFile(folder_ / "one.csv"),
            std::string(kHeader) + "q,1,g,1,2,0.5,ann,similar\nq,2,h,3,4,0.25,,similar\n");
  list.candidates[0].gallery = "a";
  list.candidates[1].gallery = "b";
  WriteCandidates(folder_ / "two.csv", {list});
  EXPECT_EQ(ReadFile(folder_ / "two.csv"),
            "query_id,rank,gallery_id,lat,lon,score,author,set,gallery\nq,1,g,1,2,0.5,ann,similar,a\n"
            "q,2,h,3,4,0.25,,similar,b\n");
  EXPECT_EQ(ReadCandidates(folder_ / "two.csv"), std::vector{list});
}

}  // namespace
}  // namespace dualgeo
