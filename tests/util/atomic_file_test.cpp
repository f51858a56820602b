#include "util/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

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
      EXPECT_EQ(error.what(), "cannot write " + path.string() + ": File too large");
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

namespace fs = std::filesystem;

// The message of what `work` throws; "" when it throws nothing.
template <class Work>
std::string MessageOf(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

mode_t ModeOf(const fs::path& path) {
  struct stat status = {};
  lstat(path.c_str(), &status);
  return status.st_mode;
}

// A process that does `work` and is killed in the midst of it.
template <class Work>
void KillDuring(const Work& work) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    work([&] {
      if (write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    });
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
}

TEST(AtomicFile, KeepsModeAndOwnerOfTheFileItReplaces) {
  TemporaryFolder folder;
  const auto path = folder.Write("a.csv", "old");
  for (const mode_t mode : {0600, 0640, 0755}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    WriteFileAtomically(path, "new");
    EXPECT_EQ(ModeOf(path) & 07777, mode);
  }
  if (getuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(chown(path.c_str(), 1234, 4321), 0);
  WriteFileAtomically(path, "newer");
  struct stat status = {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234U);
  EXPECT_EQ(status.st_gid, 4321U);
  EXPECT_EQ(status.st_mode & 07777, 0755U);
}

TEST(AtomicFile, NewFilesFollowTheUmask) {
  TemporaryFolder folder;
  for (const mode_t mask : {022, 077, 002}) {
    const mode_t before = umask(mask);
    const auto path = folder / ("new" + std::to_string(mask));
    WriteFileAtomically(path, "x");
    umask(before);
    EXPECT_EQ(ModeOf(path) & 07777, 0666 & ~mask);
  }
}

TEST(AtomicFile, FollowsAndKeepsLinks) {
  TemporaryFolder folder;
  fs::create_directory(folder / "far");
  folder.Write("far/real.csv", "old");
  fs::create_symlink("far/real.csv", folder / "link.csv");
  fs::create_symlink("link.csv", folder / "link2.csv");
  fs::create_symlink((folder / "far/new.csv").string(), folder / "to-new.csv");
  WriteFileAtomically(folder / "link2.csv", "new");
  WriteFileAtomically(folder / "to-new.csv", "first");
  EXPECT_TRUE(fs::is_symlink(folder / "link.csv"));
  EXPECT_TRUE(fs::is_symlink(folder / "link2.csv"));
  EXPECT_TRUE(fs::is_symlink(folder / "to-new.csv"));
  EXPECT_EQ(ReadFile(folder / "far/real.csv"), "new");
  EXPECT_EQ(ReadFile(folder / "far/new.csv"), "first");
  EXPECT_EQ(CountFiles(folder / "far"), 2);
}

TEST(AtomicFile, RefusesLinksThatLeadNowhere) {
  TemporaryFolder folder;
  fs::create_symlink("missing/new.csv", folder / "dangling");
  fs::create_symlink("b", folder / "a");
  fs::create_symlink("a", folder / "b");
  fs::create_directory(folder / "real");
  fs::create_symlink("real", folder / "to-folder");
  const auto message = [&](const char* name) { return MessageOf([&] { WriteFileAtomically(folder / name, "x"); }); };
  EXPECT_THAT(message("dangling"), HasSubstr("there is no folder " + (folder / "missing").string()));
  EXPECT_THAT(message("a"), HasSubstr("Too many levels of symbolic links"));
  EXPECT_THAT(message("to-folder"), HasSubstr("it is a folder"));
  EXPECT_THAT(message("to-folder/"), HasSubstr("the name of a folder"));
  EXPECT_EQ(CountFiles(folder.path()), 5);
}

TEST(AtomicFile, RefusesFoldersAndSocketsAndFilesAsFolders) {
  TemporaryFolder folder;
  fs::create_directory(folder / "d");
  folder.Write("f", "x");
  const int server = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", (folder / "s").c_str());
  ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const auto message = [&](const char* name) { return MessageOf([&] { WriteFileAtomically(folder / name, "x"); }); };
  EXPECT_THAT(message("d"), HasSubstr("it is a folder"));
  EXPECT_THAT(message("s"), HasSubstr("it is a socket"));
  EXPECT_THAT(message("f/under"), HasSubstr("Not a directory"));
  EXPECT_THAT(message("f/deep/under"), HasSubstr("Not a directory"));
  EXPECT_THAT(MessageOf([] { WriteFileAtomically("", "x"); }), HasSubstr("empty path"));
  EXPECT_THAT(message(std::string(300, 'n').c_str()), HasSubstr("File name too long"));
  close(server);
  EXPECT_EQ(CountFiles(folder.path()), 3);
}

TEST(AtomicFile, TakesNamesAsLongAsTheyMayBe) {
  TemporaryFolder folder;
  const auto path = folder / std::string(255, 'n');
  WriteFileAtomically(path, "x");
  EXPECT_EQ(ReadFile(path), "x");
}

TEST(AtomicFile, WritesDevicesInPlace) {
  TemporaryFolder folder;
  const auto null = folder / "null", full = folder / "full", disk = folder / "disk";
  if (mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0 || access(null.c_str(), W_OK) != 0 ||
      mknod(full.c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0) {
    GTEST_SKIP() << "devices cannot be made here";
  }
  try {
    WriteFileAtomically(null, "gone");
  } catch (const Error& error) {
    GTEST_SKIP() << "devices cannot be used here: " << error.what();
  }
  EXPECT_TRUE(S_ISCHR(ModeOf(null)));
  EXPECT_EQ(MessageOf([&] { WriteFileAtomically(full, "x"); }),
            "cannot write " + full.string() + ": No space left on device");
  EXPECT_TRUE(S_ISCHR(ModeOf(full)));
  ASSERT_EQ(mknod(disk.c_str(), S_IFBLK | 0666, makedev(7, 200)), 0);
  EXPECT_THAT(MessageOf([&] { WriteFileAtomically(disk, "x"); }), HasSubstr("it is a block device"));
  EXPECT_EQ(CountFiles(folder.path()), 3);
}

TEST(AtomicFile, WritesFifosInPlaceAndWaitsForTheReader) {
  TemporaryFolder folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const std::string content(300'000, 'x');  // more than a pipe holds
  std::string got;
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    got = ReadFile(path);
  });
  WriteFileAtomically(path, content);
  reader.join();
  EXPECT_EQ(got, content);
  EXPECT_TRUE(S_ISFIFO(ModeOf(path)));
  EXPECT_EQ(CountFiles(folder.path()), 1);
}

TEST(AtomicFile, WritesThroughDescriptorsOfThisProcess) {
  TemporaryFolder folder;
  const auto path = folder.Write("printed", "");
  const int file = open(path.c_str(), O_RDWR);
  ASSERT_EQ(write(file, "before\n", 7), 7);
  fs::create_symlink("/proc/self/fd/" + std::to_string(file), folder / "link");
  WriteFileAtomically(folder / "link", "by link\n");
  WriteFileAtomically("/dev/fd/" + std::to_string(file), "by number\n");
  ASSERT_EQ(write(file, "after\n", 6), 6);
  close(file);
  EXPECT_EQ(ReadFile(path), "before\nby link\nby number\nafter\n");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_THAT(MessageOf([] { WriteFileAtomically("/dev/fd/777", "x"); }), HasSubstr("Bad file descriptor"));
}

TEST(AtomicFile, NextWriteRemovesWhatAKilledOneLeft) {
  TemporaryFolder folder;
  const auto path = folder.Write("m.json", "old");
  KillDuring([&](const auto& wait) {
    AtomicFile file(path);
    file.stream() << "half" << std::flush;
    wait();
  });
  EXPECT_EQ(CountFiles(folder.path()), 2);
  {
    AtomicFile live(path);  // of a live process: stays
    live.stream() << "live";
    WriteFileAtomically(path, "new");
    EXPECT_EQ(CountFiles(folder.path()), 2);
    live.Commit();
  }
  EXPECT_EQ(ReadFile(path), "live");
  EXPECT_EQ(CountFiles(folder.path()), 1);
}

TEST(AtomicFile, UnsyncedLeftoversAreRemovedBelowTheFolder) {
  TemporaryFolder folder;
  const auto path = folder / "masks/city/a.png";
  KillDuring([&](const auto& wait) {
    AtomicFile file(path, Durability::kUnsynced);
    wait();
  });
  const AtomicFile live(folder / "masks/b.png", Durability::kUnsynced);
  ASSERT_EQ(CountFiles(folder / "masks/city"), 1);
  const fs::path left = *fs::directory_iterator(folder / "masks/city");
  EXPECT_TRUE(IsTemporary(left));
  EXPECT_NE(left.extension(), ".png");
  EXPECT_FALSE(IsTemporary("a.png"));
  RemoveLeftovers(folder.path());
  EXPECT_EQ(CountFiles(folder / "masks/city"), 0);
  EXPECT_EQ(CountFiles(folder / "masks"), 2);
}

TEST(AtomicFile, TemporaryNamesCannotBeGuessed) {
  TemporaryFolder folder;
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    const AtomicFile file(folder / "a.txt");
    for (const auto& entry : fs::directory_iterator(folder.path())) names.insert(entry.path().filename());
  }
  EXPECT_EQ(names.size(), 20U);
}

TEST(AtomicFolder, KeepsLinksModesAndOwners) {
  TemporaryFolder folder;
  fs::create_directories(folder / "disk/gallery");
  fs::create_symlink("disk/gallery", folder / "g");
  fs::create_symlink("disk/fresh", folder / "to-new");
  folder.Write("disk/gallery/items.csv", "old");
  ASSERT_EQ(chmod((folder / "disk/gallery").c_str(), 0750), 0);
  ASSERT_EQ(chmod((folder / "disk/gallery/items.csv").c_str(), 0600), 0);
  const auto fill = [](const auto& temporary) { WriteFileAtomically(temporary / "items.csv", "new"); };
  WriteFolderAtomically(folder / "g", fill);
  EXPECT_TRUE(fs::is_symlink(folder / "g"));
  EXPECT_EQ(ReadFile(folder / "disk/gallery/items.csv"), "new");
  EXPECT_EQ(ModeOf(folder / "disk/gallery") & 07777, 0750U);
  EXPECT_EQ(ModeOf(folder / "disk/gallery/items.csv") & 07777, 0600U);
  WriteFolderAtomically(folder / "to-new", fill);
  EXPECT_TRUE(fs::is_symlink(folder / "to-new"));
  EXPECT_EQ(ReadFile(folder / "disk/fresh/items.csv"), "new");
  WriteFolderAtomically(folder / "slash/", fill);
  EXPECT_EQ(ReadFile(folder / "slash/items.csv"), "new");
  const mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(ModeOf(folder / "slash") & 07777, 0777 & ~mask);
  EXPECT_EQ(CountFiles(folder / "disk"), 2);
}

TEST(AtomicFolder, RefusesWhatIsNoFolder) {
  TemporaryFolder folder;
  folder.Write("file", "x");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto message = [&](const char* name) {
    return MessageOf([&] { WriteFolderAtomically(folder / name, [](const auto&) { FAIL() << "began to work"; }); });
  };
  EXPECT_THAT(message("file"), HasSubstr("it is a file, not a folder"));
  EXPECT_THAT(message("pipe"), HasSubstr("it is a FIFO, not a folder"));
  EXPECT_THAT(message("file/g"), HasSubstr("Not a directory"));
  EXPECT_EQ(CountFiles(folder.path()), 2);
}

TEST(AtomicFolder, NextWriteRemovesWhatAKilledOneLeft) {
  TemporaryFolder folder;
  const auto path = folder / "g";
  KillDuring([&](const auto& wait) {
    WriteFolderAtomically(path, [&](const auto& temporary) {
      WriteFileAtomically(temporary / "a", "1");
      wait();
    });
  });
  EXPECT_EQ(CountFiles(folder.path()), 1);
  WriteFolderAtomically(path, [](const auto& temporary) { WriteFileAtomically(temporary / "a", "2"); });
  EXPECT_EQ(CountFiles(folder.path()), 1);
  EXPECT_EQ(ReadFile(path / "a"), "2");
}

TEST(CreateFolder, FollowsLinksAndSaysWhatIsInTheWay) {
  TemporaryFolder folder;
  folder.Write("file", "x");
  fs::create_directory(folder / "disk");
  fs::create_symlink("disk/runs", folder / "runs");
  CreateFolder(folder / "runs/a/b/");
  EXPECT_TRUE(fs::is_directory(folder / "disk/runs/a/b"));
  EXPECT_THAT(MessageOf([&] { CreateFolder(folder / "file/x"); }), HasSubstr("it is a file, not a folder"));
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
