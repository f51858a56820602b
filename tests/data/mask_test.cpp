#include "data/mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>
#include <string>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ErrorOf(const std::filesystem::path& path, int num_classes = 150) {
  ::testing::internal::CaptureStderr();
  std::string message = "no error";
  try {
    ReadMask(path, num_classes);
  } catch (const InputError& error) {
    message = error.what();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(message.find('\n'), std::string::npos);
  if (message != "no error") {
    EXPECT_THAT(message, HasSubstr(path.filename().string()));
  }
  return message;
}

TEST(Mask, WritesAndReadsEveryClass) {
  const TemporaryFolder folder;
  cv::Mat mask(10, 15, CV_8UC1);
  for (int i = 0; i < 150; ++i) mask.data[i] = static_cast<unsigned char>(i);
  mask.at<unsigned char>(9, 14) = kIgnoreClass;
  WriteMask(folder / "new/a.png", mask);
  const cv::Mat back = ReadMask(folder / "new/a.png", 150);
  ASSERT_EQ(back.type(), CV_8UC1);
  ASSERT_EQ(back.size(), mask.size());
  EXPECT_EQ(cv::norm(mask, back, cv::NORM_INF), 0);
}

TEST(Mask, UnknownClass) {
  const TemporaryFolder folder;
  cv::Mat mask(10, 15, CV_8UC1, cv::Scalar(3));
  mask.at<unsigned char>(7, 2) = 150;
  WriteMask(folder / "a.png", mask);
  EXPECT_THAT(ErrorOf(folder / "a.png"), AllOf(HasSubstr("class 150"), HasSubstr("column 2, row 7"), HasSubstr("149")));
  EXPECT_EQ(ErrorOf(folder / "a.png", 151), "no error");
}

TEST(Mask, WrongKindsOfFile) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const cv::Mat& image) {
    cv::imwrite((folder / name).string(), image);
    return folder / name;
  };
  EXPECT_THAT(ErrorOf(folder / "none.png"), HasSubstr("no such file"));
  EXPECT_THAT(ErrorOf(folder.Write("empty.png", "")), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf(folder.Write("text.png", "text")), HasSubstr("not a PNG"));
  EXPECT_THAT(ErrorOf(write("a.jpg", cv::Mat(4, 4, CV_8UC1, cv::Scalar(1)))), HasSubstr("not a PNG"));
  EXPECT_THAT(ErrorOf(write("rgb.png", cv::Mat(4, 4, CV_8UC3, cv::Scalar(1)))), HasSubstr("8-bit RGB PNG"));
  EXPECT_THAT(ErrorOf(write("16.png", cv::Mat(4, 4, CV_16UC1, cv::Scalar(1)))), HasSubstr("16-bit grey PNG"));
  const auto good = write("good.png", cv::Mat(40, 40, CV_8UC1, cv::Scalar(1)));
  ASSERT_EQ(ErrorOf(good), "no error");
  const std::string bytes = ReadFile(good);
  EXPECT_THAT(ErrorOf(folder.Write("short.png", bytes.substr(0, bytes.size() - 20))), HasSubstr("truncated PNG"));
}

TEST(Mask, WrongSizeNamesBoth) {
  const cv::Mat mask(10, 20, CV_8UC1);
  const cv::Mat photo(30, 40, CV_8UC3);
  try {
    CheckMaskSize(mask, "m/a.png", photo.size(), "p/a.jpg");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("m/a.png"), HasSubstr("20 x 10"), HasSubstr("p/a.jpg has 40 x 30")));
  }
}

TEST(Mask, Path) {
  EXPECT_EQ(MaskPath("masks", "a/b.c.jpg"), "masks/a/b.c.png");
  EXPECT_EQ(MaskPath("masks", "a/b"), "masks/a/b.png");
  EXPECT_THROW(MaskPath("masks", "../a.jpg"), InputError);
}

TEST(Mask, WriteRefusesOtherTypes) {
  const TemporaryFolder folder;
  EXPECT_THROW(WriteMask(folder / "a.png", cv::Mat(2, 2, CV_8UC3)), InputError);
}

TEST(Mask, IsWholeWhenEveryChunkIs) {
  const TemporaryFolder folder;
  WriteMask(folder / "a.png", cv::Mat(30, 40, CV_8UC1, cv::Scalar(7)));
  EXPECT_TRUE(IsWholeMask(folder / "a.png"));
  const std::string bytes = ReadFile(folder / "a.png");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(IsWholeMask(folder.Write("b.png", bytes.substr(0, size)))) << size;
  }
  // What a power cut may leave of a file that was never synced.
  EXPECT_FALSE(IsWholeMask(folder.Write("b.png", std::string(bytes.size(), '\0'))));
  EXPECT_FALSE(IsWholeMask(folder.Write("b.png", bytes.substr(0, 60) + std::string(bytes.size() - 60, '\0'))));
  EXPECT_FALSE(IsWholeMask(folder / "absent.png"));
  EXPECT_FALSE(IsWholeMask(folder.path()));
}

}  // namespace
}  // namespace dualgeo
