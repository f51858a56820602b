// kill -9 at ten random moments: the same command goes on, repeats no more than one block, and ends in the same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <thread>

#include "dualgeo/gallery/features.h"
#include "dualgeo/gallery/parts.h"
#include "dualgeo/util/random.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/model/support.h"
#include "tests/support/chat_server.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class SlowResume : public ::testing::Test {
 protected:
  // Few photos under many names; models and segmenter are untrained, and just slow enough to be killed at work.
  void WritePhotos(int count) {
    fs::create_directories(folder_ / "photos");
    fs::create_directories(folder_ / "files");
    cv::RNG random(3);
    std::string table = "IMG_ID,LAT,LON\n";
    for (int i = 0; i < count; ++i) {
      const fs::path file = folder_ / "files" / (std::to_string(i % 8) + ".png");
      if (i < 8) {
        cv::Mat photo(90, 120, CV_8UC3);
        random.fill(photo, cv::RNG::UNIFORM, 0, 256);
        cv::imwrite(file.string(), photo);
      }
      const std::string id = "p" + std::to_string(i) + ".png";
      fs::create_hard_link(file, folder_ / "photos" / id);
      table += id + "," + std::to_string(0.1 * i) + "," + std::to_string(-0.2 * i) + "\n";
    }
    folder_.Write("photos.csv", table);
    folder_.Write("c.yaml",
                  "run_dir: run\nthreads: 1\ndevice: cpu\nembed: {batch_size: 4}\ndata: {loader: {workers: 1}}\n"
                  "model:\n  views: image\n  embed_dim: 32\n"
                  "  image_encoder: {preset: vit-tiny, width: 96, heads: 4, image_size: 224, layers: 3}\n"
                  "  segmenter: {hidden_sizes: [8, 16, 24, 32], depths: [1, 2, 1, 2], heads: [1, 2, 3, 4], "
                  "sr_ratios: [8, 4, 2, 1], decoder_dim: 32, num_labels: 11, image_size: 256}\n"
                  "gallery: {features: [image]}\n");
  }

  pid_t Start(std::vector<std::string> arguments) const {
    const pid_t child = fork();
    if (child != 0) return child;
    std::string program = DUALGEO_BINARY;
    std::vector<char*> argv = {program.data()};
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    if (chdir(folder_.path().c_str()) != 0) _exit(126);
    if (freopen("/dev/null", "w", stdout) == nullptr || freopen("err", "w", stderr) == nullptr) _exit(126);
    execv(argv[0], argv.data());
    _exit(127);
  }

  static constexpr std::int64_t kFinished = 1'000'000'000;

  // done(): how much of the work is safe; it never falls, and it is not begun anew.
  void KillTenTimes(const std::vector<std::string>& arguments, const std::function<std::int64_t()>& done) {
    Random random(7);
    int kills = 0;
    std::int64_t safe = 0;
    bool between = false;  // a kill came when part of the work was safe
    for (int tries = 0; tries < 60 && (kills < 10 || !between); ++tries) {
      const pid_t child = Start(arguments);
      // At any moment from loading libraries on, and every other time once something more is safe, however slow the
      // machine is.
      const auto more = [&] {
        try {
          return done() > safe;
        } catch (const fs::filesystem_error&) {  // a folder that goes away while it is looked into
          return true;
        }
      };
      if (tries % 2 == 1) {
        for (int i = 0; i < 6000 && !more() && kill(child, 0) == 0; ++i) {
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
      }
      std::this_thread::sleep_for(std::chrono::duration<double>(random.Uniform(0, tries % 2 == 1 ? 0.05 : 1.6)));
      kill(child, SIGKILL);
      int status = 0;
      waitpid(child, &status, 0);
      if (WIFEXITED(status)) {
        EXPECT_EQ(WEXITSTATUS(status), 0) << ReadFile(folder_ / "err");
        break;
      }
      ++kills;
      const std::int64_t now = done();
      EXPECT_GE(now, safe);
      between = between || (now > 0 && now < kFinished);
      if (now >= kFinished) break;  // the same command would begin anew
      safe = now;
    }
    EXPECT_TRUE(between) << "the work is too quick, or nothing of it is kept";
    int status = 0;
    waitpid(Start(arguments), &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0) << ReadFile(folder_ / "err");
    std::printf("%d kills\n", kills);
  }
  std::int64_t PartsDone(const fs::path& out) const {
    std::int64_t done = 0;
    if (!fs::exists(PartsOf(out))) return fs::exists(out) ? kFinished : 0;
    for (const auto& entry : fs::directory_iterator(PartsOf(out))) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("part-")) continue;
      done = std::max<std::int64_t>(done, std::stoll(name.substr(5, 10)) + std::stoll(name.substr(16)));
    }
    return done;
  }
  void Run(std::vector<std::string> arguments) {
    const auto run = RunBinary(arguments, folder_.path());
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  void ExpectNothingLeft() const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename().string();
      EXPECT_EQ(name.find(".parts"), std::string::npos) << name;
      EXPECT_FALSE(IsTemporary(entry.path())) << entry.path();
    }
  }

  TemporaryFolder folder_;
};

TEST_F(SlowResume, OfSegment) {
  WritePhotos(160);
  const auto command = [](const std::string& out) {
    return std::vector<std::string>{"segment",
                                    "--config",
                                    "c.yaml",
                                    "--photos",
                                    "photos.csv",
                                    "--images",
                                    "photos",
                                    "--out",
                                    out,
                                    "--checkpoint",
                                    Golden("segformer_tiny_weights").string()};
  };
  Run(command("whole"));
  const auto count = [&] {
    if (!fs::exists(folder_ / "killed")) return std::int64_t{0};
    std::int64_t masks = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "killed")) {
      masks += entry.path().extension() == ".png" && !IsTemporary(entry.path());
    }
    return masks;
  };
  KillTenTimes(command("killed"), count);
  EXPECT_EQ(count(), 160);
  for (const auto& entry : fs::directory_iterator(folder_ / "whole")) {
    EXPECT_EQ(ReadFile(entry.path()), ReadFile(folder_ / "killed" / entry.path().filename())) << entry.path();
  }
  ExpectNothingLeft();
}

TEST_F(SlowResume, OfEmbed) {
  WritePhotos(240);
  const auto command = [](const std::string& out) {
    return std::vector<std::string>{"embed",    "photos",     "--config", "c.yaml", "--checkpoint", "none",
                                    "--photos", "photos.csv", "--images", "photos", "--out",        out};
  };
  Run(command("whole.safetensors"));
  KillTenTimes(command("killed.safetensors"), [&] { return PartsDone(folder_ / "killed.safetensors"); });
  EXPECT_EQ(ReadFile(folder_ / "whole.safetensors"), ReadFile(folder_ / "killed.safetensors"));
  ExpectNothingLeft();
}

TEST_F(SlowResume, OfGalleryBuild) {
  WritePhotos(240);
  const auto command = [](const std::string& out) {
    return std::vector<std::string>{"gallery",  "build",      "--config", "c.yaml", "--checkpoint", "none",
                                    "--photos", "photos.csv", "--images", "photos", "--out",        out};
  };
  Run(command("whole"));
  KillTenTimes(command("killed"), [&] { return PartsDone(folder_ / "killed"); });
  for (const char* file : {"index.faiss", "items.csv", "gallery.json"}) {
    EXPECT_EQ(ReadFile(folder_ / "whole" / file), ReadFile(folder_ / "killed" / file)) << file;
  }
  ExpectNothingLeft();
}

TEST_F(SlowResume, OfSearch) {
  const FeatureSet set = RandomFeatures(8000, 128, 1);
  BuildImageGallery(set, TableOf(set), {}, folder_ / "g");
  const FeatureSet queries = RandomFeatures(16000, 128, 2, "q");
  WriteFeatures(folder_ / "q.safetensors", queries);
  std::vector<PhotoRow> rows;
  for (const auto& id : queries.ids) rows.emplace_back().id = id;
  WritePhotoTable(folder_ / "q.csv", rows);
  folder_.Write("c.yaml", "threads: 1\nsearch: {top_k: 5}\n");
  const auto command = [](const std::string& out) {
    return std::vector<std::string>{"search", "--config",   "c.yaml",        "--gallery", "g", "--photos",
                                    "q.csv",  "--features", "q.safetensors", "--out",     out};
  };
  Run(command("whole.csv"));
  KillTenTimes(command("killed.csv"), [&] { return PartsDone(folder_ / "killed.csv"); });
  EXPECT_EQ(ReadFile(folder_ / "whole.csv"), ReadFile(folder_ / "killed.csv"));
  ExpectNothingLeft();
}

// Answers cost money: each is asked for once, but for those under way when a kill came.
TEST_F(SlowResume, OfPredict) {
  constexpr int kPhotos = 300, kConcurrency = 4;
  fs::create_directories(folder_ / "photos");
  std::string table = "IMG_ID\n";
  for (int i = 0; i < kPhotos; ++i) {
    const std::string id = "p" + std::to_string(i) + ".png";
    const cv::Mat photo(16, 16, CV_8UC3, cv::Scalar(i % 16 * 16, i / 16 * 13 % 256, i / 256 * 90));
    cv::imwrite((folder_ / "photos" / id).string(), photo);
    table += id + "\n";
  }
  folder_.Write("photos.csv", table);
  std::mutex mutex;
  std::map<std::string, int> asked;
  ChatServer server([&](const ChatRequest& request) {
    // A place that follows from the photo.
    const auto number = std::hash<std::string>()(request.image());
    ChatServerReply reply{200, Completion("{\"latitude\": " + std::to_string(number % 80) +
                                          ", \"longitude\": " + std::to_string(number / 80 % 170) + "}")};
    reply.delay_seconds = 0.1;
    const std::lock_guard lock(mutex);
    ++asked[request.image()];
    return reply;
  });
  const auto command = [&](const std::string& name) {
    return std::vector<std::string>{"predict",
                                    "--method",
                                    "lmm",
                                    "--photos",
                                    "photos.csv",
                                    "--images",
                                    "photos",
                                    "--out",
                                    name + ".csv",
                                    "--endpoint",
                                    server.endpoint(),
                                    "--cache",
                                    name + ".sqlite",
                                    "--concurrency",
                                    std::to_string(kConcurrency),
                                    "--set",
                                    "predict.lmm.positives=[0]"};
  };
  Run(command("whole"));
  ASSERT_EQ(asked.size(), static_cast<std::size_t>(kPhotos));
  asked.clear();
  KillTenTimes(command("killed"), [&] {
    const std::lock_guard lock(mutex);
    return fs::exists(folder_ / "killed.csv") ? kFinished : static_cast<std::int64_t>(asked.size());
  });
  EXPECT_EQ(ReadFile(folder_ / "whole.csv"), ReadFile(folder_ / "killed.csv"));
  EXPECT_EQ(asked.size(), static_cast<std::size_t>(kPhotos));
  int requests = 0;
  for (const auto& [image, times] : asked) requests += times;
  EXPECT_LE(requests, kPhotos + 10 * kConcurrency);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace dualgeo
