// Outputs of every command, through the binary: what is no regular file is never replaced, an output is no input, and
// all of it is found before the work is done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "tests/tools/run_binary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// A command and the word of it that is its output.
struct Command {
  std::string name;
  std::vector<std::string> words;  // "OUT" is the output, "IN..." the inputs
  bool needs_regular_file = false;
};

const std::vector<std::string> kTinyGps = {"--config",     DUALGEO_SOURCE_DIR "/configs/geoclip-gps.yaml",
                                           "--checkpoint", "none",
                                           "--set",        "model.gps_encoder.rff_size=8",
                                           "--set",        "model.gps_encoder.hidden=32",
                                           "--set",        "model.gps_encoder.embed_dim=24"};

std::vector<std::string> With(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Those that write one file.
const std::vector<Command>& QuickCommands() {
  static const std::vector<Command> commands = {
      {"rerank", {"rerank", "--candidates", "lists.csv", "--method", "none", "--out", "OUT"}},
      {"evaluate",
       {"evaluate", "--predictions", "answers.csv", "--truth", "truth.csv", "--bootstrap", "0", "--out", "OUT"}},
      {"evaluate errors",
       {"evaluate", "--predictions", "answers.csv", "--truth", "truth.csv", "--bootstrap", "0", "--errors-out", "OUT"}},
      {"evaluate map",
       {"evaluate", "--predictions", "answers.csv", "--truth", "truth.csv", "--bootstrap", "0", "--map-out", "OUT"}},
      {"evaluate leakage",
       {"evaluate", "--candidates", "lists.csv", "--truth", "truth.csv", "--bootstrap", "0", "--leakage",
        "--leakage-within-km", "1", "--leakage-out", "OUT"}},
      {"compare",
       {"compare", "answers.csv", "others.csv", "--truth", "truth.csv", "--bootstrap", "10", "--out", "OUT"}},
      {"compare unmatched",
       {"compare", "answers.csv", "others.csv", "--truth", "truth.csv", "--bootstrap", "10", "--unmatched-out", "OUT"}},
      {"predict", {"predict", "--candidates", "lists.csv", "--method", "top1", "--out", "OUT"}},
      {"predict answers",
       {"predict", "--candidates", "lists.csv", "--answers", "answers.csv", "--answers-columns", "IMG_ID,LAT,LON",
        "--out", "p.csv", "--answers-out", "OUT"}},
      {"predict places",
       {"predict", "--candidates", "lists.csv", "--answers", "answers.csv", "--answers-columns", "IMG_ID,LAT,LON",
        "--out", "p.csv", "--places-out", "OUT"}},
  };
  return commands;
}

const std::vector<Command>& NetworkCommands() {
  static const std::vector<Command> commands = {
      {"embed gps", With({"embed", "gps", "--coordinates", "truth.csv", "--out", "OUT"}, kTinyGps)},
      {"weights convert", {"weights", "convert", "weights.pth", "OUT"}},
      {"contact sheet", {"robustness", "photo.png", "--contact-sheet", "OUT"}},
  };
  return commands;
}

class Outputs : public ::testing::Test {
 protected:
  Outputs() {
    folder_.Write("lists.csv",
                  "query_id,rank,gallery_id,lat,lon\na.jpg,1,g1,35.7,139.7\na.jpg,2,g2,48.9,2.1\nb.jpg,1,g3,1,2\n");
    folder_.Write("truth.csv", "IMG_ID,LAT,LON\na.jpg,35.7,139.7\nb.jpg,1,2\n");
    folder_.Write("answers.csv", "IMG_ID,LAT,LON\na.jpg,35.7,139.7\nb.jpg,1,2\n");
    folder_.Write("others.csv", "IMG_ID,LAT,LON\na.jpg,35.8,139.7\nb.jpg,1,2\n");
    fs::copy_file(DUALGEO_SOURCE_DIR "/tests/data/weights/zip_checkpoint.pth", folder_ / "weights.pth");
    fs::copy_file(DUALGEO_SOURCE_DIR "/tests/data/photos/noise.png", folder_ / "photo.png");
    fs::create_directory(folder_ / "out");
  }

  RunResult Run(const Command& command, const std::string& out) const {
    std::vector<std::string> words = command.words;
    std::replace(words.begin(), words.end(), std::string("OUT"), out);
    return RunBinary(words, folder_.path());
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "out")) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  void WritesIntoFifosAndBehindLinks(const Command& command) {
    SCOPED_TRACE(command.name);
    fs::remove_all(folder_ / "out");
    fs::create_directories(folder_ / "out/far");
    const std::string end = command.name == "weights convert" ? ".safetensors"
                            : command.name == "contact sheet" ? ".png"
                                                              : "";
    ASSERT_EQ(mkfifo((folder_ / ("out/pipe" + end)).c_str(), 0600), 0);
    fs::create_symlink("far/new" + end, folder_ / ("out/link" + end));
    fs::create_symlink("/dev/full", folder_ / ("out/zfull" + end));
    std::string got;
    std::thread reader([&] { got = ReadFile(folder_ / ("out/pipe" + end)); });
    RunResult run = Run(command, "out/pipe" + end);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    reader.join();
    run = Run(command, "out/link" + end);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_TRUE(fs::is_symlink(folder_ / ("out/link" + end)));
    EXPECT_FALSE(got.empty());
    EXPECT_EQ(ReadFile(folder_ / ("out/far/new" + end)).size(), got.size());
    // The file is there now: replaced behind the link, with its mode.
    chmod((folder_ / ("out/far/new" + end)).c_str(), 0600);
    EXPECT_EQ(Run(command, "out/link" + end).exit_code, 0);
    EXPECT_EQ(fs::status(folder_ / ("out/far/new" + end)).permissions(), fs::perms(0600));
    run = Run(command, "out/zfull" + end);
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("zfull" + end + ": No space left on device"));
    EXPECT_THAT(Names(), ::testing::ElementsAre("far", "link" + end, "pipe" + end, "zfull" + end));
  }

  void RefusesFoldersAndInputs(const Command& command) {
    SCOPED_TRACE(command.name);
    RunResult run = Run(command, "out");
    EXPECT_THAT(run.exit_code, AnyOf(1, 2));
    EXPECT_THAT(run.err, HasSubstr("folder"));
    EXPECT_EQ(run.out, "");
    for (const auto& word : command.words) {
      if (fs::path(word).is_absolute() || !fs::is_regular_file(folder_ / word)) continue;
      const std::string before = ReadFile(folder_ / word);
      const std::string other = "out/" + word;
      fs::create_hard_link(folder_ / word, folder_ / other);
      for (const auto& out : {word, "./out/../" + word, other}) {
        run = Run(command, out);
        EXPECT_EQ(run.exit_code, 2) << out << ": " << run.err;
        EXPECT_THAT(run.err, HasSubstr("an output must not be an input"));
      }
      EXPECT_EQ(ReadFile(folder_ / word), before);
      fs::remove(folder_ / other);
    }
    EXPECT_TRUE(Names().empty());
  }

  TemporaryFolder folder_;
};

TEST_F(Outputs, OfRerank) {
  WritesIntoFifosAndBehindLinks(QuickCommands()[0]);
  fs::remove_all(folder_ / "out");
  fs::create_directory(folder_ / "out");
  RefusesFoldersAndInputs(QuickCommands()[0]);
}

TEST_F(Outputs, SlowOfEveryCommandWithoutANetworkIntoFifosAndLinks) {
  for (const auto& command : QuickCommands()) WritesIntoFifosAndBehindLinks(command);
}

TEST_F(Outputs, SlowOfEveryCommandWithoutANetworkAreNoInputs) {
  for (const auto& command : QuickCommands()) RefusesFoldersAndInputs(command);
}

TEST_F(Outputs, SlowOfCommandsWithNetworksIntoFifosAndLinks) {
  for (const auto& command : NetworkCommands()) WritesIntoFifosAndBehindLinks(command);
}

TEST_F(Outputs, SlowOfCommandsWithNetworksAreNoInputs) {
  for (const auto& command : NetworkCommands()) RefusesFoldersAndInputs(command);
}

TEST_F(Outputs, GoToStandardOutputInItsPlace) {
  folder_.Write("printed.txt", "");
  const std::string command =
      "echo before; " DUALGEO_BINARY " rerank --candidates lists.csv --method none --out /dev/stdout; echo after";
  ASSERT_EQ(RunProgram("/bin/sh", {"-c", "(" + command + ") > printed.txt"}, folder_.path()).exit_code, 0);
  const std::string printed = ReadFile(folder_ / "printed.txt");
  EXPECT_TRUE(printed.starts_with("before\nquery_id"));
  EXPECT_TRUE(printed.ends_with("\nafter\n"));
}

// Files that only the config names are inputs, and so is what it extends.
TEST_F(Outputs, FilesThatTheConfigNamesAreNoOutputs) {
  folder_.Write("base.yaml", "rerank: {method: none}\n");
  folder_.Write("config.yaml", "extends: base.yaml\n");
  folder_.Write("fit.yaml", "nothing to be read\n");
  folder_.Write("table.csv", "IMG_ID,LAT,LON\na,1,1\n");
  const auto refused = [&](const std::string& out, const std::vector<std::string>& more) {
    const std::string before = ReadFile(folder_ / out);
    std::vector<std::string> words = {"rerank", "--candidates", "lists.csv", "--config", "config.yaml", "--out", out};
    words.insert(words.end(), more.begin(), more.end());
    const RunResult run = RunBinary(words, folder_.path());
    EXPECT_EQ(run.exit_code, 2) << out << ": " << run.err;
    EXPECT_THAT(run.err, HasSubstr("an output must not be an input")) << out;
    EXPECT_EQ(ReadFile(folder_ / out), before);
  };
  refused("base.yaml", {});
  refused("config.yaml", {});
  refused("fit.yaml", {"--set", "rerank.parameters=fit.yaml"});
  refused("table.csv", {"--set", "data.train.csv=table.csv"});
}

// Nothing of others is deleted: a gallery is not built over a folder that is none.
TEST_F(Outputs, SlowGalleriesReplaceGalleriesAlone) {
  ASSERT_EQ(Run(NetworkCommands()[0], "gps.safetensors").exit_code, 0);
  const auto build = [&](const std::string& out) {
    return RunBinary({"gallery", "build", "--features", "gps.safetensors", "--set", "gallery.kind=gps", "--out", out},
                     folder_.path());
  };
  folder_.Write("mine/thesis.txt", "years of work");
  RunResult run = build("mine");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("thesis.txt"));
  EXPECT_EQ(ReadFile(folder_ / "mine/thesis.txt"), "years of work");
  fs::create_directories(folder_ / "disk");
  fs::create_symlink("disk/g", folder_ / "link");
  for (const char* out : {"g/", "g", "link", "link"}) {
    run = build(out);
    EXPECT_EQ(run.exit_code, 0) << out << ": " << run.err;
  }
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_TRUE(fs::exists(folder_ / "disk/g/gallery.json"));
  folder_.Write("g/notes.txt", "mine");
  EXPECT_EQ(build("g").exit_code, 2);
  EXPECT_EQ(build("truth.csv").exit_code, 2);
  run = RunBinary({"gallery", "build", "--coordinates", "g/items.csv", "--set", "gallery.kind=gps", "--out", "g"},
                  folder_.path());
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_TRUE(fs::exists(folder_ / "g/notes.txt"));
}

TEST_F(Outputs, SlowMasksDoNotReplacePhotos) {
  folder_.Write("photos.csv", "IMG_ID\nphoto.png\n");
  fs::create_directory(folder_ / "photos");
  fs::copy_file(folder_ / "photo.png", folder_ / "photos/photo.png");
  const std::string before = ReadFile(folder_ / "photos/photo.png");
  fs::create_symlink("photos", folder_ / "alias");
  for (const char* out : {"photos", "photos/", "alias", "./photos/../photos"}) {
    const auto run = RunBinary(
        {"segment", "--photos", "photos.csv", "--images", "photos", "--out", out, "--checkpoint", "weights.pth"},
        folder_.path());
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr("--images")) << out;
    EXPECT_THAT(run.err, HasSubstr("an output must not be an input")) << out;
  }
  EXPECT_EQ(ReadFile(folder_ / "photos/photo.png"), before);
}

// Every command that prints: what does not arrive is a failure.
TEST_F(Outputs, LostStandardOutputIsAFailure) {
  for (const std::string command :
       {"evaluate --predictions answers.csv --truth truth.csv --bootstrap 0",
        "compare answers.csv others.csv --truth truth.csv --bootstrap 10", "config", "config --document", "--version",
        "--help", "rerank --help", "weights inspect weights.pth", "ablate --keys", "robustness --keys",
        "weights inspect weights.pth --json"}) {
    SCOPED_TRACE(command);
    const auto run = [&](const std::string& where) {
      return RunProgram("/bin/sh", {"-c", "exec " DUALGEO_BINARY " " + command + where}, folder_.path());
    };
    const auto full = run(" > /dev/full");
    EXPECT_EQ(full.exit_code, 1);
    EXPECT_EQ(full.err, "dualgeo: standard output cannot be written: No space left on device\n");
    const auto closed = run(" >&-");
    EXPECT_EQ(closed.exit_code, 1);
    EXPECT_EQ(closed.err, "dualgeo: standard output cannot be written: Bad file descriptor\n");
  }
  EXPECT_EQ(RunProgram("/bin/sh",
                       {"-c", "exec " DUALGEO_BINARY " rerank --candidates lists.csv --method none --out r.csv >&-"},
                       folder_.path())
                .exit_code,
            0);
}

// Starts the binary, sends the signal after a while, and says how it ended and how long that took.
struct Ended {
  int exit_code = -1;
  double seconds = 0;
};

Ended Signal(const std::vector<std::string>& words, const fs::path& folder, int signal, double after) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> argv;
    std::string program = DUALGEO_BINARY;
    argv.push_back(program.data());
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    if (chdir(folder.c_str()) != 0 || std::freopen("/dev/null", "w", stdout) == nullptr ||
        std::freopen("/dev/null", "w", stderr) == nullptr) {
      _exit(126);
    }
    execv(argv[0], argv.data());
    _exit(127);
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(after));
  const auto start = std::chrono::steady_clock::now();
  kill(child, signal);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() - start > std::chrono::seconds(20)) kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

TEST_F(Outputs, TheFirstSignalEndsLongWork) {
  std::ostringstream lists, truth, answers;
  lists << "query_id,rank,gallery_id,lat,lon\n";
  for (int i = 0; i < 100'000; ++i) {
    lists << "a.jpg," << i + 1 << ",g" << i << "," << (i % 1000) * 1e-5 << "," << (i / 1000) * 1e-5 << "\n";
  }
  truth << "IMG_ID,LAT,LON\n";
  answers << "IMG_ID,LAT,LON\n";
  for (int i = 0; i < 5000; ++i) {
    truth << i << ",1,1\n";
    answers << i << "," << i % 90 << ",1\n";
  }
  folder_.Write("long.csv", lists.str());
  folder_.Write("many.csv", truth.str());
  folder_.Write("many_answers.csv", answers.str());
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  std::vector<std::vector<std::string>> commands = {
      {"evaluate", "--predictions", "many_answers.csv", "--truth", "many.csv", "--bootstrap", "1000000"},
      {"compare", "many_answers.csv", "many.csv", "--truth", "many.csv", "--bootstrap", "1000000"},
      {"evaluate", "--predictions", "pipe", "--truth", "truth.csv"},
      {"rerank", "--candidates", "pipe", "--out", "out/r.csv"},
      {"rerank", "--candidates", "lists.csv", "--method", "none", "--out", "pipe"},
      {"weights", "inspect", "pipe"},
  };
  for (const char* method : {"dbscan", "density", "multiscale", "bayes"}) {
    commands.push_back({"rerank", "--candidates", "long.csv", "--method", method, "--top-k", "100000", "--eps-km",
                        "500", "--center", "medoid", "--out", "out/r.csv"});
  }
  int signal = SIGTERM;
  for (const auto& command : commands) {
    const Ended ended = Signal(command, folder_.path(), signal, 2);
    EXPECT_EQ(ended.exit_code, 130) << ::testing::PrintToString(command);
    EXPECT_LT(ended.seconds, 3) << ::testing::PrintToString(command);
    signal = signal == SIGTERM ? SIGHUP : signal == SIGHUP ? SIGINT : SIGTERM;
  }
  EXPECT_TRUE(Names().empty());
}

}  // namespace
}  // namespace dualgeo
