// Indexes that are built within a memory budget. (What they take in memory: tests/tools/gallery_store_test.cpp.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <limits>

#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/gallery/index.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "gallery/descriptor.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

VectorBlocks BlocksOf(const Matrix& vectors) {
  return {vectors.rows, vectors.columns, [&vectors](std::int64_t first, std::int64_t count) {
            Matrix block(count, vectors.columns);
            std::copy_n(vectors.Row(first).begin(), block.values.size(), block.values.begin());
            return block;
          }};
}

constexpr double kRoomyGb = 40;

Matrix ManyVectors(std::int64_t count) {
  Matrix vectors(count, 16);
  std::uint32_t state = 1;
  for (float& value : vectors.values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) * 0x1p-23F - 1;
  }
  return vectors;
}

class StreamedIndex : public ::testing::TestWithParam<const char*> {};

TEST_P(StreamedIndex, IsTheFileOfABuildInMemory) {
  const TemporaryFolder folder;
  for (const char* metric : {"inner_product", "l2"}) {
    const Matrix vectors = RandomMatrix(3000, 16, 1);
    VectorIndex::Build(vectors, GetParam(), metric).Write(folder / "whole");
    StreamedBuild build;
    build.memory_gb = kRoomyGb;
    build.keep.stem = folder / "g";
    const auto kept = VectorIndex::BuildFile(BlocksOf(vectors), GetParam(), metric, build, folder / "streamed");
    VectorIndex::RemoveKept(kept);
    EXPECT_EQ(ReadFile(folder / "whole"), ReadFile(folder / "streamed")) << GetParam() << " " << metric;
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);
  }
}

// Of IVF8,Flat FAISS itself would draw 2048 of the 3000 vectors.
INSTANTIATE_TEST_SUITE_P(Kinds, StreamedIndex,
                         ::testing::Values("flat", "IVF8,Flat", "IVF16,Flat", "IVF2000,Flat", "IVF16,SQ8",
                                           "IVF16,PQ4x4np", "IVF16_HNSW4,Flat", "PCA8,IVF16,Flat", "SQ8", "PQ4x4np",
                                           "HNSW8", "IVF16,PQ4x4np,RFlat"));

// Lists are laid aside in parts after each block. (For want of memory: tests/tools/gallery_store_test.cpp.)
class IndexParts : public ::testing::Test {
 protected:
  IndexParts() {
    build_.memory_gb = kRoomyGb;
    build_.keep.interval = std::chrono::seconds(0);
    build_.made_from = "these";
    build_.keep.stem = folder_ / "g";
  }
  TemporaryFolder folder_;
  StreamedBuild build_;
};

TEST_F(IndexParts, AreJoinedIntoTheFileOfABuildInMemory) {
  const Matrix vectors = ManyVectors(150000);  // ten blocks
  VectorIndex::Build(vectors, "IVF8,Flat", "inner_product").Write(folder_ / "whole");
  const auto kept =
      VectorIndex::BuildFile(BlocksOf(vectors), "IVF8,Flat", "inner_product", build_, folder_ / "streamed");
  EXPECT_EQ(kept, folder_ / "g.index-parts");
  EXPECT_EQ(std::distance(fs::directory_iterator(kept), {}), 11) << "parts and their record";
  EXPECT_EQ(ReadFile(folder_ / "whole"), ReadFile(folder_ / "streamed"));
  // All of it was done before.
  fs::remove(folder_ / "streamed");
  VectorIndex::BuildFile(BlocksOf(vectors), "IVF8,Flat", "inner_product", build_, folder_ / "streamed");
  EXPECT_EQ(ReadFile(folder_ / "whole"), ReadFile(folder_ / "streamed"));
  // Of other vectors: set aside.
  build_.made_from = "others";
  VectorIndex::BuildFile(BlocksOf(vectors), "IVF8,Flat", "inner_product", build_, folder_ / "streamed");
  EXPECT_TRUE(fs::exists(folder_ / "g.index-parts.old-1"));
  VectorIndex::RemoveKept(kept);
  EXPECT_FALSE(fs::exists(kept));
}

TEST_F(IndexParts, AKilledBuildGoesOnFromThemAndGivesTheSameBytes) {
  SetIndexThreads(1);
  const Matrix vectors = ManyVectors(600000);
  const auto parts = [&] {
    std::int64_t count = 0;
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder_ / "g.index-parts", code)) {
      count += entry.path().filename().string().starts_with("part-") && !IsTemporary(entry.path());
    }
    return count;
  };
  VectorIndex::BuildFile(BlocksOf(vectors), "IVF8,Flat", "inner_product", build_, folder_ / "whole");
  VectorIndex::RemoveKept(folder_ / "g.index-parts");
  const pid_t child = fork();
  if (child == 0) {
    VectorIndex::BuildFile(BlocksOf(vectors), "IVF8,Flat", "inner_product", build_, folder_ / "resumed");
    _exit(0);
  }
  int status = 0;
  while (parts() == 0 && waitpid(child, &status, WNOHANG) == 0) usleep(1000);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  ASSERT_GE(parts(), 1);
  std::int64_t read = 0;
  const VectorBlocks all = BlocksOf(vectors);
  const VectorBlocks counted{all.rows, all.columns, [&](std::int64_t first, std::int64_t count) {
                               read += count;
                               return all.read(first, count);
                             }};
  VectorIndex::BuildFile(counted, "IVF8,Flat", "inner_product", build_, folder_ / "resumed");
  EXPECT_LT(read, 600000) << "neither drawn nor added again";
  EXPECT_EQ(ReadFile(folder_ / "whole"), ReadFile(folder_ / "resumed"));
}

TEST(StreamedBuild, SaysTheLeastThatWorks) {
  const TemporaryFolder folder;
  const Matrix vectors = RandomMatrix(3000, 16, 1);
  StreamedBuild build;
  build.memory_gb = 0.001;
  for (const char* factory : {"flat", "IVF16,Flat", "SQ8", "HNSW8"}) {
    std::string message;
    try {
      VectorIndex::BuildFile(BlocksOf(vectors), factory, "l2", build, folder / "i");
    } catch (const InputError& error) {
      message = error.what();
    }
    EXPECT_THAT(message, AllOf(HasSubstr("gallery.memory_gb: 0.001 is too little for 3000 vectors of 16 dimensions"),
                               HasSubstr("the least that works is ")));
    StreamedBuild told;
    told.memory_gb = std::stod(message.substr(message.rfind("is ") + 3));
    EXPECT_NO_THROW(VectorIndex::BuildFile(BlocksOf(vectors), factory, "l2", told, folder / "i")) << message;
  }
  // An index as large as this does not fit, however little else there is.
  const VectorBlocks many{std::int64_t{1} << 30, 1024, {}};
  build.memory_gb = 8;
  EXPECT_THAT([&] { VectorIndex::BuildFile(many, "SQ8", "l2", build, folder / "i"); },
              ThrowsMessage<InputError>(HasSubstr("the least that works is 1")));
}

TEST(StreamedBuild, KindsThatAreBuiltAsAWholeAreRefused) {
  const Matrix vectors = RandomMatrix(30, 16, 1);
  StreamedBuild build;
  build.memory_gb = kRoomyGb;
  EXPECT_THAT([&] { VectorIndex::BuildFile(BlocksOf(vectors), "classical", "l2", build, "i"); },
              ThrowsMessage<InputError>(HasSubstr("gallery.memory_gb: the index classical is built in memory")));
}

// A disk that is full.
TEST(StreamedBuild, ADiskThatIsFullIsSaidAndLeavesNothing) {
  SetIndexThreads(1);  // the child is forked: no other thread may hold a lock
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};
    setrlimit(RLIMIT_FSIZE, &limit);
    int bad = 0;
    const Matrix vectors = RandomMatrix(3000, 16, 1);
    StreamedBuild build;
    build.memory_gb = kRoomyGb;
    for (const char* factory : {"flat", "IVF16,Flat"}) {
      try {
        VectorIndex::BuildFile(BlocksOf(vectors), factory, "l2", build, folder / "i");
        ++bad;
      } catch (const InputError&) {
        ++bad;
      } catch (const Error& error) {
        if (std::string(error.what()).find("File too large") == std::string::npos) ++bad;
      }
    }
    _exit(bad);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

// ---- galleries ----

class StreamedGallery : public ::testing::Test {
 protected:
  StreamedGallery() : set_(RandomFeatures(300, 6, 1)), table_(TableOf(set_)) {
    for (std::size_t i = 0; i < set_.ids.size(); ++i) set_.photo_sha256.push_back(Sha256Bytes(std::to_string(i)));
    set_.photo_sha256[8] = set_.photo_sha256[20] = set_.photo_sha256[3];
    set_.features["image"].Row(7)[0] = 5;  // of any length
    set_.features["projected_image"] = RandomMatrix(300, 4, 9);
    WriteFeatures(folder_ / "f.safetensors", set_);
    options_.memory_gb = kRoomyGb;
  }
  void SameFiles(const std::string& a, const std::string& b) const {
    for (const char* name : {"index.faiss", "items.csv", "gallery.json"}) {
      EXPECT_EQ(ReadFile(folder_ / a / name), ReadFile(folder_ / b / name)) << name;
    }
  }
  TemporaryFolder folder_;
  FeatureSet set_;
  PhotoTable table_;
  GalleryOptions options_;
};

TEST_F(StreamedGallery, IsTheGalleryOfABuildInMemory) {
  for (const char* index : {"flat", "IVF4,Flat"}) {
    for (const char* duplicates : {"keep", "first", "drop"}) {
      options_.index = index;
      options_.duplicates = duplicates;
      BuildImageGallery(set_, table_, options_, folder_ / "whole");
      BuildGallery(folder_ / "f.safetensors", table_, options_, folder_ / "streamed");
      SameFiles("whole", "streamed");
    }
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 3) << "nothing else is left";
}

TEST_F(StreamedGallery, OfPoints) {
  FeatureSet points;
  points.kind = "gps";
  points.features["projected_gps"] = RandomMatrix(50, 8, 3);
  for (int i = 0; i < 50; ++i) {
    points.ids.push_back(std::to_string(i));
    points.locations.push_back({i - 25.0, 3.0 * i});
  }
  WriteFeatures(folder_ / "p.safetensors", points);
  options_.kind = "gps";
  BuildGpsGallery(points, options_, folder_ / "whole");
  BuildGallery(folder_ / "p.safetensors", {}, options_, folder_ / "streamed");
  SameFiles("whole", "streamed");
}

TEST_F(StreamedGallery, WhatIsMissingOrCutIsSaidInOneLine) {
  options_.features = {"segmentation"};
  EXPECT_THAT([&] { BuildGallery(folder_ / "f.safetensors", table_, options_, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("there is no feature segmentation; there are: fused_image, image")));
  options_.features = {"image"};
  options_.normalize = false;
  EXPECT_THAT([&] { BuildGallery(folder_ / "f.safetensors", table_, options_, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("no feature image_raw, which a gallery with normalize false")));
  options_.normalize = true;
  fs::resize_file(folder_ / "f.safetensors", fs::file_size(folder_ / "f.safetensors") - 1000);
  EXPECT_THAT([&] { BuildGallery(folder_ / "f.safetensors", table_, options_, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("f.safetensors")));
  EXPECT_THAT([&] { BuildGallery(folder_ / "none", table_, options_, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("none")));
  set_.features["image"].Row(200)[3] = std::numeric_limits<float>::infinity();
  WriteFeatures(folder_ / "f.safetensors", set_);
  EXPECT_THAT([&] { BuildGallery(folder_ / "f.safetensors", table_, options_, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("not finite, for id 'g200.jpg'")));
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

}  // namespace
}  // namespace dualgeo
