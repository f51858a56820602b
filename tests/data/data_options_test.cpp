#include "data/data_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// Collects the keys, as the config's binder would read them.
struct Keys {
  std::vector<std::string> keys;
  std::string prefix;

  template <class T, class... Rest>
  void Field(const std::string& name, T&, const std::string&, const Rest&...) {
    keys.push_back(prefix + name);
  }
  template <class T>
  void Group(const std::string& name, T& group, const std::string&) {
    const std::string outer = prefix;
    prefix += name + ".";
    group.Visit(*this);
    prefix = outer;
  }
  template <class T>
  void Map(const std::string& name, std::map<std::string, T>& map, const std::string& help) {
    for (auto& [key, value] : map) Group(name + "." + key, value, help);
  }
};

TEST(DataOptions, KeysAreTheDesigns) {
  DataOptions options;
  options.benchmarks["im2gps3k"] = {};
  Keys keys;
  options.Visit(keys);
  EXPECT_THAT(keys.keys, ::testing::IsSupersetOf({
                             "train.csv",
                             "train.images",
                             "train.masks",
                             "train.columns.id",
                             "train.columns.lat",
                             "train.columns.lon",
                             "train.columns.author",
                             "validation.fraction",
                             "validation.csv",
                             "benchmarks.im2gps3k.csv",
                             "benchmarks.im2gps3k.images",
                             "benchmarks.im2gps3k.masks",
                             "loader.workers",
                             "loader.prefetch",
                             "loader.on_bad_image",
                             "augment.enabled",
                         }));
}

TEST(DataOptions, RequireNamesTheKey) {
  PhotoSetOptions set;
  const auto error_of = [&](bool masks) -> std::string {
    try {
      set.Require("data.train", masks);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_of(true), ::testing::HasSubstr("data.train.csv is not set"));
  set.csv = "a.csv";
  EXPECT_THAT(error_of(true), ::testing::HasSubstr("data.train.images is not set"));
  set.images = "photos";
  EXPECT_THAT(error_of(true), ::testing::HasSubstr("data.train.masks is not set"));
  EXPECT_EQ(error_of(false), "no error");
}

TEST(DataOptions, ValidationPhotosNeedATable) {
  ValidationOptions validation;
  EXPECT_NO_THROW(validation.Validate());
  validation.images = "photos";
  EXPECT_THROW(validation.Validate(), InputError);
}

}  // namespace
}  // namespace dualgeo
