#include "data/photo_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "tests/support/shared_data.h"
#include "tests/support/stored_zip.h"
#include "tests/support/temporary_folder.h"
#include "util/read_file.h"

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

// Shards of WebDataset, each with photos and their other files: photos00.tar has 0 and 1.
class PhotoShards : public ::testing::Test {
 protected:
  PhotoShards() {
    for (int i = 0; i < 6; ++i) {
      const std::string key = "in/00000" + std::to_string(i);
      folder_.Write(key + ".jpg", "photo " + std::to_string(i));
      folder_.Write(key + ".json", "{}");
    }
    folder_.Write("in/000005.png", "second");
    for (int i = 0; i < 3; ++i) {
      const std::string first = std::to_string(2 * i), second = std::to_string(2 * i + 1);
      Pack("s-0" + std::to_string(i) + ".tar",
           "00000" + first + ".jpg 00000" + first + ".json 00000" + second + ".jpg 00000" + second + ".json");
    }
  }

  void Pack(const std::string& tar, const std::string& members) const {
    ASSERT_EQ(std::system(
                  ("tar -C " + (folder_ / "in").string() + " -cf " + (folder_ / tar).string() + " " + members).c_str()),
              0);
  }
  std::string At(const std::string& text) const { return (folder_ / text).string(); }
  // What is said at opening.
  static std::string WarningsOf(const std::string& places) {
    std::ostringstream said;
    const auto before = spdlog::default_logger();
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(said)));
    OpenPhotoSource(places);
    spdlog::set_default_logger(before);
    return said.str();
  }

  TemporaryFolder folder_;
};

TEST_F(PhotoShards, AreReadByNameAndByKey) {
  for (const std::string& places : {At("s-{00..02}.tar"), At("s-*.tar"), At("s-01.tar") + ", " + At("s-{02,00}.tar")}) {
    const auto source = OpenPhotoSource(places);
    for (int i = 0; i < 6; ++i) {
      const std::string key = "00000" + std::to_string(i), photo = "photo " + std::to_string(i);
      EXPECT_EQ(source->Read(key + ".jpg"), photo) << places;
      EXPECT_EQ(source->Read(key), photo);
      EXPECT_TRUE(source->Has(key));
      EXPECT_THAT(source->Name(key), HasSubstr("s-0" + std::to_string(i / 2) + ".tar:" + key + ".jpg"));
      EXPECT_TRUE(source->LastChange(key));
    }
    EXPECT_FALSE(source->Has("000006"));
    EXPECT_FALSE(source->LastChange("000006"));
    EXPECT_THAT(MessageOf([&] { source->Read("000006.jpg"); }), HasSubstr("000006.jpg: no such photo in any of the 3"));
    EXPECT_THAT(MessageOf([&] { source->Read("x/000004.jpg"); }), HasSubstr("; 000004.jpg is there"));
    EXPECT_THAT(MessageOf([&] { source->Read("../a"); }), HasSubstr("photo id"));
  }
}

TEST_F(PhotoShards, StandBesideFoldersAndZips) {
  folder_.Write("more/000001.jpg", "the folder's");
  folder_.Write("more/here.jpg", "here");
  folder_.Write("z.zip", StoredZip({{"zipped.jpg", "zipped"}, {"000001.jpg", "the zip's"}}));
  const std::string shards = At("s-{00..02}.tar"), more = At("more"), zip = At("z.zip");
  const auto read = [](const std::string& places, const std::string& id) { return OpenPhotoSource(places)->Read(id); };
  EXPECT_EQ(read(shards + "," + more + "," + zip, "000001.jpg"), "photo 1");
  EXPECT_EQ(read(more + "," + zip + "," + shards, "000001.jpg"), "the folder's");
  EXPECT_EQ(read(zip + "," + more + "," + shards, "000001"), "the zip's");
  for (const char* id : {"here", "here.jpg"}) EXPECT_EQ(read(shards + "," + zip + "," + more, id), "here");
  EXPECT_EQ(read(shards + "," + zip + "," + more, "zipped"), "zipped");
}

TEST_F(PhotoShards, RepeatedNamesAreSaidOnce) {
  EXPECT_EQ(WarningsOf(At("s-{00..02}.tar")), "");
  Pack("s-03.tar", "000001.jpg 000002.jpg");
  Pack("s-04.tar", "000002.jpg");
  ASSERT_EQ(std::system(("tar -C " + At("in") + " -rf " + At("s-04.tar") + " 000002.jpg").c_str()), 0);
  const std::string said = WarningsOf(At("s-{00..04}.tar"));
  EXPECT_THAT(said, AllOf(HasSubstr("s-04.tar: 1 names of members occur more than once, 000002.jpg for one; the last"),
                          HasSubstr("2 names are in more than one of its archives, 00000"),
                          HasSubstr("the first archive's is read")));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2);
}

TEST_F(PhotoShards, AMissingOrWrongOneIsNamed) {
  const auto error = [&](const std::string& places) { return MessageOf([&] { OpenPhotoSource(places); }); };
  EXPECT_THAT(error(At("s-{00..03}.tar")),
              AllOf(HasSubstr("s-03.tar: no such"), HasSubstr("one of the 4 places"), HasSubstr("s-{00..03}.tar")));
  EXPECT_THAT(error(At("none-*.tar")), HasSubstr("none-*.tar: no file has such a name"));
  const std::string whole = ReadFile(folder_ / "s-01.tar");
  folder_.Write("s-01.tar", whole.substr(0, 515));
  EXPECT_THAT(error(At("s-{00..02}.tar")), AllOf(HasSubstr("s-01.tar: truncated tar archive"), HasSubstr("byte 0")));
  folder_.Write("s-01.tar", "\x1f\x8b" + std::string(2000, '\x01'));
  EXPECT_THAT(error(At("s-{01..02}.tar")), AllOf(HasSubstr("s-01.tar"), HasSubstr("gzip"), HasSubstr("unpack")));
  EXPECT_THAT(error(At("s-{00..01}.tar")), AllOf(HasSubstr("s-01.tar: "), HasSubstr("not a part of the tar")));
}

// A photo cut through by the end of a part, one that ends with it.
TEST_F(PhotoShards, PartsOfATarStandBesideOtherPlaces) {
  const std::string whole = ReadFile(folder_ / "s-00.tar");
  for (const std::size_t cut : {std::size_t{515}, std::size_t{1024}}) {
    folder_.Write("p.tar.00", whole.substr(0, cut));
    folder_.Write("p.tar.01", whole.substr(cut));
    for (const std::string& places :
         {At("p.tar.*"), At("s-02.tar") + "," + At("p.tar.{00,01}") + "," + At("s-01.tar")}) {
      const auto source = OpenPhotoSource(places);
      EXPECT_EQ(source->Read("000000.jpg"), "photo 0") << cut;
      EXPECT_EQ(source->Read("000001.jpg"), "photo 1") << cut;
    }
  }
  folder_.Write("p.tar.01", whole.substr(515));
  EXPECT_THAT(MessageOf([&] { OpenPhotoSource(At("p.tar.01")); }), HasSubstr("p.tar.01: "));
  folder_.Write("p.tar.00", whole.substr(0, 515));
  EXPECT_THAT(MessageOf([&] { OpenPhotoSource(At("p.tar.00")); }),
              AllOf(HasSubstr("p.tar.00: truncated tar archive"), HasSubstr("named together, as p.tar.*")));
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
