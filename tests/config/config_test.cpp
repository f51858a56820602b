#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "io/file_kind.h"
#include "tests/support/file_samples.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Inner {
  int heads = 8;
  double lr = 4e-5;
  std::string type = "cross_attention";
  std::optional<std::string> weights;
  std::vector<double> sigmas = {1, 16, 256};

  template <class V>
  void Visit(V& v) {
    v.Field("heads", heads, "attention heads", Range{1, 64});
    v.Field("lr", lr, "learning rate", Range{0, 1});
    v.Field("type", type, "fusion", OneOf{{"cross_attention", "concat"}});
    v.Field("weights", weights, "a file");
    v.Field("sigmas", sigmas, "widths");
  }
  void Validate() const {
    if (heads == 7) throw InputError("heads = 7: must divide 8");
  }
};

struct Outer {
  bool shuffle = true;
  std::int64_t seed = 0;
  Inner train;
  std::map<std::string, Inner> benchmarks;
  std::string name;

  template <class V>
  void Visit(V& v) {
    v.Field("shuffle", shuffle, "mix the order");
    v.Field("seed", seed, "of all random numbers");
    v.Group("train", train, "training");
    v.Map("benchmarks", benchmarks, "by name");
    v.Field("name", name, "of the run");
  }
};

class Config : public ::testing::Test {
 protected:
  std::string ErrorOf(const std::string& yaml) {
    Outer options;
    const auto path = folder_.Write("c.yaml", yaml);
    try {
      ResolveConfig(OptionTree(options), {path}, {});
    } catch (const InputError& error) {
      return error.what();
    }
    return "(no error)";
  }

  TemporaryFolder folder_;
};

struct OfKinds {
  std::string type = "a";
  int size = 1;
  int other = 2;
  template <class V>
  void Visit(V& v) {
    v.Field("type", type, "the kind", OneOf{{"a", "b"}});
    v.Field("size", size, "how large", For{"type", {"a"}});
    v.Field("other", other, "of all");
  }
};

// Files of before say all options, so that it is a word and no error; and only what the file changes is worth it.
TEST_F(Config, AnOptionOfAnotherKindIsSaidToHaveNoEffect) {
  const auto said = [&](const std::string& yaml) {
    OfKinds options;
    testing::internal::CaptureStdout();
    ResolveConfig(OptionTree(options), {folder_.Write("k.yaml", yaml)}, {});
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_THAT(said("type: b\nother: 3\nsize: 4\n"),
              HasSubstr("k.yaml:3: size has no effect: it belongs to type a, and type is b"));
  EXPECT_EQ(said("type: b\nother: 3\nsize: 1\n"), "");
  EXPECT_EQ(said("type: a\nsize: 4\n"), "");
  EXPECT_EQ(said("size: 4\n"), "");
  OfKinds options;
  EXPECT_THAT(DocumentConfig(OptionTree(options)), HasSubstr("| a: how large |"));
}

TEST_F(Config, ReadsEveryTypeAndKeepsDefaults) {
  Outer options;
  const auto path = folder_.Write("c.yaml",
                                  "shuffle: false\nseed: 12\ntrain: {lr: 1e-3, weights: w.pt, sigmas: [2]}\n"
                                  "benchmarks:\n  a: {heads: 2}\n  b: {}\n");
  ResolveConfig(OptionTree(options), {path}, {});
  EXPECT_FALSE(options.shuffle);
  EXPECT_EQ(options.seed, 12);
  EXPECT_EQ(options.train.lr, 1e-3);
  EXPECT_EQ(options.train.heads, 8);
  EXPECT_EQ(options.train.weights, "w.pt");
  EXPECT_THAT(options.train.sigmas, ElementsAre(2.0));
  EXPECT_EQ(options.benchmarks.at("a").heads, 2);
  EXPECT_EQ(options.benchmarks.at("b").heads, 8);
}

TEST_F(Config, LaterFilesAndOverridesWin) {
  Outer options;
  const auto base = folder_.Write("base.yaml", "seed: 1\ntrain: {heads: 2, lr: 0.5}\n");
  const auto child = folder_.Write("sub/child.yaml", "extends: ../base.yaml\nseed: 2\n");
  const auto last = folder_.Write("last.yaml", "train: {lr: 0.25}\n");
  ResolveConfig(OptionTree(options), {child, last},
                {"train.weights=null", "train.sigmas=[3, 4]", "benchmarks.x.heads=3"});
  EXPECT_EQ(options.seed, 2);
  EXPECT_EQ(options.train.heads, 2);
  EXPECT_EQ(options.train.lr, 0.25);
  EXPECT_THAT(options.train.sigmas, ElementsAre(3.0, 4.0));
  EXPECT_EQ(options.benchmarks.at("x").heads, 3);
}

TEST_F(Config, UnknownKeyNamesFileLineAndNearest) {
  EXPECT_THAT(ErrorOf("seed: 1\ntrain:\n  head: 3\n"),
              AllOf(HasSubstr("c.yaml:3: unknown key 'train.head'"), HasSubstr("did you mean 'train.heads'?")));
  EXPECT_THAT(ErrorOf("benchmarks: {im2gps: {had: 1}}"), HasSubstr("unknown key 'benchmarks.im2gps.had'"));
}

TEST_F(Config, WrongTypesAndRangesSayWhatIsAllowed) {
  EXPECT_THAT(ErrorOf("train: {lr: fast}"), HasSubstr("c.yaml:1: train.lr = 'fast': expects a number from 0 to 1"));
  EXPECT_THAT(ErrorOf("train: {lr: 2}"), HasSubstr("expects a number from 0 to 1"));
  EXPECT_THAT(ErrorOf("train: {lr: .nan}"), HasSubstr("expects a number"));
  EXPECT_THAT(ErrorOf("train: {heads: 1.5}"), HasSubstr("expects a whole number from 1 to 64"));
  EXPECT_THAT(ErrorOf("train: {type: gate}"), HasSubstr("expects one of cross_attention, concat"));
  EXPECT_THAT(ErrorOf("shuffle: maybe"), HasSubstr("expects true or false"));
  EXPECT_THAT(ErrorOf("train: 3"), HasSubstr("'train' must hold key: value lines"));
  EXPECT_THAT(ErrorOf("seed:"), HasSubstr("seed = null"));
  EXPECT_THAT(ErrorOf("seed: [1"), HasSubstr("not valid YAML"));
  EXPECT_THAT(ErrorOf("seed: 1\nseed: 2\n"), HasSubstr("c.yaml:2: key 'seed' is given twice"));
  EXPECT_THAT(ErrorOf("train: {heads: 7}"), HasSubstr("must divide 8"));
}

// What is given for a YAML file by mistake is named for what it is, not for what YAML makes of its bytes.
TEST_F(Config, FilesThatAreNoYamlAreNamed) {
  for (const auto& sample : FileSamples()) {
    if (!DescribeOtherFile(sample.bytes, FileUse::kConfig)) continue;
    EXPECT_THAT(ErrorOf(sample.bytes), AllOf(HasSubstr("c.yaml: "), HasSubstr(sample.word)));
  }
  const std::string utf16("\xff\xfes\0e\0e\0d\0:\0 \0\x37\0", 16);
  Outer options;
  ResolveConfig(OptionTree(options), {folder_.Write("c.yaml", utf16)}, {});
  EXPECT_EQ(options.seed, 7);
}

TEST_F(Config, BadOverridesNameTheOption) {
  Outer options;
  const auto tree = OptionTree(options);
  for (const char* bad : {"train.heads", "=3", "train.hads=3", "train.heads=many"}) {
    try {
      ApplyConfigOverride(tree, bad);
      ADD_FAILURE() << bad << " was accepted";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string("--set ") + bad));
    }
  }
}

// JSON, signs and colons mean nothing in a text; what was quoted for YAML goes on working.
TEST_F(Config, OverridesTakeTextAsItStands) {
  Outer options;
  const auto tree = OptionTree(options);
  const std::pair<const char*, const char*> cases[] = {
      {R"({"top_p": 0.9, "stop": ["a", "b"]})", R"({"top_p": 0.9, "stop": ["a", "b"]})"},
      {R"('{"top_p": 0.9}')", R"({"top_p": 0.9})"},
      {R"("quoted \"once\"")", R"(quoted "once")"},
      {R"("a" and "b")", R"("a" and "b")"},
      {"'it", "'it"},
      {"[1, 2]", "[1, 2]"},
      {"a: b", "a: b"},
      {"#5", "#5"},
      {"a # b", "a # b"},
      {"*x & !y @z %w `v`", "*x & !y @z %w `v`"},
      {"- dash", "- dash"},
      {"a=b=c", "a=b=c"},
      {"{", "{"},
      {" trimmed ", "trimmed"},
      {"1.0", "1.0"},
      {"true", "true"},
  };
  for (const auto& [given, taken] : cases) {
    ApplyConfigOverride(tree, std::string("name=") + given);
    EXPECT_EQ(options.name, taken) << given;
    ApplyConfigOverride(tree, std::string("train.weights=") + given);
    EXPECT_EQ(options.train.weights, taken) << given;
    Outer again;
    const auto other = OptionTree(again);
    ApplyConfigFile(other, folder_.Write("dump.yaml", DumpConfig(tree)));
    EXPECT_EQ(again.name, taken);
  }
  ApplyConfigOverride(tree, "name=");
  EXPECT_EQ(options.name, "");
  ApplyConfigOverride(tree, "name=null");
  EXPECT_EQ(options.name, "null");
  for (const char* null : {"", "null", "~", "NULL"}) {
    options.train.weights = "w";
    ApplyConfigOverride(tree, std::string("train.weights=") + null);
    EXPECT_EQ(options.train.weights, std::nullopt) << null;
  }
}

TEST_F(Config, OverridesOfAnyLengthAndDepthAreOneLine) {
  Outer options;
  const auto tree = OptionTree(options);
  const auto error_of = [&](const std::string& assignment) -> std::string {
    try {
      ApplyConfigOverride(tree, assignment);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  std::string dots, nested;
  for (int i = 0; i < 200'000; ++i) dots += "a.";
  for (int i = 0; i < 200'000; ++i) nested += "[";
  const std::vector<std::string> wrong = {dots + "=1",
                                          std::string(30'000, '.') + "=1",
                                          std::string(200'000, 'k') + "=1",
                                          "train." + std::string(200'000, 'k') + "=1",
                                          "train.lr=" + nested,
                                          "train.lr.more=1",
                                          "train..lr=1",
                                          ".=1",
                                          "benchmarks=1",
                                          "benchmarks.a=1"};
  for (const std::string& assignment : wrong) {
    const std::string error = error_of(assignment);
    EXPECT_NE(error, "no error") << assignment.substr(0, 40);
    EXPECT_LT(error.size(), 1000u) << assignment.substr(0, 40);
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
  EXPECT_THAT(error_of("train.lr.more=1"), HasSubstr("'train.lr' is one value"));
  EXPECT_EQ(error_of("benchmarks.mine.heads=3"), "no error");
}

TEST_F(Config, ExtendsInACircleIsAnError) {
  folder_.Write("d.yaml", "extends: c.yaml\n");
  EXPECT_THAT(ErrorOf("extends: d.yaml\n"), HasSubstr("circle"));
  EXPECT_THAT(ErrorOf("extends: none.yaml\n"), HasSubstr("none.yaml: no such file"));
}

TEST_F(Config, DumpReadsBackToTheSame) {
  Outer options;
  options.train.lr = 0.1 + 0.2;
  options.train.weights = "null";
  options.train.type = "concat";
  options.benchmarks["yes"].sigmas = {};
  const std::string dump = DumpConfig(OptionTree(options));
  Outer again;
  ResolveConfig(OptionTree(again), {folder_.Write("dump.yaml", dump)}, {});
  EXPECT_EQ(again.train.lr, options.train.lr);
  EXPECT_EQ(again.train.weights, "null");
  EXPECT_TRUE(again.benchmarks.at("yes").sigmas.empty());
  EXPECT_EQ(DumpConfig(OptionTree(again)), dump);
}

TEST_F(Config, DocumentationListsEveryKey) {
  Outer options;
  const std::string table = DocumentConfig(OptionTree(options));
  EXPECT_THAT(table, HasSubstr("| `train.heads` | `8` | a whole number from 1 to 64 | attention heads |"));
  EXPECT_THAT(table, HasSubstr("`benchmarks.NAME.lr`"));
  EXPECT_THAT(table, HasSubstr("one of cross_attention, concat"));
}

struct WithBars {
  std::string device = "auto";
  template <class V>
  void Visit(V& v) {
    v.Field("device", device, "cpu | cuda");
  }
};

// A bar of its own would begin another cell.
TEST_F(Config, DocumentationEscapesBars) {
  WithBars options;
  EXPECT_THAT(DocumentConfig(OptionTree(options)), HasSubstr("| `device` | `auto` | text | cpu \\| cuda |"));
}

struct Places {
  std::string images;
  std::string name;

  template <class V>
  void Visit(V& v) {
    v.Field("images", images, "one or several", Several{});
    v.Field("name", name, "one text");
  }
};

TEST(ConfigSeveral, AListIsOneText) {
  const TemporaryFolder folder;
  Places places;
  const auto read = [&](const std::string& yaml) {
    ResolveConfig(OptionTree(places), {folder.Write("c.yaml", yaml)}, {});
    return places.images;
  };
  EXPECT_EQ(read("images: photos\n"), "photos");
  EXPECT_EQ(read("images: [a.tar, 's-{0..3}.tar']\n"), "a.tar,s-{0..3}.tar");
  EXPECT_EQ(read("images:\n  - a b.tar\n  - c\n"), "a b.tar,c");
  EXPECT_THROW(read("images: [[a], b]\n"), InputError);
  EXPECT_THROW(read("name: [a, b]\n"), InputError);
  ApplyConfigOverride(OptionTree(places), "images=x-{1,2}.tar,y");
  EXPECT_EQ(places.images, "x-{1,2}.tar,y");
}

}  // namespace
}  // namespace dualgeo
