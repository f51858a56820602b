// The vectors of scripts/bench/index.sh, and what indexes make of them, ours and those of the FAISS that this build is
// linked with. One process builds or searches one index, so that its peak of memory is the index's.
//   index_bench generate DIR COUNT QUERIES DIMENSION   DIR/base.f32, DIR/queries.f32: rows of float32
//   index_bench build DIR FACTORY FILE                 -> "build,seconds,peak MiB,bytes"
//   index_bench search DIR FACTORY FILE PARAMETERS QUERIES K
//                                                      -> "search,seconds,peak MiB,CPU seconds"; DIR/found.i64:
//                                                      [QUERIES, K]
// FACTORY: ours (grouped...) or "faiss:" and a factory string of FAISS. PARAMETERS: as search.index_parameters, or "".
#include <faiss/AutoTune.h>
#include <faiss/IndexIVF.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "dualgeo/gallery/index.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "io/mapped_file.h"
#include "src/gallery/grouped_file.h"
#include "src/gallery/index_grouped.h"
#include "util/parallel.h"

namespace {

using dualgeo::Random;

// A vector of about unit length, the same for the same name.
void Add(const char* what, std::uint64_t number, float factor, std::vector<float>& to) {
  Random random(dualgeo::DeriveSeed(0, what, number));
  const auto scale = factor / std::sqrt(static_cast<float>(to.size()));
  for (float& x : to) x += scale * static_cast<float>(random.Normal());
}

// Photos of places in regions, unit length: two photos of a place have a cosine of about 0.86, of a region 0.57, others
// 0. About 50 photos a place, 2000 a region.
std::vector<float> Photo(const char* set, std::uint64_t number, std::uint64_t count, std::size_t dimension) {
  const std::uint64_t places = std::max<std::uint64_t>(1, count / 50);
  Random random(dualgeo::DeriveSeed(0, set, number));
  const std::uint64_t place = random.Below(places);
  std::vector<float> x(dimension);
  Add("region", place / 40, 1.F, x);
  Add("place", place, 0.7F, x);
  Add(set, number + 1000000007, 0.5F, x);
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * v;
  for (float& v : x) v = static_cast<float>(v / std::sqrt(sum));
  return x;
}

void Generate(const std::filesystem::path& file, const char* set, std::uint64_t rows, std::uint64_t count,
              std::size_t dimension) {
  std::ofstream out(file, std::ios::binary);
  constexpr std::uint64_t kBlock = 4096;
  std::vector<float> block(kBlock * dimension);
  for (std::uint64_t first = 0; first < rows; first += kBlock) {
    const std::uint64_t here = std::min(kBlock, rows - first);
    dualgeo::ForEachInParallel(here, 0, [&](std::size_t i) {
      const auto photo = Photo(set, first + i, count, dimension);
      std::copy(photo.begin(), photo.end(), block.begin() + static_cast<std::ptrdiff_t>(i * dimension));
    });
    out.write(reinterpret_cast<const char*>(block.data()), static_cast<std::streamsize>(here * dimension * 4));
  }
  if (!out.flush()) throw dualgeo::Error("cannot write " + file.string());
}

// base.f32 and the dimension, which DIR/dimension tells.
struct Base {
  explicit Base(const std::filesystem::path& folder) : file(folder / "base.f32") {
    std::ifstream(folder / "dimension") >> view.columns;
    view.values = reinterpret_cast<const float*>(file.data());
    view.rows = static_cast<std::int64_t>(file.size()) / 4 / view.columns;
  }
  dualgeo::MappedFile file;
  dualgeo::RowsView view;
};

double CpuSeconds() {
  struct rusage use {};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Of what is ours alone: pages of mapped files go when others need the memory.
double PeakMebibytes() {
  std::ifstream status("/proc/self/status");
  double hwm = 0, file = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) hwm = std::stod(line.substr(6));
    if (line.starts_with("RssFile:")) file = std::stod(line.substr(8));
  }
  return (hwm - file) / 1024;
}

void Build(const std::filesystem::path& folder, const std::string& factory, const std::filesystem::path& file) {
  const Base base(folder);
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0;
  if (factory.starts_with("faiss:")) {
    const std::unique_ptr<faiss::Index> index(faiss::index_factory(
        static_cast<int>(base.view.columns), factory.substr(6).c_str(), faiss::METRIC_INNER_PRODUCT));
    if (!index->is_trained) {
      // Of its training vectors FAISS itself draws 256 a list.
      index->train(std::min<std::int64_t>(base.view.rows, 300000), base.view.values);
    }
    for (std::int64_t first = 0; first < base.view.rows; first += 1 << 16) {
      index->add(std::min<std::int64_t>(1 << 16, base.view.rows - first), base.view.Row(first));
    }
    seconds = SecondsSince(start);
    faiss::write_index(index.get(), file.c_str());
  } else {
    const auto index = dualgeo::BuildGrouped(base.view, factory, "inner_product");
    seconds = SecondsSince(start);
    index->Write(file);
  }
  std::printf("build,%.2f,%.0f,%lld\n", seconds, PeakMebibytes(),
              static_cast<long long>(std::filesystem::file_size(file)));
}

void Search(const std::filesystem::path& folder, const std::string& factory, const std::filesystem::path& file,
            const std::string& parameters, std::int64_t count, std::int64_t k) {
  const Base base(folder);
  const dualgeo::MappedFile asked(folder / "queries.f32");
  dualgeo::Matrix queries(count, base.view.columns);
  std::memcpy(queries.values.data(), asked.data(), queries.values.size() * sizeof(float));
  std::vector<std::int64_t> labels(static_cast<std::size_t>(count * k), -1);
  double seconds = 0, cpu = 0;
  if (factory.starts_with("faiss:")) {
    const std::unique_ptr<faiss::Index> index(faiss::read_index(file.c_str()));
    if (!parameters.empty()) faiss::ParameterSpace().set_index_parameters(index.get(), parameters.c_str());
    std::vector<float> scores(labels.size());
    cpu = CpuSeconds();
    const auto start = std::chrono::steady_clock::now();
    index->search(count, queries.values.data(), k, scores.data(), labels.data());
    seconds = SecondsSince(start);
    cpu = CpuSeconds() - cpu;
  } else {
    {  // the file's pages come to memory before the clock starts, as FAISS reads them
      std::ifstream in(file, std::ios::binary);
      std::vector<char> block(1 << 20);
      while (in.read(block.data(), static_cast<std::streamsize>(block.size()))) {
      }
    }
    auto index = dualgeo::VectorIndex::Load(file);
    index.SetParameters(parameters);
    cpu = CpuSeconds();
    const auto start = std::chrono::steady_clock::now();
    const auto found = index.Search(queries, k);
    seconds = SecondsSince(start);
    cpu = CpuSeconds() - cpu;
    for (std::size_t q = 0; q < found.size(); ++q) {
      for (std::size_t i = 0; i < found[q].size(); ++i) labels[q * static_cast<std::size_t>(k) + i] = found[q][i].row;
    }
  }
  std::ofstream(folder / "found.i64", std::ios::binary)
      .write(reinterpret_cast<const char*>(labels.data()), static_cast<std::streamsize>(labels.size() * 8));
  std::printf("search,%.4f,%.0f,%.4f\n", seconds, PeakMebibytes(), cpu);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() == 5 && arguments[0] == "generate") {
      const std::filesystem::path folder = arguments[1];
      const auto count = std::stoull(arguments[2]);
      const auto dimension = static_cast<std::size_t>(std::stoull(arguments[4]));
      std::filesystem::create_directories(folder);
      std::ofstream(folder / "dimension") << dimension << '\n';
      Generate(folder / "queries.f32", "query", std::stoull(arguments[3]), count, dimension);
      Generate(folder / "base.f32", "photo", count, count, dimension);
    } else if (arguments.size() == 4 && arguments[0] == "build") {
      Build(arguments[1], arguments[2], arguments[3]);
    } else if (arguments.size() == 7 && arguments[0] == "search") {
      Search(arguments[1], arguments[2], arguments[3], arguments[4], std::stoll(arguments[5]),
             std::stoll(arguments[6]));
    } else {
      std::cerr << "index_bench: see scripts/bench/index.cpp\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << "index_bench: " << error.what() << '\n';
    return 1;
  }
}
