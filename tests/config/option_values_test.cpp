#include "config/option_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

struct InnerOptions {
  std::vector<double> sigmas = {1, 0.5};
  std::optional<int> width;
  double dropout = 0.1;
  std::string weights = "w.bin";

  template <class V>
  void Visit(V& v) {
    v.Field("sigmas", sigmas, "", Range{0, 9});
    v.Field("width", width, "");
    v.Field("dropout", dropout, "", Affects::kTraining, Range{0, 1});
    v.Field("weights", weights, "", Affects::kContent);
  }
};

struct OuterOptions {
  bool shuffle = true;
  int workers = 3;
  std::string name = "a";
  InnerOptions model;
  std::map<std::string, InnerOptions> sets;

  template <class V>
  void Visit(V& v) {
    v.Field("shuffle", shuffle, "");
    v.Field("workers", workers, "", Range{0, 9}, Affects::kSpeed);
    v.Field("name", name, "", OneOf{{"a", "b"}}, Affects::kNothing);
    v.Group("model", model, "");
    v.Map("sets", sets, "");
  }
};

TEST(OptionValues, AreThoseThatAffectWhatIsAskedFor) {
  OuterOptions options;
  options.sets["x"];
  const OptionGroup tree = OptionTree(options);
  EXPECT_THAT(ValuesThat({Affects::kResult}, tree),
              ElementsAre(Pair("model.sigmas", "[1, 0.5]"), Pair("model.width", "null"),
                          Pair("sets.x.sigmas", "[1, 0.5]"), Pair("sets.x.width", "null"), Pair("shuffle", "true")));
  EXPECT_THAT(ValuesThat({Affects::kTraining, Affects::kSpeed}, tree, "t."),
              ElementsAre(Pair("t.model.dropout", "0.1"), Pair("t.sets.x.dropout", "0.1"), Pair("t.workers", "3")));
  EXPECT_EQ(tree.fields[2].one_of->values.size(), 2);
  EXPECT_EQ(tree.fields[1].range->max, 9);
}

TEST(OptionValues, AnOptionThatCameLaterDiffersOnlyFromItsDefault) {
  const OptionValues then = {{"lr", "1"}, {"gone", "7"}};
  EXPECT_THAT(CompareValues(then, {{"lr", "1"}, {"new", "0"}}, {{"new", "0"}}), IsEmpty());
  EXPECT_THAT(CompareValues(then, {{"lr", "2"}, {"new", "1"}}, {{"new", "0"}}),
              ElementsAre("lr: 1 then, 2 now", "new: absent then, 1 now"));
}

}  // namespace
}  // namespace dualgeo
