// Micro-benchmarks (Google Benchmark) of what is called most: the loader, attention, re-ranking, tables. The target
// micro_bench, which is not built by default; scripts/bench/micro.sh builds and runs it and compares with its baseline.
#include <benchmark/benchmark.h>

#include <cmath>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "cpu_kernels.h"
#include "data/loader.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/util/random.h"
#include "io/csv.h"
#include "refine/reranker.h"
#include "runtime/runtime.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

// A folder for one benchmark's files.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("dualgeo-micro-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Scratch() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// What the others are divided by, so that processors can be compared: arithmetic that no change of ours touches.
void Calibration(benchmark::State& state) {
  for (auto _ : state) {
    double x = 0.5;
    for (int i = 0; i < 1'000'000; ++i) x = 3.7 * x * (1 - x);
    benchmark::DoNotOptimize(x);
  }
}
BENCHMARK(Calibration)->Unit(benchmark::kMillisecond);

void LoadPhotos(benchmark::State& state) {
  const Scratch scratch;
  fs::create_directories(scratch / "images");
  std::string table = "IMG_ID,LAT,LON\n";
  for (int i = 0; i < 16; ++i) {
    cv::Mat photo(96, 128, CV_8UC3), noise(768, 1024, CV_8UC3);
    cv::randu(photo, 0, 230);
    cv::randu(noise, 0, 25);
    cv::resize(photo, photo, {1024, 768}, 0, 0, cv::INTER_CUBIC);
    photo += noise;
    const std::string name = "p" + std::to_string(i) + ".jpg";
    cv::imwrite((scratch / "images" / name).string(), photo);
    table += name + ",1,2\n";
  }
  WriteFileAtomically(scratch / "photos.csv", table);
  ViewOptions view;
  view.with_masks = false;
  const PhotoDataset dataset(ReadPhotoTable(scratch / "photos.csv"), scratch / "images", {}, view);
  LoaderOptions options;
  options.workers = 1;
  options.cache_megabytes = 0;
  for (auto _ : state) {
    Loader loader(dataset, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 8, false, options, std::nullopt);
    std::int64_t photos = 0;
    while (const auto batch = loader.Next()) photos += batch->pixels.size(0);
    if (photos != dataset.size()) state.SkipWithError("not all photos came");
  }
}
BENCHMARK(LoadPhotos)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

void Attention(benchmark::State& state) {
  const torch::InferenceMode inference;
  const auto q = torch::randn({4, 16, 257, 64}), k = torch::randn({4, 16, 257, 64}), v = torch::randn({4, 16, 257, 64});
  for (auto _ : state) benchmark::DoNotOptimize(AttentionOnCpu(q, k, v).data_ptr());
}
BENCHMARK(Attention)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

std::vector<CandidateList> MadeLists(int count) {
  Random random(1);
  std::vector<CandidateList> lists;
  for (int i = 0; i < count; ++i) {
    CandidateList list{"q" + std::to_string(i), {}, std::nullopt};
    const LatLon near{random.Uniform(-60, 60), random.Uniform(-170, 170)};
    for (int rank = 1; rank <= 20; ++rank) {
      Candidate candidate;
      candidate.rank = rank;
      candidate.gallery_id = "g" + std::to_string(rank);
      candidate.score = 1.0 / rank;
      const bool far = random.Uniform(0, 1) > 0.4;
      candidate.location = far ? LatLon{random.Uniform(-60, 60), random.Uniform(-170, 170)}
                               : LatLon{near.lat + random.Uniform(-1, 1), near.lon + random.Uniform(-1, 1)};
      list.candidates.push_back(candidate);
    }
    lists.push_back(list);
  }
  return lists;
}

void RerankLists(benchmark::State& state) {
  const auto lists = MadeLists(500);
  const RerankOptions options;
  for (auto _ : state) benchmark::DoNotOptimize(Rerank(options, lists, 1).size());
}
BENCHMARK(RerankLists)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

void WriteAndReadTable(benchmark::State& state) {
  const Scratch scratch;
  const auto lists = MadeLists(500);
  for (auto _ : state) {
    WriteCandidates(scratch / "c.csv", lists);
    benchmark::DoNotOptimize(ReadCandidates(scratch / "c.csv").size());
  }
}
BENCHMARK(WriteAndReadTable)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

}  // namespace
}  // namespace dualgeo

int main(int argc, char** argv) {
  dualgeo::SetThreads(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
