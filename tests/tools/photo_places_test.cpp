// `dualgeo embed photos` and `dualgeo segment` read the same photos from wherever they lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "dualgeo/model/segformer.h"
#include "dualgeo/model/weights.h"
#include "io/safetensors.h"
#include "tests/tools/run_binary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PhotoPlaces : public ::testing::Test {
 protected:
  PhotoPlaces() {
    std::string table = "IMG_ID,LAT,LON\n", keys = table;
    fs::create_directories(folder_ / "images");
    cv::RNG noise(1);
    for (int i = 0; i < 6; ++i) {
      cv::Mat photo(20, 30, CV_8UC3);
      noise.fill(photo, cv::RNG::UNIFORM, 0, 256);
      cv::resize(photo, photo, {600, 400}, 0, 0, cv::INTER_CUBIC);
      const std::string key = "p" + std::to_string(i);
      cv::imwrite((folder_ / ("images/" + key + ".jpg")).string(), photo);
      table += key + ".jpg," + std::to_string(i) + ",10\n";
      keys += key + "," + std::to_string(i) + ",10\n";
    }
    folder_.Write("photos.csv", table);
    folder_.Write("keys.csv", keys);
    folder_.Write("c.yaml",
                  "name: places\nseed: 1\nrun_dir: run\n"
                  "model:\n  embed_dim: 16\n"
                  "  segmenter: {preset: b0, image_size: 64, hidden_sizes: [8, 8, 16, 16], depths: [1, 1, 1, 1], "
                  "heads: [1, 1, 2, 2], decoder_dim: 16}\n"
                  "  image_encoder: {preset: vit-tiny, width: 16, layers: 1, heads: 2, image_size: 32}\n"
                  "  segmentation_encoder: {base_width: 4}\n  fusion: {heads: 2}\n");
    SegmenterOptions small;
    small.preset = "b0";
    small.image_size = 64;
    small.hidden_sizes = {8, 8, 16, 16};
    small.depths = {1, 1, 1, 1};
    small.heads = {1, 1, 2, 2};
    small.decoder_dim = 16;
    WriteSafetensors(folder_ / "seg.safetensors", StateDict(*SegFormer(small, 5)));
    Shell(
        "tar -cf whole.tar -C images p0.jpg p1.jpg p2.jpg p3.jpg p4.jpg p5.jpg && split -d -b 50000 whole.tar "
        "part.tar. "
        "&& for i in 0 1 2; do tar -cf s-0$i.tar -C images p$((2*i)).jpg p$((2*i+1)).jpg; done && cd images && "
        "python3 -m zipfile -c ../z.zip p0.jpg p1.jpg p2.jpg p3.jpg p4.jpg p5.jpg");
  }

  void Shell(const std::string& command) const {
    ASSERT_EQ(std::system(("cd " + folder_.path().string() + " && " + command).c_str()), 0) << command;
  }
  RunResult Run(const std::vector<std::string>& arguments) const { return RunBinary(arguments, folder_.path()); }
  // The bytes of the features, or what went wrong.
  std::string Embed(const std::string& images, const std::string& masks, const std::string& table = "photos.csv",
                    const std::vector<std::string>& further = {}) const {
    fs::remove(folder_ / "f.safetensors");
    std::vector<std::string> arguments = {"embed",        "photos",  "--photos", table,          "--images",
                                          images,         "--masks", masks,      "--config",     "c.yaml",
                                          "--checkpoint", "none",    "--out",    "f.safetensors"};
    arguments.insert(arguments.end(), further.begin(), further.end());
    const auto run = Run(arguments);
    return run.exit_code == 0 ? ReadFile(folder_ / "f.safetensors") : run.err;
  }

  TemporaryFolder folder_;
};

TEST_F(PhotoPlaces, GiveTheSameMasksAndFeatures) {
  const auto segment = [&](const std::string& images, const std::string& out) {
    const auto run = Run({"segment", "--photos", "photos.csv", "--images", images, "--config", "c.yaml", "--checkpoint",
                          "seg.safetensors", "--out", out});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  };
  segment("images", "masks");
  segment("s-{00..02}.tar", "masks2");
  for (int i = 0; i < 6; ++i) {
    const std::string name = "/p" + std::to_string(i) + ".png";
    EXPECT_EQ(ReadFile(folder_ / ("masks" + name)), ReadFile(folder_ / ("masks2" + name)));
  }
  Shell(
      "for i in 0 1 2; do tar -cf m-0$i.tar -C masks p$((2*i)).png p$((2*i+1)).png; done && cd masks && "
      "python3 -m zipfile -c ../m.zip p0.png p1.png p2.png p3.png p4.png p5.png");
  const std::string expected = Embed("images", "masks");
  ASSERT_THAT(expected, HasSubstr("fused"));
  for (const char* images : {"whole.tar", "part.tar.*", "s-{00..02}.tar", "s-00.tar,images", "z.zip"}) {
    EXPECT_TRUE(Embed(images, "m-*.tar") == expected) << images;
  }
  EXPECT_TRUE(Embed("s-*.tar", "m.zip") == expected);
  EXPECT_TRUE(Embed("s-*.tar", "m-{00..02}.tar", "keys.csv") != expected);  // the ids are others
  EXPECT_THAT(Embed("s-{00..03}.tar", "masks"), HasSubstr("s-03.tar: no such"));
  EXPECT_THAT(Embed("s-*.tar", "m-{00..01}.tar"), HasSubstr("p4.png: no such photo in any of the 2 places"));
  const std::string fast = Embed("images", "masks", "photos.csv", {"--set", "data.loader.decode=fast"});
  EXPECT_EQ(fast.size(), expected.size());
  EXPECT_TRUE(fast != expected);
}

TEST_F(PhotoPlaces, AnOutputIsNoneOfThem) {
  const auto run = Run({"embed", "photos", "--photos", "photos.csv", "--images", "s-{00..02}.tar", "--config", "c.yaml",
                        "--checkpoint", "none", "--set", "model.views=image", "--out", "s-01.tar"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("s-01.tar: is the file of --images"));
}

}  // namespace
}  // namespace dualgeo
