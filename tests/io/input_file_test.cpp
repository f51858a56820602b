#include "io/input_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "io/csv.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Gzipped(const std::string& text) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

std::string InputErrorOf(const std::filesystem::path& path) {
  try {
    ReadInput(path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(InputFile, ReadsFilesAndSaysWhyNot) {
  const TemporaryFolder folder;
  EXPECT_EQ(ReadInput(folder.Write("a.csv", "a,b\n")), "a,b\n");
  EXPECT_EQ(ReadInput(folder.Write("empty", "")), "");
  EXPECT_FALSE(IsStream(folder / "a.csv"));
  EXPECT_EQ(InputSha256(folder / "a.csv"), Sha256("a,b\n"));
  EXPECT_THAT(InputErrorOf(folder / "absent.csv"), HasSubstr("absent.csv: no such file"));
  EXPECT_THAT(InputErrorOf(folder.path()), HasSubstr("is a folder"));
}

// A stream gives its bytes once, and both the table and its hash need them.
TEST(InputFile, AStreamIsReadOnceAndKept) {
  const TemporaryFolder folder;
  const auto fifo = folder / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const std::string text = "IMG_ID,LAT\n" + std::string(300000, '1') + ",2\n";
  std::thread writer([&] {
    const int descriptor = open(fifo.c_str(), O_WRONLY);
    for (std::size_t at = 0; at < text.size();) {
      at += static_cast<std::size_t>(write(descriptor, text.data() + at, text.size() - at));
    }
    close(descriptor);
  });
  EXPECT_TRUE(IsStream(fifo));
  EXPECT_EQ(ReadInput(fifo), text);
  writer.join();
  EXPECT_EQ(ReadInput(fifo), text);
  EXPECT_EQ(InputSha256(fifo), Sha256(text));
}

TEST(InputFile, DevicesAndStandardInputAreStreams) {
  EXPECT_TRUE(IsStream("-"));
  EXPECT_TRUE(IsStream("/dev/null"));
  EXPECT_EQ(ReadInput("/dev/null"), "");
  EXPECT_EQ(InputName("-"), "standard input");
}

TEST(InputFile, GzipIsUnpackedWhateverItsName) {
  const TemporaryFolder folder;
  const std::string text = "a,b\n1,2\n";
  const auto path = folder.Write("t.csv", Gzipped(text));
  EXPECT_EQ(ReadInput(path), text);
  EXPECT_EQ(InputSha256(path), Sha256(Gzipped(text)));  // of the file as it is
  EXPECT_EQ(ReadInput(folder.Write("two.gz", Gzipped(text) + Gzipped("3,4\n"))), text + "3,4\n");
  EXPECT_EQ(CsvTable::Read(path).Cell(0, 1), "2");
}

TEST(InputFile, DamagedAndHugeGzipIsRefused) {
  const TemporaryFolder folder;
  const std::string packed = Gzipped("a,b\n1,2\n");
  EXPECT_THAT(InputErrorOf(folder.Write("cut.gz", packed.substr(0, packed.size() - 10))), HasSubstr("cut off"));
  EXPECT_THAT(InputErrorOf(folder.Write("bad.gz", packed.substr(0, 10) + "rubbish")), HasSubstr("damaged"));
  // 300 MB of zeros in 300 kB.
  EXPECT_THAT(InputErrorOf(folder.Write("bomb.gz", Gzipped(std::string(300'000'000, '0')))),
              AllOf(HasSubstr("unpack to more than"), HasSubstr("bomb.gz")));
}

}  // namespace
}  // namespace dualgeo
