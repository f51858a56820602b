#include "io/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "io/csv.h"
#include "io/safetensors.h"
#include "io/tar.h"
#include "io/weight_file.h"
#include "tests/support/file_samples.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(FileKind, EveryKindIsNamed) {
  for (const auto& sample : FileSamples()) {
    const auto kind = RecogniseFile(sample.bytes);
    ASSERT_TRUE(kind) << sample.word;
    EXPECT_THAT(kind->name, HasSubstr(sample.word));
    // A short head must not be read beyond.
    for (std::size_t size = 0; size < std::min<std::size_t>(sample.bytes.size(), 600); ++size) {
      RecogniseFile(std::string(sample.bytes, 0, size));
    }
  }
}

TEST(FileKind, UnknownBytesAreNoKind) {
  EXPECT_FALSE(RecogniseFile(std::string("\x01\x02\x03\x04\x05\x06", 6)));
  EXPECT_FALSE(RecogniseFile(std::string(8, '\0')));
}

// Tables whose first letters are those of another format.
TEST(FileKind, TextIsNotTakenForBinaryKinds) {
  for (const std::string text : {"BMW,lat\n1,2\n", "MZ,a\n", "PAR1,b\n", "GIF89a,x\n", "P6\n1,2\n", "ID3,LAT\n",
                                 "ORC,LAT,LON\n", "IxFI,LAT,LON,AUTHOR\n", "OggS,1\n", "IMG_ID,LAT\n", "id;lat\n"}) {
    EXPECT_EQ(RecogniseFile(text)->group, FileGroup::kText) << text;
    EXPECT_FALSE(DescribeOtherFile(text, FileUse::kTable)) << text;
  }
}

TEST(FileKind, TextIsNoWeights) {
  EXPECT_THAT(*DescribeOtherFile("layer 0.1 0.2\n", FileUse::kWeights), HasSubstr("a text, not weights"));
  // But for the oldest pickles. A table of one column is none.
  for (const char* pickle : {"L119547037146038801333356L\n.", "cposix\nsystem\n(S'ls'\ntR.", "(dp0\nS'a'\n"}) {
    EXPECT_FALSE(DescribeOtherFile(pickle, FileUse::kWeights)) << pickle;
  }
  EXPECT_FALSE(DescribeOtherFile("city\nparis\nrome\n", FileUse::kTable));
}

// Every reader of this layer against every kind: what it does not read is named. (Photos, archives and masks:
// tests/data/photo_kinds_test.cpp.)
TEST(FileKind, EveryReaderNamesWhatItDoesNotRead) {
  const TemporaryFolder folder;
  for (const auto& sample : FileSamples()) {
    const auto path = folder.Write("file.bin", sample.bytes);
    const auto expect = [&](FileUse use, const std::string& message) {
      if (!DescribeOtherFile(sample.bytes, use)) return;
      EXPECT_THAT(message, AllOf(HasSubstr("file.bin"), HasSubstr(sample.word)));
    };
    expect(FileUse::kTable, RefusalOf([&] { CsvTable::Read(path); }));
    expect(FileUse::kFeatures, RefusalOf([&] { SafetensorsFile file(path); }));
    expect(FileUse::kWeights, RefusalOf([&] { ReadWeightFile(path); }));
    expect(FileUse::kPhotos, RefusalOf([&] { TarFile file(path); }));
  }
}

TEST(FileKind, SaysWhatToDo) {
  const auto describe = [](const std::string& word, FileUse use) {
    for (const auto& sample : FileSamples()) {
      if (sample.word == word) return DescribeOtherFile(sample.bytes, use).value_or("read");
    }
    return std::string("no such sample");
  };
  EXPECT_THAT(describe("HEIC", FileUse::kPhoto), HasSubstr("heif-convert"));
  EXPECT_THAT(describe("AVIF", FileUse::kPhoto), HasSubstr("convert"));
  EXPECT_THAT(describe("film (MP4)", FileUse::kPhoto), HasSubstr("single pictures"));
  EXPECT_THAT(describe("7z", FileUse::kPhotos), HasSubstr("unpack"));
  EXPECT_THAT(describe("gzip", FileUse::kPhotos), HasSubstr("unpack"));
  EXPECT_EQ(describe("gzip", FileUse::kTable), "read");
  EXPECT_THAT(describe("xz", FileUse::kTable), HasSubstr("unpack"));
  EXPECT_THAT(describe("XLSX", FileUse::kTable), HasSubstr("save it as CSV"));
  EXPECT_THAT(describe("Parquet", FileUse::kTable), HasSubstr("save it as CSV"));
  EXPECT_THAT(describe("UTF-16", FileUse::kTable), HasSubstr("UTF-8"));
  EXPECT_THAT(describe("NumPy array", FileUse::kFeatures), HasSubstr("convert it in Python"));
  EXPECT_THAT(describe("git-LFS", FileUse::kWeights), HasSubstr("git lfs pull"));
  EXPECT_THAT(describe("web page", FileUse::kWeights), HasSubstr("download"));
  EXPECT_EQ(describe("PyTorch", FileUse::kWeights), "read");
  EXPECT_EQ(describe("zip archive", FileUse::kPhotos), "read");
}

}  // namespace
}  // namespace dualgeo
