#include "util/path_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Names(const std::string& text) {
  std::vector<std::string> names;
  for (const auto& path : PathsOf(text)) names.push_back(path.string());
  return names;
}

std::string PathListError(const std::string& text) {
  try {
    PathsOf(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PathList, BracesAndCommasAsInShells) {
  EXPECT_THAT(Names("photos"), ElementsAre("photos"));
  EXPECT_THAT(Names("a.tar, b.zip,c"), ElementsAre("a.tar", "b.zip", "c"));
  EXPECT_THAT(Names("s-{008..011}.tar"), ElementsAre("s-008.tar", "s-009.tar", "s-010.tar", "s-011.tar"));
  EXPECT_THAT(Names("{9..10}"), ElementsAre("9", "10"));
  EXPECT_THAT(Names("{a,b}/s{1..2},c"), ElementsAre("a/s1", "a/s2", "b/s1", "b/s2", "c"));
  for (const char* plain : {"{a}", "a{", "}a{", "{x..y}", "{}", ""}) EXPECT_THAT(Names(plain), ElementsAre(plain));
  EXPECT_THAT(PathListError("{5..3}.tar"), HasSubstr("counts down"));
  EXPECT_THAT(PathListError("{0..100000}"), HasSubstr("100,000"));
  EXPECT_THAT(PathListError("{0..9999}{0..9999}"), HasSubstr("100,000"));
}

TEST(PathList, WhatIsThereIsItself) {
  const TemporaryFolder folder;
  for (const char* name : {"a,b", "c{1,2}", "d[1].tar", "mp.tar.01", "mp.tar.00", "mp.tar.10"}) folder.Write(name, "");
  const auto named = [&](const std::string& text) {
    std::vector<std::string> names;
    for (const auto& path : PathsOf((folder / text).string())) names.push_back(path.filename().string());
    return names;
  };
  EXPECT_THAT(named("a,b"), ElementsAre("a,b"));
  EXPECT_THAT(named("c{1,2}"), ElementsAre("c{1,2}"));
  EXPECT_THAT(named("d[1].tar"), ElementsAre("d[1].tar"));
  EXPECT_THAT(named("mp.tar.*"), ElementsAre("mp.tar.00", "mp.tar.01", "mp.tar.10"));
  EXPECT_THAT(named("mp.tar.0?"), ElementsAre("mp.tar.00", "mp.tar.01"));
  EXPECT_THAT(PathListError((folder / "none*").string()), HasSubstr("none*: no file has such a name"));
  EXPECT_EQ(CanonicalPaths((folder / "mp.tar.1*").string()), std::filesystem::canonical(folder / "mp.tar.10"));
  EXPECT_EQ(CanonicalPaths(""), "");
}

}  // namespace
}  // namespace dualgeo
