// What reading a photo costs, step by step: the target photos_bench, which is not built by default.
// scripts/bench/photos.sh builds and runs it.
//   photos_bench FOLDER exact|fast SIZE   every JPEG of the folder, once to warm up and three times: "decode 3.31" and
//   so
//                                         on, the least CPU milliseconds a photo on one thread; "crops CRC", of the
//                                         bytes
//   photos_bench make-tar FILE COUNT      a tar of COUNT empty members with names as MP-16's
//   photos_bench open-tar FILE COUNT      opens it and reads 10,000 members by name at random; time and peak memory
#include <sys/resource.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "data/photo.h"
#include "data/photo_source.h"
#include "data/preprocess.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

double Milliseconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

void MeasurePhotos(const std::string& folder, bool fast, int size) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> photos;
  for (const auto& path : paths) photos.push_back(ReadFile(path));
  ViewOptions view;
  view.image_size = size;
  view.with_masks = false;
  view.fast_decoding = fast;
  std::array<double, 3> least = {1e9, 1e9, 1e9};
  uLong crc = 0;
  for (int round = 0; round < 4; ++round) {
    std::array<double, 3> sums = {};
    crc = 0;
    for (std::size_t i = 0; i < photos.size(); ++i) {
      const double start = Milliseconds();
      const auto [photo, photo_size] = DecodePhoto(photos[i], paths[i].string(), {LeastSide(view, /*training=*/false)});
      const double decoded = Milliseconds();
      const Prepared prepared = Prepare(photo, {}, view, /*training=*/false, photo_size);
      const double resized = Milliseconds();
      const Example example = Complete(prepared, view, {}, nullptr);
      sums[0] += decoded - start;
      sums[1] += resized - decoded;
      sums[2] += Milliseconds() - resized;
      crc = crc32(crc, prepared.photo.data, static_cast<uInt>(prepared.photo.total() * 3));
    }
    for (std::size_t s = 0; s < 3 && round > 0; ++s) {
      least[s] = std::min(least[s], sums[s] / static_cast<double>(photos.size()));
    }
  }
  std::printf("decode %.3f\nresize %.3f\ntensor %.3f\ncrops %08lx\n", least[0], least[1], least[2], crc);
}

// "1f/a3/0123456789.jpg", all different, in the order of no folder.
std::string MemberOfTar(std::uint64_t i) {
  const std::uint64_t mixed = i * 0x9E3779B97F4A7C15U;
  char name[40];
  std::snprintf(name, sizeof name, "%02x/%02x/%010llu.jpg", static_cast<unsigned>(mixed >> 56),
                static_cast<unsigned>(mixed >> 48 & 0xFF), static_cast<unsigned long long>(i));
  return name;
}

void MakeTar(const std::string& path, std::uint64_t count) {
  std::ofstream out(path, std::ios::binary);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string header(512, '\0');
    const std::string name = MemberOfTar(i);
    header.replace(0, name.size(), name);
    header.replace(100, 7, "0000644");
    header.replace(124, 11, "00000000000");
    header[156] = '0';
    header.replace(257, 8, std::string("ustar\00000", 8));
    header.replace(148, 8, 8, ' ');
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    char digits[16];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    header.replace(148, 7, std::string(digits, 7));
    out << header;
  }
  out << std::string(1024, '\0');
}

void OpenTar(const std::string& path, std::uint64_t count) {
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const auto source = OpenPhotoSource(path);
  const double opened = seconds();
  for (std::uint64_t i = 0; i < 10'000; ++i) source->Read(MemberOfTar(i * 7'919'777 % count));
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("opened in %.2f s, 10,000 members read in %.3f s, peak %ld MB\n", opened, seconds() - opened,
              usage.ru_maxrss / 1024);
}

}  // namespace
}  // namespace dualgeo

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string what = argv[1];
  const auto tar = what == "make-tar" ? dualgeo::MakeTar : what == "open-tar" ? dualgeo::OpenTar : nullptr;
  if (tar != nullptr) {
    tar(argv[2], std::strtoull(argv[3], nullptr, 10));
    return 0;
  }
  dualgeo::MeasurePhotos(argv[1], std::string(argv[2]) == "fast", std::atoi(argv[3]));
}
