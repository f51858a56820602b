// Galleries as stores, through the binary: parts of the Earth, several galleries, changes, checks, memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/util/hash.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Photos p0 ... with features image and fused_image, of clusters of ten; photo i at latitude i / 10 % 80, longitude i %
// 170.
class GalleryStore : public ::testing::Test {
 protected:
  void Write(const std::string& name, std::int64_t begin, std::int64_t end, std::int64_t columns) {
    FeatureSet set;
    std::string table = "IMG_ID,LAT,LON\n";
    Matrix values(end - begin, columns);
    for (std::int64_t i = begin; i < end; ++i) {
      set.ids.push_back("p" + std::to_string(i));
      table += set.ids.back() + "," + std::to_string(i / 10 % 80) + "," + std::to_string(i % 170) + "\n";
      auto state = static_cast<std::uint32_t>(i / 10 * 2654435761U + 7), own = static_cast<std::uint32_t>(i + 1);
      for (float& value : values.Row(i - begin)) {
        state = state * 1664525U + 1013904223U;
        own = own * 22695477U + 1U;
        value = static_cast<float>(state >> 8) * 0x1p-23F - 1 + 0.2F * (static_cast<float>(own >> 8) * 0x1p-23F - 1);
      }
    }
    NormalizeRows(values);
    set.features["image"] = values;
    set.features["fused_image"] = std::move(values);
    WriteFeatures(folder_ / (name + ".safetensors"), set);
    folder_.Write(name + ".csv", table);
  }
  RunResult Dualgeo(const std::vector<std::string>& arguments) { return RunBinary(arguments, folder_.path()); }
  static std::vector<std::string> Build(const std::string& of, const std::string& out,
                                        const std::vector<std::string>& settings = {}) {
    std::vector<std::string> arguments = {"gallery",  "build",     "--features", of + ".safetensors",
                                          "--photos", of + ".csv", "--out",      out};
    for (const auto& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
    return arguments;
  }
  static std::vector<std::string> Search(const std::vector<std::string>& galleries, const std::string& out,
                                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"search", "--features", "q.safetensors", "--photos", "q.csv", "--out", out};
    for (const auto& gallery : galleries) arguments.insert(arguments.end(), {"--gallery", gallery});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  void Succeeds(const std::vector<std::string>& arguments) {
    const auto run = Dualgeo(arguments);
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  void Refuses(const std::vector<std::string>& arguments, const std::string& what) {
    auto quiet = arguments;
    quiet.insert(quiet.begin(), "-q");
    const auto run = Dualgeo(quiet);
    EXPECT_EQ(run.exit_code, 2) << run.err;
    EXPECT_THAT(run.err, HasSubstr(what));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  }
  void SameGalleries(const std::string& a, const std::string& b) {
    for (const char* name : {"index.faiss", "items.csv", "gallery.json"}) {
      EXPECT_EQ(Sha256File(folder_ / a / name), Sha256File(folder_ / b / name)) << name;
    }
  }
  // The most memory that the command had, in bytes.
  double Peak(std::vector<std::string> arguments) {
    std::string program = DUALGEO_BINARY;
    arguments.insert(arguments.begin(), program);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const std::string folder = folder_.path().string();
    const pid_t child = fork();
    if (child == 0) {
      const int log = open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(log, 1);
      dup2(log, 2);
      if (chdir(folder.c_str()) != 0) _exit(126);
      execv(program.c_str(), argv.data());
      _exit(127);
    }
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << ReadFile(folder_ / "log");
    return 1024.0 * static_cast<double>(usage.ru_maxrss);
  }

  TemporaryFolder folder_;
};

TEST_F(GalleryStore, SearchKeepsToAPartOfTheEarth) {
  Write("g", 0, 600, 8);
  Write("q", 0, 30, 8);
  Succeeds(Build("g", "g"));
  Succeeds(Search({"g"}, "all.csv"));
  Succeeds(Search({"g"}, "box.csv", {"--within", "box:40,100,50,120"}));
  for (const auto& list : ReadCandidates(folder_ / "box.csv")) {
    ASSERT_EQ(list.candidates.size(), 20U) << "of the 27 that are there";
    for (const auto& candidate : list.candidates) {
      EXPECT_TRUE(candidate.location.lat >= 40 && candidate.location.lat <= 50);
      EXPECT_TRUE(candidate.location.lon >= 100 && candidate.location.lon <= 120);
    }
  }
  folder_.Write("c.geojson", R"({"type":"FeatureCollection","features":[{"type":"Feature","properties":{"ISO":"XX"},
    "geometry":{"type":"Polygon","coordinates":[[[100,40],[120,40],[120,50],[100,50],[100,40]]]}}]})");
  Succeeds(Search({"g"}, "xx.csv", {"--within", "polygons:ISO=XX", "--within-polygons", "c.geojson"}));
  EXPECT_EQ(ReadFile(folder_ / "xx.csv"), ReadFile(folder_ / "box.csv"));
  // Everywhere is as nowhere in particular.
  Succeeds(Search({"g"}, "world.csv", {"--within", "box:-90,-180,90,180"}));
  EXPECT_EQ(ReadFile(folder_ / "world.csv"), ReadFile(folder_ / "all.csv"));
  Refuses(Search({"g"}, "x.csv", {"--within", "Atlantis"}), "search.within: 'Atlantis' is no region");
  Refuses(Search({"g"}, "x.csv", {"--within", "polygons:ISO=YY", "--within-polygons", "c.geojson"}), "has ISO 'YY'");
  EXPECT_FALSE(fs::exists(folder_ / "x.csv"));
}

TEST_F(GalleryStore, SeveralGalleriesAreSearchedAsOne) {
  Write("all", 0, 300, 8);
  Write("a", 0, 120, 8);
  Write("b", 120, 300, 8);
  Write("q", 290, 320, 8);
  for (const char* name : {"all", "a", "b"}) Succeeds(Build(name, name));
  Succeeds(Search({"all"}, "all.out"));
  Succeeds(Search({"a", "b"}, "two.out"));
  EXPECT_THAT(ReadFile(folder_ / "all.out"), Not(HasSubstr("gallery\n")));
  EXPECT_THAT(ReadFile(folder_ / "two.out"), HasSubstr("author,set,gallery\n"));
  auto lists = ReadCandidates(folder_ / "two.out");
  std::set<std::string> names;
  for (auto& list : lists) {
    for (auto& candidate : list.candidates) names.insert(std::exchange(candidate.gallery, ""));
  }
  EXPECT_THAT(names, testing::ElementsAre("a", "b"));
  EXPECT_EQ(lists, ReadCandidates(folder_ / "all.out"));
  Succeeds(Search({"a"}, "config.out", {"--set", "search.galleries=[b]"}));
  EXPECT_EQ(ReadFile(folder_ / "config.out"), ReadFile(folder_ / "two.out"));
  // What is read goes on through the next step.
  Succeeds({"rerank", "--candidates", "two.out", "--out", "reranked.csv", "--method", "density"});
  EXPECT_THAT(ReadFile(folder_ / "reranked.csv"), HasSubstr("author,set,gallery,"));
  Succeeds(Build("b", "other", {"gallery.metric=l2"}));
  Refuses(Search({"a", "other"}, "x.out"), "other cannot be searched together with a: its metric is l2");
}

TEST_F(GalleryStore, AddRemoveAndMergeGiveWhatABuildAtOnceGives) {
  Write("all", 0, 300, 8);
  Write("a", 0, 120, 8);
  Write("b", 120, 300, 8);
  for (const char* name : {"all", "a", "b"}) Succeeds(Build(name, name));
  Succeeds({"gallery", "add", "a", "--features", "b.safetensors", "--photos", "b.csv", "--out", "added"});
  SameGalleries("all", "added");
  Succeeds({"gallery", "merge", "a", "b", "--out", "merged"});
  SameGalleries("all", "merged");
  std::string ids;
  for (int i = 120; i < 300; ++i) ids += "p" + std::to_string(i) + "\n";
  folder_.Write("ids.txt", ids);
  Succeeds({"gallery", "remove", "all", "--ids", "ids.txt", "--out", "removed"});
  SameGalleries("a", "removed");
  EXPECT_THAT(Dualgeo({"gallery", "check", "removed"}).out, HasSubstr("removed: sound: 120 items, 16-d, index flat"));
  Refuses({"gallery", "merge", "a", "a", "--out", "x"}, "holds photo 'p0' already");
  Refuses({"gallery", "remove", "a", "--ids", "ids.txt", "--out", "x"}, "180 of the 180 ids are not there");
  Refuses({"gallery", "add", "a", "--features", "b.safetensors", "--photos", "b.csv", "--out", "a"}, "--out");
}

TEST_F(GalleryStore, CheckFindsWhatASearchTrusts) {
  Write("g", 0, 100, 8);
  Write("q", 0, 3, 8);
  Succeeds(Build("g", "g"));
  EXPECT_EQ(Dualgeo({"gallery", "check", "g"}).exit_code, 0);
  std::string bytes = ReadFile(folder_ / "g/index.faiss");
  const auto time = fs::last_write_time(folder_ / "g/index.faiss");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  folder_.Write("g/index.faiss", bytes);
  fs::last_write_time(folder_ / "g/index.faiss", time);
  Succeeds(Search({"g"}, "c.csv"));
  Refuses({"gallery", "check", "g"}, "its sha256 differs");
  Refuses({"gallery", "check", "none"}, "no such gallery folder");
}

TEST_F(GalleryStore, ABuildSaysWhatMemoryItNeeds) {
  Write("g", 0, 100, 8);
  Refuses(Build("g", "g", {"gallery.memory_gb=0.01"}), "gallery.memory_gb: 0.01 is too little for 100 vectors");
  Refuses(Build("g", "g", {"gallery.memory_gb=4", "gallery.index=classical", "gallery.features=[classical]"}),
          "classical");
  EXPECT_FALSE(fs::exists(folder_ / "g"));
}

// 60,000 photos, 246 MB of vectors of 1024.
TEST_F(GalleryStore, SlowBuildsStayWithinTheirMemory) {
  Write("g", 0, 60000, 512);
  Write("q", 0, 1, 512);
  constexpr double kBudget = 0.6e9;
  const double whole = Peak(Build("g", "whole", {"gallery.index=IVF64,Flat"}));
  const double streamed = Peak(Build("g", "streamed", {"gallery.index=IVF64,Flat", "gallery.memory_gb=0.6"}));
  EXPECT_LT(streamed, 1.3 * kBudget);
  EXPECT_GT(whole, 1.3 * streamed);
  SameGalleries("whole", "streamed");
  const double flat = Peak(Build("g", "flat"));  // from file to file in any case
  EXPECT_LT(flat, 1.3 * kBudget);
  // Searches: an IVF index's lists stay on the disk, a flat index's vectors are in memory once.
  const double vectors = static_cast<double>(fs::file_size(folder_ / "flat/index.faiss"));
  const double lists = Peak(Search({"streamed"}, "c.csv", {"--set", "search.index_parameters=nprobe=1"}));
  const double all = Peak(Search({"flat"}, "d.csv"));
  Write("few", 0, 100, 512);
  Succeeds(Build("few", "few"));
  const double none = Peak(Search({"few"}, "e.csv"));
  EXPECT_LT(lists - none, 0.3 * vectors);
  EXPECT_LT(all - none, 1.25 * vectors);
  std::printf(
      "peak MB: IVF64,Flat built in memory %.0f, within 600: %.0f; flat: %.0f; search %.0f (lists on "
      "disk), %.0f (flat), %.0f (100 photos); vectors %.0f\n",
      whole / 1e6, streamed / 1e6, flat / 1e6, lists / 1e6, all / 1e6, none / 1e6, vectors / 1e6);
}

TEST_F(GalleryStore, DuplicatesAreTold) {
  Write("a", 0, 60, 16);
  Write("b", 55, 75, 16);
  FeatureSet a = ReadFeatures(folder_ / "a.safetensors"), b = ReadFeatures(folder_ / "b.safetensors");
  for (const auto& id : a.ids) a.photo_sha256.push_back(Sha256Bytes(id));
  for (const auto& id : b.ids) b.photo_sha256.push_back(Sha256Bytes(id));
  a.photo_sha256[7] = a.photo_sha256[2];
  WriteFeatures(folder_ / "a.safetensors", a);
  WriteFeatures(folder_ / "b.safetensors", b);
  const auto one = Dualgeo({"gallery", "duplicates", "a.safetensors"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("2 of 60 photos are byte for byte another one: p2 and p7"));
  const auto two = Dualgeo({"gallery", "duplicates", "b.safetensors", "--against", "a.safetensors", "--above", "0.9999",
                            "--out", "pairs.csv"});
  EXPECT_THAT(two.out, AllOf(HasSubstr("5 of 20 photos are byte for byte one of the others"),
                             HasSubstr("5 of 20 photos are nearer than a cosine of 0.9999 (image)")));
  EXPECT_THAT(ReadFile(folder_ / "pairs.csv"), AllOf(HasSubstr("p55,p55,identical,1"), HasSubstr("p59,p59,similar,")));
}

}  // namespace
}  // namespace dualgeo
