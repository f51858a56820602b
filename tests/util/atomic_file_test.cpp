#include "dualgeo/util/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

int CountFiles(const std::filesystem::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

// Files may not grow beyond `bytes` while this lives: what a full disk looks like to a writer.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_ = {};
  void (*old_handler_)(int);
};

TEST(AtomicFile, AppearsOnCommitAndReplacesTheOldOne) {
  TemporaryFolder folder;
  const auto path = folder / "sub/a.csv";
  WriteFileAtomically(path, "old");
  {
    AtomicFile file(path);
    file.stream() << "new";
    file.stream().flush();
    EXPECT_EQ(ReadFile(path), "old");
    EXPECT_EQ(file.temporary().extension(), ".csv");
    file.Commit();
  }
  EXPECT_EQ(ReadFile(path), "new");
  EXPECT_EQ(CountFiles(folder / "sub"), 1);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  TemporaryFolder folder;
  {
    AtomicFile file(folder / "a.txt");
    file.stream() << "half";
  }
  EXPECT_EQ(CountFiles(folder.path()), 0);
}

TEST(AtomicFile, DiskFullIsAnErrorAndKeepsTheOldFile) {
  TemporaryFolder folder;
  const auto path = folder.Write("a.txt", "old");
  {
    const FullDisk disk(4096);
    try {
      WriteFileAtomically(path, std::string(1 << 20, 'x'));
      ADD_FAILURE() << "wrote more than fits";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("cannot write " + path.string()));
    }
  }
  EXPECT_EQ(ReadFile(path), "old");
  EXPECT_EQ(CountFiles(folder.path()), 1);
}

TEST(AtomicFolder, ReplacesAsAWholeOrNotAtAll) {
  TemporaryFolder folder;
  const auto path = folder / "gallery";
  WriteFolderAtomically(path, [](const auto& temporary) { WriteFileAtomically(temporary / "a", "1"); });
  EXPECT_THROW(WriteFolderAtomically(path,
                                     [](const auto& temporary) {
                                       WriteFileAtomically(temporary / "a", "2");
                                       throw Error("no");
                                     }),
               Error);
  EXPECT_EQ(ReadFile(path / "a"), "1");
  WriteFolderAtomically(path, [](const auto& temporary) { WriteFileAtomically(temporary / "b", "3"); });
  EXPECT_FALSE(std::filesystem::exists(path / "a"));
  EXPECT_EQ(ReadFile(path / "b"), "3");
  EXPECT_EQ(CountFiles(folder.path()), 1);
}

TEST(ReadFile, SaysWhatIsWrong) {
  TemporaryFolder folder;
  const auto message = [](const std::filesystem::path& path, std::size_t max = 1 << 20) {
    try {
      ReadFile(path, max);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("(read)");
  };
  EXPECT_THAT(message(folder / "none"), HasSubstr("none: no such file"));
  EXPECT_THAT(message(folder.path()), HasSubstr("is a folder"));
  EXPECT_THAT(message(folder.Write("big", std::string(100, 'x')), 10), HasSubstr("larger than the 10 bytes allowed"));
}

}  // namespace
}  // namespace dualgeo
