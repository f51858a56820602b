#include "dualgeo/data/photo_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "dualgeo/util/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/stored_zip.h"
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

// One file under several names that tables give it; the message says which is there.
TEST(PhotoSource, TheErrorNamesTheFileThatIsThere) {
  const TemporaryFolder folder;
  folder.Write("photos/city/a.jpg", "bytes");
  folder.Write("photos/ff/ea/5966.jpg", "bytes");
  folder.Write("photos/Cafe\xCC\x81.jpg", "bytes");
  folder.Write("photos.zip",
               StoredZip({{"city/a.jpg", "bytes"}, {"ff/ea/5966.jpg", "bytes"}, {"Cafe\xCC\x81.jpg", "bytes"}}));
  ASSERT_EQ(std::system(("tar -cf " + (folder / "photos.tar").string() + " -C " + (folder / "photos").string() +
                         " city ff Cafe\xCC\x81.jpg")
                            .c_str()),
            0);
  for (const char* where : {"photos", "photos.tar", "photos.zip"}) {
    const auto source = OpenPhotoSource(folder / where);
    const auto error = [&](const std::string& id) { return MessageOf([&] { source->Read(id); }); };
    for (const char* id : {"city\\a.jpg", "C:\\photos\\city\\a.jpg", "city/a.JPG", "city/a", "city/a.jpeg", "a.jpg",
                           "train/city/a.jpg", "/home/me/photos/city/a.jpg", "../city/a.jpg"}) {
      EXPECT_THAT(error(id), HasSubstr("; city/a.jpg is there")) << where;
    }
    EXPECT_THAT(error("ff_ea_5966.jpg"), HasSubstr("; ff/ea/5966.jpg is there"));
    EXPECT_THAT(error("Caf\xC3\xA9.jpg"), HasSubstr("another Unicode form"));
    EXPECT_THAT(error("b.jpg"), AllOf(HasSubstr("no such"), ::testing::Not(HasSubstr("is there"))));
    EXPECT_EQ(source->Read("city/a.jpg"), "bytes");
  }
}

TEST(PhotoSource, Zip) {
  const TemporaryFolder folder;
  folder.Write("in/city/a.jpg", std::string(100000, 'a') + "end");
  ASSERT_EQ(std::system(("cd " + (folder / "in").string() +
                         " && python3 -c \"import zipfile; z = zipfile.ZipFile('../deflated.ZIP', 'w', "
                         "zipfile.ZIP_DEFLATED); z.write('city'); z.write('city/a.jpg')\"")
                            .c_str()),
            0);
  const auto source = OpenPhotoSource(folder / "deflated.ZIP");
  EXPECT_EQ(source->Read("city/a.jpg"), std::string(100000, 'a') + "end");
  EXPECT_TRUE(source->Has("city/a.jpg"));
  EXPECT_FALSE(source->Has("a.jpg"));
  EXPECT_THAT(MessageOf([&] { source->Read("a.jpg"); }), HasSubstr("deflated.ZIP:a.jpg: no such member"));
  std::string damaged = StoredZip({{"a.jpg", "bytes"}});
  damaged[damaged.find("bytes")] = 'B';
  const auto bad = OpenPhotoSource(folder.Write("bad.zip", damaged));
  EXPECT_THAT(MessageOf([&] { bad->Read("a.jpg"); }), HasSubstr("bad.zip:a.jpg: damaged: wrong checksum"));
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
