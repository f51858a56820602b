#include "dualgeo/io/tar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

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
  ASSERT_EQ(tar.members().size(), 3U);
  ASSERT_NE(tar.Find("a.jpg"), nullptr);
  EXPECT_EQ(tar.Read(*tar.Find("a.jpg")), "first");
  EXPECT_EQ(tar.Read(*tar.Find("dir/b.jpg")), std::string(1000, 'x'));
  EXPECT_EQ(tar.Read(*tar.Find("empty")), "");
  EXPECT_EQ(tar.Find("link"), nullptr);
  EXPECT_EQ(tar.Find("dir"), nullptr);
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
  ASSERT_EQ(tar.members().size(), 4U);
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
      for (const auto& member : tar.members()) EXPECT_LE(tar.Read(member).size(), bad.size());
    } catch (const InputError&) {
    }
  }
}

TEST(Tar, RealArchives) {
  SHARED_PATH_OR_SKIP(samples, "data/tar_samples");
  const TarFile compressed(samples / "compressed.tar");
  ASSERT_EQ(compressed.members().size(), 3U);
  EXPECT_EQ(compressed.Read(*compressed.Find("compressed/0003.txt.gz")).size(), 34U);
  const TarFile mp(samples / "mpdata.tar");
  EXPECT_EQ(mp.members().size(), 100U);
  EXPECT_EQ(mp.Read(*mp.Find("000011.mp")).size(), 7U);
  EXPECT_THROW(TarFile(samples / "sample.tgz"), InputError);
}

}  // namespace
}  // namespace dualgeo
