#include "io/tar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/environment_scope.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Octal(std::uint64_t value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*llo", digits, static_cast<unsigned long long>(value));
  return text;
}

void Seal(std::string& header) {
  header.replace(148, 8, 8, ' ');
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  header.replace(148, 8, Octal(sum, 6) + std::string("\0 ", 2));
}

std::string Header(const std::string& name, std::uint64_t size, char type = '0', const std::string& prefix = "") {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(100, 7, "0000644");
  header.replace(124, 11, Octal(size, 11));
  header[156] = type;
  header.replace(257, 8, std::string("ustar\00000", 8));
  header.replace(345, prefix.size(), prefix);
  Seal(header);
  return header;
}

std::string Padded(std::string content) {
  content.resize((content.size() + 511) / 512 * 512, '\0');
  return content;
}

std::string Member(const std::string& name, const std::string& content, char type = '0',
                   const std::string& prefix = "") {
  return Header(name, content.size(), type, prefix) + Padded(content);
}

const std::string kEnd(1024, '\0');

std::string ErrorOf(const std::string& bytes) {
  const TemporaryFolder folder;
  try {
    const TarFile tar(folder.Write("a.tar", bytes));
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "no error";
}

TEST(Tar, ReadsMembersInPlace) {
  const TemporaryFolder folder;
  const TarFile tar(folder.Write("a.tar", Member("./a.jpg", "first") + Member("dir/", "", '5') +
                                              Member("dir/b.jpg", std::string(1000, 'x')) + Member("empty", "") +
                                              Member("link", "", '2') + kEnd));
  ASSERT_EQ(tar.size(), 3U);
  ASSERT_TRUE(tar.Find("a.jpg"));
  EXPECT_EQ(tar.Read(*tar.Find("a.jpg")), "first");
  EXPECT_EQ(tar.Read(*tar.Find("dir/b.jpg")), std::string(1000, 'x'));
  EXPECT_EQ(tar.Read(*tar.Find("empty")), "");
  EXPECT_FALSE(tar.Find("link"));
  EXPECT_FALSE(tar.Find("dir"));
  EXPECT_THROW(tar.Read(*tar.Find("dir/b.jpg"), 999), InputError);
}

TEST(Tar, LongNames) {
  const std::string gnu(300, 'g');
  const std::string pax = std::string(250, 'p') + "/x.jpg";
  const std::string record = std::to_string(pax.size() + 10) + " path=" + pax + "\n";
  ASSERT_EQ(record.size(), pax.size() + 10);
  const TemporaryFolder folder;
  const TarFile tar(folder.Write("a.tar", Member("under.jpg", "1", '0', "pre/fix") +
                                              Member("././@LongLink", gnu + '\0', 'L') + Member("ggg", "2") +
                                              Member("PaxHeaders/x", record, 'x') + Member("ppp", "3") +
                                              Member("plain", "4") + kEnd));
  ASSERT_EQ(tar.size(), 4U);
  EXPECT_EQ(tar.Read(*tar.Find("pre/fix/under.jpg")), "1");
  EXPECT_EQ(tar.Read(*tar.Find(gnu)), "2");
  EXPECT_EQ(tar.Read(*tar.Find(pax)), "3");
  EXPECT_EQ(tar.Read(*tar.Find("plain")), "4");
}

TEST(Tar, LaterMemberOfTheSameNameCounts) {
  const TemporaryFolder folder;
  const TarFile tar(folder.Write("a.tar", Member("a", "old") + Member("a", "new") + kEnd));
  EXPECT_EQ(tar.Read(*tar.Find("a")), "new");
}

TEST(Tar, PaxSizeCounts) {
  const TemporaryFolder folder;
  const TarFile tar(folder.Write(
      "a.tar", Member("x", "9 size=3\n", 'x') + Header("a", 0) + Padded("abc") + Member("b", "after") + kEnd));
  EXPECT_EQ(tar.Read(*tar.Find("a")), "abc");
  EXPECT_EQ(tar.Read(*tar.Find("b")), "after");
}

TEST(Tar, RefusesWhatIsNotATar) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("empty file"));
  EXPECT_THAT(ErrorOf("short"), HasSubstr("not a tar archive"));
  EXPECT_THAT(ErrorOf(std::string(2000, 'x')), HasSubstr("not a tar archive"));
  EXPECT_THAT(ErrorOf("\x1f\x8b" + std::string(1000, 'x')), AllOf(HasSubstr("gzip"), HasSubstr("unpack")));
  EXPECT_THROW(TarFile("/nonexistent/a.tar"), InputError);
  const TemporaryFolder folder;
  EXPECT_THROW(TarFile(folder.path()), InputError);
}

TEST(Tar, TruncationAndHostileHeaders) {
  const std::string two = Member("a", std::string(600, 'a')) + Member("b", std::string(600, 'b'));
  EXPECT_THAT(ErrorOf(two.substr(0, two.size() - 600)), AllOf(HasSubstr("truncated"), HasSubstr("byte 1536")));
  EXPECT_THAT(ErrorOf(two.substr(0, 1536 + 100)), HasSubstr("truncated"));
  EXPECT_THAT(ErrorOf(Member("a", "1") + std::string(512, 'z')), HasSubstr("wrong header checksum"));

  EXPECT_THAT(ErrorOf(Header("a", 07777777777) + kEnd), HasSubstr("truncated"));
  std::string huge = Header("a", 0);
  huge.replace(124, 12, "\x80" + std::string(3, '\0') + std::string(8, '\xff'));  // 2^64 - 1 in base 256
  Seal(huge);
  EXPECT_THAT(ErrorOf(huge + kEnd), HasSubstr("truncated"));
  huge.replace(124, 12, 12, '\xff');  // negative
  Seal(huge);
  EXPECT_THAT(ErrorOf(huge + kEnd), HasSubstr("size field"));
  huge.replace(124, 12, std::string("0000000000x\0", 12));
  Seal(huge);
  EXPECT_THAT(ErrorOf(huge + kEnd), HasSubstr("size field"));

  EXPECT_THAT(ErrorOf(Member("L", std::string(2 << 20, 'n'), 'L') + Member("a", "1") + kEnd), HasSubstr("1 MiB"));
  for (const char* record : {"99 path=a\n", "x path=a\n", "0 path=a\n", "8 path=\n", "11 size=-1\n"}) {
    EXPECT_THAT(ErrorOf(Member("x", record, 'x') + Member("a", "1") + kEnd), HasSubstr("pax")) << record;
  }
  EXPECT_THAT(ErrorOf(Member("s", "", 'S') + kEnd), HasSubstr("sparse"));
}

// Whatever one byte is changed to, opening and reading ends in bytes or in an InputError.
TEST(Tar, SurvivesDamage) {
  const std::string record = "16 path=long/er\n";
  const std::string good = Member("a", "first") + Member("x", record, 'x') + Member("b", "second") +
                           Member("L", std::string(200, 'n') + '\0', 'L') + Member("c", "third") + kEnd;
  const TemporaryFolder folder;
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    std::string bad = good;
    const auto header = random.Below(good.size() / 512) * 512;
    bad[header + random.Below(512)] = static_cast<char>(random.Next());
    if (random.Chance(0.7)) {
      std::string sealed = bad.substr(header, 512);
      Seal(sealed);
      bad.replace(header, 512, sealed);
    }
    if (random.Chance(0.2)) bad.resize(random.Below(bad.size()));
    try {
      const TarFile tar(folder.Write("a.tar", bad));
      for (std::size_t m = 0; m < tar.size(); ++m) EXPECT_LE(tar.Read(tar.At(m)).size(), bad.size());
    } catch (const InputError&) {
    }
  }
}

// As split(1) cuts it, wherever that is.
TEST(Tar, PartsAreOneArchive) {
  const std::string whole = Member("a", std::string(700, 'a')) +
                            Member("././@LongLink", std::string(150, 'n') + '\0', 'L') + Member("nnn", "long") +
                            Member("b", std::string(600, 'b')) + kEnd;
  for (const std::size_t cut : {std::size_t{512}, std::size_t{600}, std::size_t{1536}, std::size_t{2000},
                                whole.size() - 1500, whole.size() - 700}) {
    const TemporaryFolder folder;
    const TarFile tar({folder.Write("a.tar.00", whole.substr(0, cut)), folder.Write("a.tar.01", whole.substr(cut, 300)),
                       folder.Write("a.tar.02", whole.substr(cut + 300))});
    ASSERT_EQ(tar.size(), 3U) << cut;
    EXPECT_EQ(tar.Read(*tar.Find("a")), std::string(700, 'a'));
    EXPECT_EQ(tar.Read(*tar.Find(std::string(150, 'n'))), "long");
    EXPECT_EQ(tar.Read(*tar.Find("b")), std::string(600, 'b'));
  }
}

std::string PartsError(const std::string& first, const std::string& second) {
  const TemporaryFolder folder;
  std::vector<std::filesystem::path> parts = {folder.Write("a.tar.00", first)};
  if (!second.empty()) parts.push_back(folder.Write("a.tar.01", second));
  try {
    const TarFile tar(parts);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Tar, WrongParts) {
  const std::string whole = Member("a", std::string(700, 'a')) + Member("b", std::string(30'000, 'b')) + kEnd;
  EXPECT_THAT(PartsError(whole.substr(0, 1700), ""),
              AllOf(HasSubstr("truncated"), HasSubstr("named together, as a.tar.*")));
  EXPECT_THAT(PartsError(whole.substr(0, 1700), whole.substr(1700, 900)),
              AllOf(HasSubstr("truncated"), HasSubstr("header at byte 1536 of a.tar.00")));
  EXPECT_THAT(PartsError(whole.substr(0, 1536), std::string(900, '\x01')),
              AllOf(HasSubstr("a.tar.01: neither a tar archive nor the rest of"), HasSubstr("a.tar.00")));
  EXPECT_THAT(
      PartsError(whole + std::string(30'000, '\0'), "\xff\xd8\xff"),
      AllOf(HasSubstr("a.tar.01: not a part of the tar archive before it"), HasSubstr("a.tar.00 with its end")));
}

// Archives of so many members keep their index.
std::string ManyMembers(int count, const std::string& content) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += Member("photos/" + std::to_string(i) + ".jpg", content);
  return bytes + kEnd;
}

class KeptIndex : public ::testing::Test {
 protected:
  std::filesystem::path Tar() const { return folder_ / "a.tar"; }
  std::filesystem::path Index() const { return folder_ / "a.tar.dualgeo-index"; }
  // Of another content and time, so that a new state is seen.
  void WriteTar(const std::string& content, int seconds = 0) const {
    folder_.Write("a.tar", ManyMembers(5000, content));
    std::filesystem::last_write_time(Tar(), start_ + std::chrono::seconds(seconds));
  }
  std::string ReadOne(const std::string& name = "photos/4321.jpg") const {
    const TarFile tar(Tar());
    EXPECT_EQ(tar.size(), 5000U);
    return tar.Read(*tar.Find(name));
  }

  TemporaryFolder folder_;
  std::filesystem::file_time_type start_ = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
};

TEST_F(KeptIndex, IsMadeOnceAndUsed) {
  WriteTar("one");
  EXPECT_EQ(ReadOne(), "one");
  ASSERT_TRUE(std::filesystem::exists(Index()));
  const auto made = std::filesystem::last_write_time(Index());
  // Members that the index does not know are not looked for: it is used.
  std::string bytes = ReadFile(Index());
  EXPECT_EQ(ReadOne("photos/0.jpg"), "one");
  EXPECT_EQ(std::filesystem::last_write_time(Index()), made);
  EXPECT_EQ(ReadFile(Index()), bytes);
}

TEST_F(KeptIndex, IsMadeAnewWhenTheTarChanged) {
  WriteTar("one");
  ReadOne();
  WriteTar("two", 10);
  EXPECT_EQ(ReadOne(), "two");
  WriteTar("three!", 10);  // the time is as before, the size too: tar pads
  EXPECT_EQ(ReadOne(), "three!");
}

TEST_F(KeptIndex, OfAnotherTarOrDamagedIsMadeAnew) {
  WriteTar("one");
  ReadOne();
  const std::string good = ReadFile(Index());
  // As large and as old, with other names: what is found there tells.
  std::string other;
  for (int i = 0; i < 5000; ++i) other += Member("others/" + std::to_string(i) + ".jpg", "one");
  folder_.Write("a.tar", other + kEnd);
  std::filesystem::last_write_time(Tar(), start_);
  EXPECT_EQ(ReadOne("others/77.jpg"), "one");
  EXPECT_NE(ReadFile(Index()), good);
  WriteTar("one");
  for (const std::string& bad : {std::string(), std::string("text"), good.substr(0, 100),
                                 good.substr(0, good.size() - 1), good + "x", std::string(good.size(), '\xff')}) {
    folder_.Write("a.tar.dualgeo-index", bad);
    EXPECT_EQ(ReadOne(), "one");
    EXPECT_EQ(ReadFile(Index()), good);
  }
}

// Whatever one byte of an index is changed to, members are right, or there is one line.
TEST_F(KeptIndex, SurvivesDamage) {
  WriteTar("one");
  ReadOne();
  const std::string good = ReadFile(Index());
  Random random(4);
  for (int i = 0; i < 40; ++i) {
    std::string bad = good;
    bad[random.Below(random.Chance(0.5) ? 120 : bad.size())] = static_cast<char>(random.Next());
    folder_.Write("a.tar.dualgeo-index", bad);
    try {
      const TarFile tar(Tar());
      for (int k = 0; k < 20; ++k) {
        const auto member = tar.At(random.Below(tar.size()));
        EXPECT_EQ(tar.Read(member), "one");
      }
    } catch (const InputError&) {
    }
  }
}

TEST_F(KeptIndex, AKilledWritersLeftoversDoNoHarm) {
  WriteTar("one");
  const pid_t child = fork();
  if (child == 0) {  // dies while it writes
    AtomicFile file(Index());
    file.stream() << "dualgeo tar index 1\n" << std::flush;
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(std::filesystem::exists(Index()));
  EXPECT_EQ(ReadOne(), "one");
  EXPECT_TRUE(std::filesystem::exists(Index()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2);
}

TEST_F(KeptIndex, ATarThatChangesWhileItIsOpenIsSeen) {
  WriteTar("one");
  const TarFile tar(Tar());
  std::fstream(Tar(), std::ios::binary | std::ios::in | std::ios::out) << std::string(512, 'x');
  EXPECT_EQ(tar.Read(*tar.Find("photos/1.jpg")), "one");
  try {
    tar.Read(*tar.Find("photos/0.jpg"));
    ADD_FAILURE() << "read from a header that is gone";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("a.tar:photos/0.jpg"), HasSubstr("changed meanwhile")));
  }
}

// Where the tar's folder cannot be written, the index is kept in the cache: here its place is taken by a folder.
TEST_F(KeptIndex, GoesToTheCache) {
  WriteTar("one");
  const EnvironmentScope cache("XDG_CACHE_HOME", (folder_ / "cache").string());
  std::filesystem::create_directories(Index() / "not ours");
  EXPECT_EQ(ReadOne(), "one");
  const std::filesystem::path kept = folder_ / "cache/dualgeo";
  ASSERT_TRUE(std::filesystem::is_directory(kept));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(kept), {}), 1);
  EXPECT_EQ(ReadOne(), "one");
}

TEST(Tar, RealArchives) {
  SHARED_PATH_OR_SKIP(samples, "data/tar_samples");
  const TarFile compressed(samples / "compressed.tar");
  ASSERT_EQ(compressed.size(), 3U);
  EXPECT_EQ(compressed.Read(*compressed.Find("compressed/0003.txt.gz")).size(), 34U);
  const TarFile mp(samples / "mpdata.tar");
  EXPECT_EQ(mp.size(), 100U);
  EXPECT_EQ(mp.Read(*mp.Find("000011.mp")).size(), 7U);
  EXPECT_THROW(TarFile(samples / "sample.tgz"), InputError);
}

}  // namespace
}  // namespace dualgeo
