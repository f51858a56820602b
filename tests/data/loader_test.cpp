#include "data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <thread>
#include <vector>

#include "data/mask.h"
#include "dualgeo/util/error.h"
#include "src/data/memory_budget.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_descriptors.h"
#include "util/atomic_file.h"
#include "util/parallel.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Photos i.jpg with masks of class i, and their table. Photo 3 has no location.
class Photos {
 public:
  explicit Photos(int count, cv::Size size = {60, 40}) {
    table_.path = folder_ / "photos.csv";
    std::filesystem::create_directories(folder_ / "images");
    cv::RNG noise(1);
    for (int i = 0; i < count; ++i) {
      cv::Mat photo(size / 8, CV_8UC3);
      noise.fill(photo, cv::RNG::UNIFORM, 0, 256);
      cv::resize(photo, photo, size, 0, 0, cv::INTER_CUBIC);
      const std::string name = std::to_string(i);
      cv::imwrite((folder_ / ("images/" + name + ".jpg")).string(), photo, {cv::IMWRITE_JPEG_QUALITY, 90});
      std::vector<unsigned char> png;
      cv::imencode(".png", cv::Mat(size, CV_8UC1, cv::Scalar(i % 150)), png);
      folder_.Write("masks/" + name + ".png", {png.begin(), png.end()});
      PhotoRow row;
      row.id = name + ".jpg";
      if (i != 3) row.location = LatLon{i * 0.25, -i * 0.5};
      table_.rows.push_back(row);
    }
    view_.image_size = 32;
    view_.mask_size = 16;
  }

  PhotoDataset Dataset() const { return {table_, folder_ / "images", folder_ / "masks", view_}; }
  ViewOptions& view() { return view_; }
  std::filesystem::path Image(int i) const { return folder_ / ("images/" + std::to_string(i) + ".jpg"); }
  std::filesystem::path Mask(int i) const { return folder_ / ("masks/" + std::to_string(i) + ".png"); }
  PhotoTable& table() { return table_; }

 private:
  TemporaryFolder folder_;
  PhotoTable table_;
  ViewOptions view_;
};

std::vector<std::int64_t> Order(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

LoaderOptions Options(int workers, int prefetch = 2, const std::string& on_bad_image = "error",
                      std::int64_t cache_megabytes = 0) {
  LoaderOptions options;
  options.workers = workers;
  options.prefetch = prefetch;
  options.on_bad_image = on_bad_image;
  options.cache_megabytes = cache_megabytes;
  return options;
}

std::vector<Batch> All(Loader& loader) {
  std::vector<Batch> batches;
  while (auto batch = loader.Next()) batches.push_back(std::move(*batch));
  EXPECT_FALSE(loader.Next().has_value());
  return batches;
}

std::string ErrorOf(Loader& loader) {
  try {
    while (loader.Next()) {
    }
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Loader, BatchesInOrder) {
  Photos photos(10);
  const auto dataset = photos.Dataset();
  Loader loader(dataset, {9, 0, 3, 4, 1}, 2, false, Options(3), std::nullopt);
  EXPECT_EQ(loader.batches(), 3);
  const auto batches = All(loader);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_THAT(batches[0].indices, ElementsAre(9, 0));
  EXPECT_THAT(batches[2].indices, ElementsAre(1));
  EXPECT_EQ(batches[0].pixels.sizes(), (std::vector<std::int64_t>{2, 3, 32, 32}));
  EXPECT_EQ(batches[2].mask.sizes(), (std::vector<std::int64_t>{1, 16, 16}));
  EXPECT_TRUE((batches[0].mask[0] == 9).all().item<bool>());
  EXPECT_EQ(batches[0].latlon[0][0].item<double>(), 2.25);
  EXPECT_EQ(batches[0].latlon[0][1].item<double>(), -4.5);
  EXPECT_TRUE(std::isnan(batches[1].latlon[0][0].item<double>()));
  EXPECT_EQ(batches[0].photo_sizes[0], cv::Size(60, 40));
  EXPECT_TRUE(torch::equal(batches[1].pixels[1], dataset.Get(4).pixels));

  Loader full(dataset, Order(5), 2, true, Options(1), std::nullopt);
  EXPECT_EQ(All(full).size(), 2U);
  Loader none(dataset, {}, 2, false, Options(0), std::nullopt);
  EXPECT_FALSE(none.Next().has_value());
}

// A GPU normalises them itself; here the CPU stands for it, so that all but the copy is run everywhere.
TEST(Loader, BytesBecomeTheSamePixels) {
  Photos photos(7);
  const auto numbers = photos.Dataset();
  photos.view().as_bytes = true;
  photos.view().normalization = kImageNetNormalization;
  const auto bytes = photos.Dataset();
  std::vector<torch::Device> devices = {torch::kCPU};
  if (torch::cuda::is_available()) devices.emplace_back(torch::kCUDA);
  for (const auto& device : devices) {
    Loader loader(bytes, Order(7), 3, false, Options(2), std::nullopt);
    std::int64_t photo = 0;
    while (auto batch = loader.Next()) {
      EXPECT_EQ(batch->pixels.scalar_type(), torch::kUInt8);
      EXPECT_EQ(batch->pixels.is_pinned(), torch::cuda::is_available());
      MoveTo(device, *batch);
      EXPECT_EQ(batch->pixels.device().type(), device.type());
      EXPECT_TRUE(batch->latlon.is_cpu());
      for (std::int64_t i = 0; i < batch->pixels.size(0); ++i, ++photo) {
        const auto own = numbers.Get(photo);
        const auto back = batch->pixels[i].cpu() * torch::tensor({.229F, .224F, .225F}).view({3, 1, 1}) +
                          torch::tensor({.485F, .456F, .406F}).view({3, 1, 1});
        const auto expected = own.pixels * torch::tensor({.26862954F, .26130258F, .27577711F}).view({3, 1, 1}) +
                              torch::tensor({.48145466F, .4578275F, .40821073F}).view({3, 1, 1});
        EXPECT_LE((back - expected).abs().max().item<float>(), 1e-5) << photo;
        EXPECT_TRUE(torch::equal(batch->mask[i].cpu(), own.mask)) << photo;
      }
    }
    EXPECT_EQ(photo, 7);
  }
}

TEST(Loader, SameBatchesWhateverWorkersPrefetchAndCache) {
  Photos photos(23);
  const auto plain = photos.Dataset();
  Loader reference(plain, Order(23), 4, false, Options(1, 1), 77);
  const auto expected = All(reference);
  const auto cached = photos.Dataset();
  for (const int workers : {1, 2, 5, 16}) {
    for (const auto* dataset : {&plain, &cached}) {
      Loader loader(*dataset, Order(23), 4, false, Options(workers, workers, "error", dataset == &cached ? 64 : 0), 77);
      const auto batches = All(loader);
      ASSERT_EQ(batches.size(), expected.size());
      for (std::size_t i = 0; i < batches.size(); ++i) {
        EXPECT_EQ(batches[i].indices, expected[i].indices);
        EXPECT_TRUE(torch::equal(batches[i].pixels, expected[i].pixels));
        EXPECT_TRUE(torch::equal(batches[i].mask, expected[i].mask));
      }
    }
  }
  Loader other(plain, Order(23), 4, false, Options(2), 78);
  EXPECT_FALSE(torch::equal(All(other)[0].pixels, expected[0].pixels));
}

TEST(Loader, CachedPhotosAreNotReadAgain) {
  Photos photos(4);
  const auto dataset = photos.Dataset();
  Loader first(dataset, Order(4), 4, false, Options(2, 2, "error", 64), std::nullopt);
  const auto before = All(first);
  for (int i = 0; i < 4; ++i) std::filesystem::remove(photos.Image(i));
  Loader second(dataset, Order(4), 4, false, Options(2, 2, "error", 64), std::nullopt);
  EXPECT_TRUE(torch::equal(All(second)[0].pixels, before[0].pixels));
}

TEST(Loader, BadPhotosEndTheRunByName) {
  Photos photos(6);
  WriteFileAtomically(photos.Image(2), "");
  const std::string whole = ReadFile(photos.Image(4));
  WriteFileAtomically(photos.Image(4), whole.substr(0, whole.size() / 2));
  const auto dataset = photos.Dataset();
  for (const int workers : {1, 4}) {
    Loader loader(dataset, Order(6), 3, false, Options(workers), std::nullopt);
    EXPECT_THAT(ErrorOf(loader), AllOf(HasSubstr("images/2.jpg"), HasSubstr("empty file")));
  }
  Loader truncated(dataset, {4}, 1, false, Options(1), std::nullopt);
  EXPECT_THAT(ErrorOf(truncated), AllOf(HasSubstr("images/4.jpg"), HasSubstr("truncated")));
}

TEST(Loader, BadMasksEndTheRunByName) {
  Photos photos(5);
  std::filesystem::remove(photos.Mask(0));
  WriteMask(photos.Mask(1), cv::Mat(20, 60, CV_8UC1, cv::Scalar(1)));
  WriteMask(photos.Mask(2), cv::Mat(40, 60, CV_8UC1, cv::Scalar(200)));
  const auto dataset = photos.Dataset();
  const auto error_of = [&](std::int64_t index) {
    Loader loader(dataset, {index}, 1, false, Options(1), std::nullopt);
    return ErrorOf(loader);
  };
  EXPECT_THAT(error_of(0), AllOf(HasSubstr("masks/0.png"), HasSubstr("no such file")));
  EXPECT_THAT(error_of(1), AllOf(HasSubstr("masks/1.png"), HasSubstr("60 x 20"), HasSubstr("60 x 40")));
  EXPECT_THAT(error_of(2), AllOf(HasSubstr("masks/2.png"), HasSubstr("class 200")));
  photos.view().with_masks = false;
  const auto images = photos.Dataset();
  Loader loader(images, Order(5), 5, false, Options(2), std::nullopt);
  const auto batches = All(loader);
  EXPECT_FALSE(batches[0].mask.defined());
}

TEST(Loader, SkippedAreCountedAndListed) {
  Photos photos(9);
  WriteFileAtomically(photos.Image(1), "text");
  for (int i = 3; i < 6; ++i) std::filesystem::remove(photos.Image(i));
  const auto dataset = photos.Dataset();
  for (const int workers : {1, 4}) {
    Loader loader(dataset, Order(9), 3, false, Options(workers, 2, "skip"), 5);
    const auto batches = All(loader);
    ASSERT_EQ(batches.size(), 2U);  // the second batch had nothing left
    EXPECT_THAT(batches[0].indices, ElementsAre(0, 2));
    EXPECT_EQ(batches[0].pixels.size(0), 2);
    EXPECT_EQ(batches[0].photo_sizes.size(), 2U);
    EXPECT_TRUE((batches[0].mask[1] == 2).all().item<bool>());
    EXPECT_EQ(batches[0].latlon[1][0].item<double>(), 0.5);
    EXPECT_THAT(batches[1].indices, ElementsAre(6, 7, 8));
    ASSERT_EQ(loader.skipped().size(), 4U);
    EXPECT_EQ(loader.skipped()[0].index, 1);
    EXPECT_EQ(loader.skipped()[0].id, "1.jpg");
    EXPECT_THAT(loader.skipped()[0].reason, HasSubstr("not a photo"));
  }
}

TEST(Loader, StopsAtAnyTime) {
  Photos photos(40);
  const auto dataset = photos.Dataset();
  for (int taken = 0; taken < 12; ++taken) {
    Loader loader(dataset, Order(40), 3, false, Options(4, 3), 1);
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(loader.Next().has_value());
  }
}

TEST(Loader, RefusesNonsense) {
  Photos photos(2);
  const auto dataset = photos.Dataset();
  EXPECT_THROW(Loader(dataset, Order(2), 0, false, Options(1), std::nullopt), Error);
  EXPECT_THROW(Loader(dataset, {2}, 1, false, Options(1), std::nullopt), Error);
}

TEST(Dataset, RefusesMissingFolders) {
  Photos photos(1);
  const auto images = photos.Image(0).parent_path();
  const auto masks = photos.Mask(0).parent_path();
  EXPECT_THROW(PhotoDataset(photos.table(), images / "none", masks, photos.view()), InputError);
  EXPECT_THROW(PhotoDataset(photos.table(), images, masks / "none", photos.view()), InputError);
  EXPECT_THROW(PhotoDataset(photos.table(), images, "", photos.view()), InputError);
}

// What a machine reads a second; no bar to pass, since machines differ.
TEST(Loader, ThroughputSlow) {
  for (const auto& [photo_size, image_size] : {std::pair(cv::Size(256, 256), 64), std::pair(cv::Size(512, 384), 224)}) {
    Photos photos(400, photo_size);
    photos.view().image_size = image_size;
    photos.view().mask_size = image_size;
    for (const bool augment : {false, true}) {
      const auto dataset = photos.Dataset();
      for (const char* pass : {"decoded", "cached"}) {
        Loader loader(dataset, Order(400), 32, false, Options(0, 4, "error", 1024),
                      augment ? std::optional<std::uint64_t>(1) : std::nullopt);
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_EQ(All(loader).size(), 13U);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        std::cout << photo_size << " -> " << image_size << (augment ? ", augmented, " : ", ") << pass << ": "
                  << std::lround(400 / seconds.count()) << " photos/s\n";
      }
    }
  }
}

// Of 26 MB each, so that only one is held ready: what is behind it is not read before it is taken.
TEST(Loader, HoldsNoMoreBatchesReadyThanTheirMemoryAllows) {
  Photos photos(8);
  photos.view().image_size = 1024;
  std::filesystem::remove(photos.Image(7));
  const auto dataset = photos.Dataset();
  LoaderOptions options = Options(4, 8);
  options.prefetch_megabytes = 30;
  Loader loader(dataset, Order(8), 2, false, options, std::nullopt);
  ASSERT_TRUE(loader.Next());  // the second batch may now be read, the fourth not
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  WriteFileAtomically(photos.Image(7), ReadFile(photos.Image(0)));
  std::filesystem::copy_file(photos.Mask(0), photos.Mask(7), std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(loader.Next());
  EXPECT_TRUE(loader.Next());
  EXPECT_TRUE(loader.Next());  // would fail if photo 7 had been looked for at the start
}

// Large photos wait for each other, one that is larger than the whole allowance is decoded alone, and the batches are
// those that are made without a limit.
TEST(Loader, DecodesWithinItsMemory) {
  Photos photos(12, {640, 480});  // 900 KB each
  const auto free = photos.Dataset();
  Loader reference(free, Order(12), 4, false, Options(6), 3);
  const auto expected = All(reference);
  for (const std::int64_t limit : {std::int64_t{1}, std::int64_t{2'000'000}}) {
    const auto limited = photos.Dataset();
    Loader loader(limited, Order(12), 4, false, Options(6), 3);
    limited.LimitDecoding(limit);
    const auto batches = All(loader);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(batches[i].pixels, expected[i].pixels));
  }
  const auto small = photos.Dataset();
  LoaderOptions options = Options(6);
  options.decode_megabytes = 2;
  Loader loader(small, Order(12), 4, false, options, 3);
  All(loader);
  EXPECT_GE(small.peak_decoding_bytes(), 640 * 480 * 3);
  EXPECT_LE(small.peak_decoding_bytes(), 2 << 20);
}

TEST(MemoryBudget, ThreadsShareIt) {
  MemoryBudget budget;
  budget.SetLimit(100);
  ForEachInParallel(200, 8, [&](std::size_t i) {
    const MemoryBudget::Share share(budget, i % 50 == 0 ? 1000 : 30);
    std::this_thread::yield();
  });
  EXPECT_EQ(budget.peak(), 1000);  // alone
  MemoryBudget other;
  other.SetLimit(100);
  ForEachInParallel(200, 8, [&](std::size_t) { const MemoryBudget::Share share(other, 30); });
  EXPECT_LE(other.peak(), 90);
}

// Fewer pixels of large photos: other features, but the same part of the scene, sizes and masks.
TEST(PhotoDataset, DecodesFast) {
  Photos photos(3, {1201, 801});
  photos.view().image_size = 32;
  photos.view().mask_size = 16;
  photos.view().fast_decoding = true;
  for (const Crops crops : {Crops::kOne, Crops::kTen}) {
    photos.view().crops = crops;
    const auto fast = photos.Dataset();
    photos.view().fast_decoding = false;
    const auto whole = photos.Dataset();
    photos.view().fast_decoding = true;
    for (int i = 0; i < 3; ++i) {
      const Example a = whole.Get(i), b = fast.Get(i);
      EXPECT_EQ(b.photo_size, cv::Size(1201, 801));
      EXPECT_EQ(b.pixels.sizes(), a.pixels.sizes());
      EXPECT_TRUE(torch::equal(b.mask, a.mask));
      EXPECT_FALSE(torch::equal(b.pixels, a.pixels));
      const auto apart = [](const Example& x, const Example& y) {
        return (x.pixels - y.pixels).abs().mean().item<double>();
      };
      EXPECT_LT(apart(b, a), apart(whole.Get((i + 1) % 3), a) / 3) << "much nearer than another photo's noise";
      Random first(7), second(7);
      const Example c = whole.Get(i, &first), d = fast.Get(i, &second);
      EXPECT_EQ(d.pixels.sizes(), c.pixels.sizes());
      EXPECT_EQ(d.photo_size, cv::Size(1201, 801));
    }
    EXPECT_LT(fast.peak_decoding_bytes(), whole.peak_decoding_bytes() / 3);
  }
}

// Neither photo nor mask is at fault: they are not skipped.
TEST(Loader, TooFewDescriptorsFailTheRun) {
  Photos photos(4);
  const PhotoDataset dataset = photos.Dataset();
  const Failure failure = WithoutDescriptors([&] {
    Loader loader(dataset, Order(4), 2, false, Options(1, 2, "skip"), std::nullopt);
    loader.Next();
  });
  EXPECT_EQ(failure.kind, "run");
  EXPECT_THAT(failure.message, HasSubstr("Too many open files"));
}

TEST(PhotoDataset, TakesMasksFromATarAndHashesPhotosWhenAsked) {
  Photos photos(3);
  const auto folder = photos.Mask(0).parent_path().parent_path();
  const std::string pack = "tar -cf " + (folder / "masks.tar").string() + " -C " + (folder / "masks").string() + " .";
  ASSERT_EQ(std::system(pack.c_str()), 0);
  const auto loose = photos.Dataset();
  PhotoDataset packed(photos.table(), folder / "images", folder / "masks.tar", photos.view());
  packed.HashPhotos();
  for (std::int64_t i = 0; i < 3; ++i) {
    const Example example = packed.Get(i);
    EXPECT_TRUE(torch::equal(example.mask, loose.Get(i).mask));
    EXPECT_EQ(example.photo_sha256, Sha256Bytes(ReadFile(photos.Image(static_cast<int>(i)))));
    EXPECT_EQ(loose.Get(i).photo_sha256, Sha256Digest());
    EXPECT_GE(*packed.LastChange(i), std::filesystem::last_write_time(folder / "masks.tar"));
  }
  photos.table().rows[1].id = "9.jpg";
  std::filesystem::copy_file(photos.Image(1), folder / "images" / "9.jpg");
  const PhotoDataset missing(photos.table(), folder / "images", folder / "masks.tar", photos.view());
  try {
    missing.Get(1);
    ADD_FAILURE() << "a mask that is not there";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("masks.tar:9.png"));
  }
}

}  // namespace
}  // namespace dualgeo
