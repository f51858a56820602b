// Files that are no photos: every kind is named wherever photos, archives of photos and masks are read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/mask.h"
#include "data/photo.h"
#include "data/photo_source.h"
#include "dualgeo/util/error.h"
#include "io/file_kind.h"
#include "tests/support/file_samples.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PhotoKinds, EveryReaderNamesWhatItDoesNotRead) {
  const TemporaryFolder folder;
  for (const auto& sample : FileSamples()) {
    const auto path = folder.Write("photo.jpg", sample.bytes);
    const auto expect = [&](FileUse use, const std::string& message) {
      if (DescribeOtherFile(sample.bytes, use)) {
        EXPECT_THAT(message, AllOf(HasSubstr("photo.jpg: "), HasSubstr(sample.word)));
      }
    };
    expect(FileUse::kPhoto, RefusalOf([&] { ReadPhoto(path); }));
    expect(FileUse::kPhoto, RefusalOf([&] { DecodePhoto(sample.bytes, "photo.jpg"); }));
    expect(FileUse::kPhotos, RefusalOf([&] { OpenPhotoSource(path); }));
    expect(FileUse::kMask, RefusalOf([&] { ReadMask(path, 150); }));
  }
}

TEST(PhotoKinds, OfUnknownBytesWhatIsReadIsSaid) {
  EXPECT_THAT(RefusalOf([] { DecodePhoto("\x01\x02\x03 something", "a.jpg"); }),
              HasSubstr("a.jpg: not a photo (JPEG, PNG, WebP, TIFF and BMP are read)"));
  EXPECT_THAT(RefusalOf([] { DecodePhoto("just words", "a.jpg"); }), HasSubstr("not a photo (JPEG, PNG"));
}

}  // namespace
}  // namespace dualgeo
