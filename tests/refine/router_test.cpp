#include "refine/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "io/csv.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::vector<std::string> kScenes = {"Prob_indoor", "Prob_natural", "Prob_urban"};

class Router : public ::testing::Test {
 protected:
  ClassProbabilities Table(const std::string& rows) const {
    return ClassProbabilities::Read(folder_.Write("s.csv", "IMG_ID,Prob_indoor,Prob_natural,Prob_urban\n" + rows),
                                    kScenes);
  }
  TemporaryFolder folder_;
};

RoutedModel<Prediction> Says(const std::string& path, double lat, const std::vector<std::string>& photos) {
  RoutedModel<Prediction> model{path, {}};
  for (const auto& photo : photos) model.answers.push_back({photo, LatLon{lat, 0}, "top1", {}, ""});
  return model;
}

TEST_F(Router, TheMostProbableClassAnswers) {
  const auto table = Table("a,.1,.2,.7\nb,.5,.5,0\nc,.2,.6,.2\nd,1,0,0\n");
  const auto routed = Route(
      table, {Says("i.csv", 1, {"c", "b", "a"}), Says("n.csv", 2, {"a", "b", "c"}), Says("u.csv", 3, {"b", "a", "c"})});
  ASSERT_EQ(routed.answers.size(), 3U);
  EXPECT_EQ(routed.answers[0], (Prediction{"c", LatLon{2, 0}, "top1", {}, "", "", "Prob_natural"}));
  EXPECT_EQ(routed.answers[1].model, "Prob_indoor") << "the first of equals";
  EXPECT_EQ(routed.answers[2].location, (LatLon{3, 0}));
  EXPECT_THAT(routed.count, ElementsAre(1, 1, 1));
  EXPECT_EQ(routed.left_out, 1) << "no model saw d";

  std::vector<RoutedModel<CandidateList>> lists;
  for (const char* path : {"i.csv", "n.csv", "u.csv"}) lists.push_back({path, {{"a", {}}, {"b", {}}}});
  EXPECT_EQ(Route(table, lists).answers[0].model, "Prob_urban");
}

TEST_F(Router, PhotosThatDoNotMatchAreNamed) {
  const auto table = Table("a,.1,.2,.7\n");
  EXPECT_THAT(
      [&] {
        Route(table, {Says("i.csv", 1, {"a"}), Says("n.csv", 2, {"a"}), Says("u.csv", 3, {})});
      },
      ThrowsMessage<InputError>(HasSubstr("u.csv: has no photo 'a', whose class is Prob_urban; i.csv has it")));
  EXPECT_THAT(
      [&] {
        Route(table, {Says("i.csv", 1, {"x"}), Says("n.csv", 2, {}), Says("u.csv", 3, {})});
      },
      ThrowsMessage<InputError>(HasSubstr("s.csv: has no photo 'x'")));
  EXPECT_THROW(Route(table, {Says("i.csv", 1, {"a"})}), InputError);
}

TEST_F(Router, BadProbabilitiesNameTheLine) {
  const auto refused = [&](const std::string& rows, const std::string& why) {
    EXPECT_THAT([&] { Table(rows); }, ThrowsMessage<InputError>(HasSubstr(why)));
  };
  refused("a,.1,.2,.7\nb,nan,.5,.5\n", "s.csv:3: Prob_indoor is 'nan'");
  refused("a,-.1,.4,.7\n", "s.csv:2: Prob_indoor is -0.1; a probability lies in [0, 1]");
  refused("a,.1,.2,.3\n", "s.csv:2: Prob_indoor, Prob_natural, Prob_urban sum to 0.6");
  refused("a,,.3,.7\n", "s.csv:2: Prob_indoor is empty");
  refused("a,.1,.2,.7\na,.1,.2,.7\n", "s.csv:3: IMG_ID 'a' already stands in line 2");
  refused(",.1,.2,.7\n", "s.csv:2: IMG_ID is empty");
  const auto path = folder_.Write("s.csv", "IMG_ID,Prob_indoor,Prob_outdoor\na,.5,.5\n");
  EXPECT_THAT(
      [&] {
        ClassProbabilities::Read(path, {"Prob_indoor", "Prob_urban"});
      },
      ThrowsMessage<InputError>(HasSubstr("no column Prob_urban")));
  EXPECT_THAT([&] { ClassProbabilities::Read(path, {"Prob_indoor"}); },
              ThrowsMessage<InputError>(HasSubstr("at least two classes")));
  EXPECT_THAT(
      [&] {
        ClassProbabilities::Read(path, {"Prob_indoor", "Prob_outdoor"}, "photo");
      },
      ThrowsMessage<InputError>(HasSubstr("no column photo")));
}

TEST_F(Router, APhotoTrainsEveryClassAboveTheThreshold) {
  const auto table = Table("a,.4,.35,.25\nb,.3,.3,.4\nc,0,0,1\n");
  std::vector<PhotoRow> photos;
  for (const char* id : {"c", "a", "b"}) photos.push_back({id, LatLon{1, 2}, "", 0});
  const auto split = SplitByClass(table, photos, .3);
  ASSERT_EQ(split.size(), 3U);
  EXPECT_EQ(split[0].size(), 1U);
  EXPECT_EQ(split[0][0].id, "a");
  EXPECT_EQ(split[1].size(), 1U) << "0.3 is not above 0.3";
  EXPECT_EQ(split[2].size(), 2U);
  EXPECT_EQ(split[2][0].id, "c") << "in the table's order";
  photos.push_back({"x", LatLon{1, 2}, "", 0});
  EXPECT_THAT([&] { SplitByClass(table, photos, .3); }, ThrowsMessage<InputError>(HasSubstr("has no photo 'x'")));
}

// ISNs' scene network on YFCC photos: 0 indoor, 1 natural, 2 urban.
TEST(RouterData, TheLabelIsTheMostProbableSceneOfEveryRow) {
  SHARED_PATH_OR_SKIP(path, "data/cells/yfcc_cell_labels.csv");
  const auto table = ClassProbabilities::Read(path, kScenes, "");
  const CsvTable csv = CsvTable::Read(path);
  const std::size_t label = csv.Require("S3_Label");
  ASSERT_EQ(csv.rows(), 12753U);
  std::size_t same = 0;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    same += static_cast<std::int64_t>(table.Best(std::to_string(row))) == csv.Integer(row, label) ? 1 : 0;
  }
  EXPECT_EQ(same, csv.rows());
}

}  // namespace
}  // namespace dualgeo
