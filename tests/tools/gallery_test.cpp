// `dualgeo embed`, `gallery`, `search`, `locate` through the binary, on an untrained model as small as they get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "dualgeo/util/hash.h"
#include "io/safetensors.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Eight photos; `tiny.yaml`, an untrained model.
class GalleryCommands : public ::testing::Test {
 protected:
  GalleryCommands() {
    fs::create_directories(folder_ / "photos");
    cv::RNG random(3);
    std::string table = "IMG_ID,LAT,LON\n";
    for (int i = 0; i < 8; ++i) {
      cv::Mat photo(48, 64, CV_8UC3);
      random.fill(photo, cv::RNG::UNIFORM, 0, 256);
      const std::string id = "p" + std::to_string(i) + ".png";
      cv::imwrite((folder_ / "photos" / id).string(), photo);
      table += id + "," + std::to_string(10 * i) + "," + std::to_string(-15 * i) + "\n";
    }
    folder_.Write("photos.csv", table);
    folder_.Write("tiny.yaml",
                  "run_dir: run\nthreads: 1\ndevice: cpu\nrun: {steps: [train, gallery]}\n"
                  "data: {train: {csv: photos.csv, images: photos}}\n"
                  "model:\n  views: image\n  embed_dim: 16\n"
                  "  image_encoder: {preset: vit-tiny, width: 16, heads: 2, image_size: 32, layers: 1, freeze: false}\n"
                  "  gps_encoder: {rff_size: 8, hidden: 16, embed_dim: 16}\n"
                  "gallery: {features: [image]}\ntrain: {epochs: 0}\nrerank: {method: none}\n");
  }

  RunResult Dualgeo(std::vector<std::string> arguments) { return RunBinary(arguments, folder_.path()); }
  // images: empty: no --images.
  RunResult Build(const std::vector<std::string>& more = {}, const std::string& images = "photos") {
    std::vector<std::string> arguments = {"gallery", "build", "--config", "tiny.yaml", "--checkpoint",
                                          "none",    "--out", "g",        "--photos",  "photos.csv"};
    if (!images.empty()) arguments.insert(arguments.end(), {"--images", images});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Dualgeo(arguments);
  }
  void Duplicate(int from, int to) {
    const auto name = [&](int i) { return folder_ / "photos" / ("p" + std::to_string(i) + ".png"); };
    fs::copy_file(name(from), name(to), fs::copy_options::overwrite_existing);
  }
  nlohmann::json Info() { return nlohmann::json::parse(ReadFile(folder_ / "g" / "gallery.json")); }

  TemporaryFolder folder_;
};

TEST_F(GalleryCommands, WarnOnceOfByteIdenticalPhotos) {
  auto run = Build();
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, Not(HasSubstr("identical")));
  EXPECT_EQ(Info()["identical_photos"], 0);

  Duplicate(1, 4);
  Duplicate(1, 6);
  Duplicate(2, 5);
  run = Build();
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("5 of 8 photos are byte-identical"), HasSubstr("2 groups"),
                             HasSubstr("p1.png, p4.png, p6.png, p2.png, p5.png"), HasSubstr("placeholder")));
  EXPECT_EQ(run.err.find("byte-identical"), run.err.rfind("byte-identical"));
  EXPECT_EQ(Info()["identical_photos"], 5);
  EXPECT_EQ(Info()["count"], 8);

  ASSERT_EQ(
      std::system(
          ("tar -cf " + (folder_ / "photos.tar").string() + " -C " + (folder_ / "photos").string() + " .").c_str()),
      0);
  run = Build({"--set", "gallery.duplicates=first"}, "photos.tar");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Info()["count"], 5);
  run = Build({"--set", "gallery.duplicates=drop"});
  EXPECT_EQ(Info()["count"], 3);
  EXPECT_EQ(Info()["identical_photos"], 5);
  EXPECT_THAT(Dualgeo({"gallery", "info", "g"}).out, HasSubstr("5 photos were byte-identical"));
  // Features carry the hashes.
  ASSERT_EQ(Dualgeo({"embed", "photos", "--config", "tiny.yaml", "--checkpoint", "none", "--photos", "photos.csv",
                     "--images", "photos", "--out", "f.safetensors"})
                .exit_code,
            0);
  run = Build({"--features", "f.safetensors"}, "");
  EXPECT_THAT(run.err, HasSubstr("5 of 8 photos are byte-identical"));
}

TEST_F(GalleryCommands, AnIndexThatSomebodyChangedAndSignedAgainEndsInOneLine) {
  ASSERT_EQ(Build({"--set", "gallery.index=HNSW4"}).exit_code, 0);
  std::string bytes = ReadFile(folder_ / "g" / "index.faiss");
  bytes.replace(4 + 4 + 8 + 8 + 8 + 1 + 4, 8, std::string("\0\0\0\0\0\1\0\0", 8));  // a terabyte of level chances
  folder_.Write("g/index.faiss", bytes);
  auto info = Info();
  info["index_sha256"] = Sha256(bytes);
  folder_.Write("g/gallery.json", info.dump());
  for (const auto& run : {Dualgeo({"gallery", "info", "g"}),
                          Dualgeo({"search", "--config", "tiny.yaml", "--checkpoint", "none", "--gallery", "g",
                                   "--photos", "photos.csv", "--images", "photos", "--out", "c.csv"})}) {
    EXPECT_EQ(run.exit_code, 2) << run.err;
    EXPECT_THAT(run.err, AllOf(HasSubstr("index.faiss"), HasSubstr("damaged")));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  }
}

TEST_F(GalleryCommands, BuildSearchAndLocateInGroupedLists) {
  for (const char* index : {"grouped", "grouped3,SQ8", "grouped2,SQ8,RFlat"}) {
    ASSERT_EQ(Build({"--set", "gallery.index=" + std::string(index)}).exit_code, 0);
    EXPECT_THAT(Dualgeo({"gallery", "info", "g"}).out, HasSubstr("index      " + std::string(index) + "\n"));
    const auto search = [&](const char* parameters) {
      return Dualgeo({"search", "--config", "tiny.yaml", "--checkpoint", "none", "--gallery", "g", "--photos",
                      "photos.csv", "--images", "photos", "--out", "c.csv", "--set",
                      "search.index_parameters=" + std::string(parameters)});
    };
    const auto found = search("nprobe=1");
    ASSERT_EQ(found.exit_code, 0) << found.err;
    const std::string lists = ReadFile(folder_ / "c.csv");
    EXPECT_EQ(std::count(lists.begin(), lists.end(), '\n'), 1 + 8 * 7) << lists;  // all others of eight photos
    const auto wrong = search("efSearch=3");
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("search.index_parameters: 'efSearch=3'"));
    ASSERT_EQ(Dualgeo({"run", "--config", "tiny.yaml", "--set", std::string("run_dir=run-") + index, "--set",
                       "gallery.index=" + std::string(index)})
                  .exit_code,
              0);
    const auto located = Dualgeo({"locate", "--run", std::string("run-") + index, "--top", "1", "photos/p3.png"});
    ASSERT_EQ(located.exit_code, 0) << located.err;
    EXPECT_THAT(located.out, HasSubstr("(p3.png)")) << index;
  }
  const auto refused = Build({"--set", "gallery.index=grouped9"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("'grouped9' has more lists than there are vectors, 8"));
}

TEST_F(GalleryCommands, AdviseAnIndex) {
  const auto run = Dualgeo({"gallery", "advise", "--count", "1000000", "--memory", "16"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("gallery.index: grouped\n"), HasSubstr("recall@20")));
  const auto json = nlohmann::json::parse(
      Dualgeo({"gallery", "advise", "--count", "5000", "--memory", "16", "--dimension", "512", "--json"}).out);
  EXPECT_EQ(json[0]["index"], "flat");
  const auto refused = Dualgeo({"gallery", "advise", "--count", "1000000", "--memory", "0.1"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--memory: 0.1 GB hold no index"));
}

TEST_F(GalleryCommands, LocateAnswersTheGoodPhotosAndNamesTheBad) {
  ASSERT_EQ(Dualgeo({"run", "--config", "tiny.yaml"}).exit_code, 0);
  folder_.Write("broken.jpg", "\xff\xd8\xff\xe0 cut off");
  folder_.Write("empty.png", "");
  const auto good = Dualgeo({"locate", "--run", "run", "--top", "1", "photos/p1.png", "photos/p3.png"});
  ASSERT_EQ(good.exit_code, 0) << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("photos/p1.png\n"), HasSubstr("photos/p3.png\n"), HasSubstr("(p3.png)")));

  EXPECT_THAT(Dualgeo({"locate", "--run", "run", "--within", "box:25,-50,45,-40", "photos/p1.png"}).out,
              AllOf(HasSubstr("1.   30.00000,  -45.00000"), HasSubstr("(p3.png)"), Not(HasSubstr("  2."))));
  // Settings other than the run's own, whose config stays as it is.
  const std::string config = ReadFile(folder_ / "run/config.yaml");
  EXPECT_THAT(
      Dualgeo({"locate", "--run", "run", "--set", "search.top_k=2", "--set", "device=cpu", "photos/p1.png"}).out,
      AllOf(HasSubstr("  2."), Not(HasSubstr("  3."))));
  EXPECT_EQ(ReadFile(folder_ / "run/config.yaml"), config);
  const auto unknown = Dualgeo({"locate", "--run", "run", "--set", "search.top=2", "photos/p1.png"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("--set search.top=2"), HasSubstr("did you mean 'search.top_k'")));

  auto run = Dualgeo({"locate", "--run", "run", "--top", "1", "photos/p1.png", "broken.jpg", "photos/p3.png"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.out, good.out);
  EXPECT_THAT(run.err, HasSubstr("broken.jpg"));
  run = Dualgeo({"-q", "locate", "--run", "run", "--top", "1", "absent.jpg", "photos/p1.png", "empty.png"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("absent.jpg"), HasSubstr("empty.png")));
  EXPECT_THAT(run.out, HasSubstr("photos/p1.png"));
  // Outputs are checked before the model is loaded; a photo is none.
  const std::string before = ReadFile(folder_ / "photos/p1.png");
  for (const char* output : {"--geojson", "--map"}) {
    run = Dualgeo({"locate", "--run", "run", "photos/p1.png", output, "photos/p1.png"});
    EXPECT_EQ(run.exit_code, 2) << output;
    EXPECT_THAT(run.err, HasSubstr(output));
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(ReadFile(folder_ / "photos/p1.png"), before);
  }
  // Nothing but bad photos is bad input.
  for (const char* bad : {"broken.jpg", "absent.jpg"}) {
    run = Dualgeo({"locate", "--run", "run", bad});
    EXPECT_EQ(run.exit_code, 2) << bad;
    EXPECT_THAT(run.err, HasSubstr(bad));
    EXPECT_EQ(run.out, "");
  }
  EXPECT_EQ(Dualgeo({"locate", "--run", "run", "broken.jpg", "absent.jpg"}).exit_code, 2);
  // A folder or a pattern without photos is one bad photo.
  fs::create_directories(folder_ / "nothing");
  for (const char* bad : {"nothing", "nothing/*.jpg"}) {
    run = Dualgeo({"locate", "--run", "run", "--top", "1", "photos/p1.png", bad, "photos/p3.png"});
    EXPECT_EQ(run.exit_code, 1) << bad;
    EXPECT_EQ(run.out, good.out);
    EXPECT_THAT(run.err, HasSubstr(bad));
  }

  run = Dualgeo({"locate", "--run", "run", "--json", "photos/p1.png", "broken.jpg", "photos/p1.png"});
  const auto json = nlohmann::json::parse(run.out);
  ASSERT_EQ(json.size(), 3U);
  EXPECT_EQ(json[0], json[2]) << "the same photo twice is answered twice";
  EXPECT_THAT(json[1]["error"].get<std::string>(), HasSubstr("broken.jpg"));
  EXPECT_FALSE(json[1].contains("candidates"));
}

TEST_F(GalleryCommands, LocateSaysHowSureItIs) {
  ASSERT_EQ(Dualgeo({"run", "--config", "tiny.yaml", "--set", "rerank.method=bayes"}).exit_code, 0);
  EXPECT_THAT(Dualgeo({"locate", "--run", "run", "photos/p1.png"}).out,
              AllOf(HasSubstr("one half within"), HasSubstr("2500 km")));
  const auto json =
      nlohmann::json::parse(Dualgeo({"locate", "--run", "run", "--json", "photos/p1.png"}).out)[0]["estimate"];
  EXPECT_GT(json["confidence_km"].get<double>(), 0);
  EXPECT_LE(json["within_km"]["1"].get<double>(), json["within_km"]["2500"].get<double>());
}

TEST_F(GalleryCommands, LocateTakesAFolderForItsPhotosAndLeavesNothingBehind) {
  ASSERT_EQ(Dualgeo({"run", "--config", "tiny.yaml"}).exit_code, 0);
  folder_.Write("photos/notes.txt", "no photo, and not asked about");
  fs::create_directories(folder_ / "tmp");
  setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
  const auto run = Dualgeo({"locate", "--run", "run", "--top", "1", "photos"});
  unsetenv("TMPDIR");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  for (int i = 0; i < 8; ++i) EXPECT_THAT(run.out, HasSubstr("photos/p" + std::to_string(i) + ".png\n"));
  EXPECT_TRUE(fs::is_empty(folder_ / "tmp"));
  fs::create_directories(folder_ / "none");

  // What the run made is no output; a page of before is.
  folder_.Write("poly.geojson", "{}");
  for (const auto& [flag, path] : {std::pair{"--geojson", "run/checkpoint/best/model.safetensors"},
                                   {"--map", "run/gallery/items.csv"},
                                   {"--geojson", "run/config.yaml"},
                                   {"--geojson", "run/run.json"}}) {
    const std::string before = ReadFile(folder_ / path);
    const auto refused = Dualgeo({"locate", "--run", "run", "photos/p1.png", flag, path});
    EXPECT_EQ(refused.exit_code, 2) << path;
    EXPECT_THAT(refused.err, HasSubstr(path));
    EXPECT_EQ(ReadFile(folder_ / path), before);
  }
  EXPECT_EQ(Dualgeo({"locate", "--run", "run", "photos/p1.png", "--within-polygons", "poly.geojson", "--geojson",
                     "poly.geojson"})
                .exit_code,
            2);
  EXPECT_EQ(ReadFile(folder_ / "poly.geojson"), "{}");
  // Nor is a file that only the run's config names.
  const std::string table = ReadFile(folder_ / "photos.csv");
  for (const char* flag : {"--geojson", "--map"}) {
    EXPECT_EQ(Dualgeo({"locate", "--run", "run", "photos/p1.png", flag, "photos.csv"}).exit_code, 2) << flag;
    EXPECT_EQ(ReadFile(folder_ / "photos.csv"), table);
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Dualgeo({"locate", "--run", "run", "photos/p1.png", "--map", "run/map.html"}).exit_code, 0);
  }
  const auto none = Dualgeo({"locate", "--run", "run", "none"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, AllOf(HasSubstr("none"), HasSubstr("without photos")));
}

}  // namespace
}  // namespace dualgeo
