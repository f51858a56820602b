#include "dualgeo/data/photo_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "dualgeo/util/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <class Function>
std::string MessageOf(Function function) {
  try {
    function();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PhotoSource, Folder) {
  const TemporaryFolder folder;
  folder.Write("photos/ab/c d.jpg", "bytes");
  folder.Write("secret", "no");
  const auto source = OpenPhotoSource(folder / "photos");
  EXPECT_EQ(source->Read("ab/c d.jpg"), "bytes");
  EXPECT_TRUE(source->Has("ab/c d.jpg"));
  EXPECT_FALSE(source->Has("ab"));
  EXPECT_FALSE(source->Has("none.jpg"));
  EXPECT_THAT(MessageOf([&] { source->Read("none.jpg"); }), HasSubstr("photos/none.jpg: no such file"));
}

TEST(PhotoSource, IdsCannotClimbOut) {
  const TemporaryFolder folder;
  folder.Write("photos/a.jpg", "bytes");
  folder.Write("secret", "no");
  const auto source = OpenPhotoSource(folder / "photos");
  for (const std::string& id : {std::string("../secret"), std::string("x/../../secret"), std::string(".."),
                                (folder / "secret").string(), std::string(""), std::string("a\n.jpg")}) {
    EXPECT_THAT(MessageOf([&] { source->Read(id); }), HasSubstr("photo id")) << id;
    EXPECT_FALSE(source->Has(id)) << id;
  }
  EXPECT_NO_THROW(CheckPhotoId("a..b/..c.jpg"));
}

TEST(PhotoSource, WrongPaths) {
  EXPECT_THAT(MessageOf([] { OpenPhotoSource("/nonexistent/photos"); }), HasSubstr("no such folder or tar"));
  const TemporaryFolder folder;
  EXPECT_THAT(MessageOf([&] { OpenPhotoSource(folder.Write("a.csv", "IMG_ID,LAT,LON\n")); }),
              HasSubstr("not a tar archive"));
}

TEST(PhotoSource, RealTar) {
  SHARED_PATH_OR_SKIP(samples, "data/tar_samples");
  const auto source = OpenPhotoSource(samples / "compressed.tar");
  EXPECT_EQ(source->Read("compressed/0001.txt.gz").size(), 35U);
  EXPECT_EQ(source->Name("compressed/0001.txt.gz"), (samples / "compressed.tar").string() + ":compressed/0001.txt.gz");
  EXPECT_THAT(MessageOf([&] { source->Read("x.jpg"); }),
              AllOf(HasSubstr("compressed.tar:x.jpg"), HasSubstr("no such")));
  EXPECT_THAT(MessageOf([&] { OpenPhotoSource(samples / "sample.tgz"); }),
              AllOf(HasSubstr("sample.tgz"), HasSubstr("gzip"), HasSubstr("unpack")));
}

}  // namespace
}  // namespace dualgeo
