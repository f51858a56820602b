#include "dualgeo/gallery/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <set>

#include "dualgeo/util/error.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<Neighbor> BruteForce(const Matrix& vectors, std::span<const float> query, std::size_t k, bool inner) {
  std::vector<Neighbor> all;
  for (std::int64_t i = 0; i < vectors.rows; ++i) {
    double score = 0;
    const auto row = vectors.Row(i);
    for (std::size_t j = 0; j < query.size(); ++j) {
      const double a = query[j], b = row[j];
      score += inner ? a * b : -(a - b) * (a - b);
    }
    all.push_back({i, score});
  }
  std::sort(all.begin(), all.end(), [](const Neighbor& a, const Neighbor& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  });
  all.resize(std::min(k, all.size()));
  return all;
}

class ExactIndex : public ::testing::TestWithParam<const char*> {};

TEST_P(ExactIndex, FindsWhatBruteForceFinds) {
  const bool inner = std::string(GetParam()) == "inner_product";
  const Matrix vectors = RandomMatrix(500, 24, 1);
  const Matrix queries = RandomMatrix(40, 24, 2);
  const auto index = VectorIndex::Build(vectors, "flat", GetParam());
  EXPECT_TRUE(index.exact());
  const auto found = index.Search(queries, 7);
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    const auto expected = BruteForce(vectors, queries.Row(q), 7, inner);
    const auto& list = found[static_cast<std::size_t>(q)];
    ASSERT_EQ(list.size(), 7U);
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(list[i].row, expected[i].row);
      EXPECT_DOUBLE_EQ(list[i].score, expected[i].score);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, ExactIndex, ::testing::Values("inner_product", "l2"));

TEST(VectorIndex, EqualScoresComeInTheOrderOfTheirRowsWhateverTheBatch) {
  Matrix vectors(300, 8);
  const Matrix one = RandomMatrix(1, 8, 5);
  for (std::int64_t i = 0; i < vectors.rows; ++i) std::copy_n(one.values.begin(), 8, vectors.Row(i).begin());
  const auto index = VectorIndex::Build(vectors, "flat", "inner_product");
  for (const std::int64_t batch : {1, 3, 64}) {  // FAISS changes its algorithm at 20 queries
    const Matrix queries = RandomMatrix(batch, 8, 6);
    for (const auto& list : index.Search(queries, 5)) {
      ASSERT_EQ(list.size(), 5U);
      for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(list[i].row, static_cast<std::int64_t>(i));
    }
  }
}

TEST(VectorIndex, ScoresDoNotDependOnTheBatch) {
  const auto index = VectorIndex::Build(RandomMatrix(200, 33, 1), "flat", "inner_product");
  const Matrix queries = RandomMatrix(50, 33, 2);
  const auto together = index.Search(queries, 10);
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    Matrix alone(1, 33);
    std::copy_n(queries.Row(q).begin(), 33, alone.values.begin());
    const auto single = index.Search(alone, 10);
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(single[0][i].row, together[static_cast<std::size_t>(q)][i].row);
      EXPECT_EQ(single[0][i].score, together[static_cast<std::size_t>(q)][i].score);
    }
  }
}

TEST(VectorIndex, GivesAllRowsWhenMoreAreAskedFor) {
  const auto index = VectorIndex::Build(RandomMatrix(9, 4, 1), "flat", "inner_product");
  EXPECT_EQ(index.Search(RandomMatrix(1, 4, 2), 50)[0].size(), 9U);
}

struct Approximation {
  const char* factory;
  int hits;  // of 200 true neighbours at least; within a cluster compressed vectors are hard to tell apart
};
class ApproximateIndex : public ::testing::TestWithParam<Approximation> {};

TEST_P(ApproximateIndex, RecallsMostOfWhatBruteForceFindsAndSurvivesTheDisk) {
  // Clustered vectors, as photos' features are.
  Matrix vectors = RandomMatrix(2000, 16, 1);
  const Matrix centers = RandomMatrix(40, 16, 9);
  for (std::int64_t i = 0; i < vectors.rows; ++i) {
    const auto center = centers.Row(i % 40);
    for (std::size_t j = 0; j < 16; ++j) vectors.Row(i)[j] = center[j] + 0.15F * vectors.Row(i)[j];
  }
  NormalizeRows(vectors);
  Matrix queries(20, 16);
  for (std::int64_t q = 0; q < 20; ++q) std::copy_n(vectors.Row(q * 37).begin(), 16, queries.Row(q).begin());
  const TemporaryFolder folder;
  const auto built = VectorIndex::Build(vectors, GetParam().factory, "inner_product");
  EXPECT_FALSE(built.exact());
  built.Write(folder / "index.faiss");
  const auto index = VectorIndex::Load(folder / "index.faiss");
  EXPECT_EQ(index.size(), 2000);
  EXPECT_EQ(index.dimension(), 16);
  EXPECT_EQ(index.metric(), "inner_product");
  const auto found = index.Search(queries, 10);
  int hits = 0, of_the_cluster = 0;
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    std::set<std::int64_t> rows;
    for (const auto& neighbor : found[static_cast<std::size_t>(q)]) {
      rows.insert(neighbor.row);
      of_the_cluster += neighbor.row % 40 == q * 37 % 40;
    }
    for (const auto& neighbor : BruteForce(vectors, queries.Row(q), 10, true)) hits += rows.count(neighbor.row) != 0;
  }
  EXPECT_GE(hits, GetParam().hits) << GetParam().factory;
  EXPECT_GE(of_the_cluster, 190) << GetParam().factory;
}

INSTANTIATE_TEST_SUITE_P(Factories, ApproximateIndex,
                         ::testing::Values(Approximation{"IVF32,Flat", 195}, Approximation{"HNSW16", 180},
                                           Approximation{"SQ8", 165}, Approximation{"PCA12,IVF16,SQ8", 60},
                                           Approximation{"IVF16,PQ8x4np", 30}));

TEST(VectorIndex, SearchesMoreListsWhenAFewDoNotHoldEnough) {
  const auto index = VectorIndex::Build(RandomMatrix(400, 8, 1), "IVF64,Flat", "inner_product");
  EXPECT_EQ(index.Search(RandomMatrix(3, 8, 2), 400)[2].size(), 400U);
}

// Rows that few pass: found all the same, and nothing else.
class FilteredIndex : public ::testing::TestWithParam<const char*> {};

TEST_P(FilteredIndex, FindsKOfTheRowsThatAreTaken) {
  for (const char* metric : {"inner_product", "l2"}) {
    const Matrix vectors = RandomMatrix(2000, 16, 1);
    const Matrix queries = RandomMatrix(12, 16, 2);
    auto index = VectorIndex::Build(vectors, GetParam(), metric);
    if (std::string(GetParam()).find("IVF") != std::string::npos) index.SetParameters("nprobe=1");
    const RowFilter takes = [](std::int64_t query, std::int64_t row) { return row % 70 == query; };  // 28 or 29 rows
    const auto found = index.SearchAmong(queries, 25, takes);
    const auto all = index.SearchAmong(queries, 2000, takes);
    ASSERT_EQ(found.size(), 12U);
    for (std::int64_t q = 0; q < 12; ++q) {
      const auto& list = found[static_cast<std::size_t>(q)];
      ASSERT_EQ(list.size(), 25U) << GetParam();
      EXPECT_EQ(all[static_cast<std::size_t>(q)].size(), q < 40 ? 29U : 28U) << GetParam();
      std::set<std::int64_t> rows;
      for (std::size_t i = 0; i < list.size(); ++i) {
        EXPECT_EQ(list[i].row % 70, q) << GetParam();
        rows.insert(list[i].row);
        if (i > 0) {
          EXPECT_LE(list[i].score, list[i - 1].score);
        }
      }
      EXPECT_EQ(rows.size(), 25U);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, FilteredIndex,
                         ::testing::Values("flat", "SQ8", "SQfp16", "PQ4x4np", "IVF16,Flat", "IVF16,SQ8",
                                           "IVF16,PQ4x4np", "IVF16_HNSW4,Flat", "HNSW8", "HNSW8_SQ8", "PCA8,IVF16,Flat",
                                           "PCA8,Flat", "IVF16,PQ4x4np,RFlat", "PCA8,IVF16,PQ4x4np,RFlat",
                                           "HNSW8,RFlat"));

TEST(FilteredFlatIndex, FindsWhatBruteForceFinds) {
  for (const char* metric : {"inner_product", "l2"}) {
    const Matrix vectors = RandomMatrix(500, 24, 1);
    const Matrix queries = RandomMatrix(40, 24, 2);
    const auto index = VectorIndex::Build(vectors, "flat", metric);
    const auto found =
        index.SearchAmong(queries, 7, [](std::int64_t query, std::int64_t row) { return (row + query) % 3 == 0; });
    for (std::int64_t q = 0; q < queries.rows; ++q) {
      auto expected = BruteForce(vectors, queries.Row(q), 500, std::string(metric) == "inner_product");
      std::erase_if(expected, [&](const Neighbor& neighbor) { return (neighbor.row + q) % 3 != 0; });
      const auto& list = found[static_cast<std::size_t>(q)];
      ASSERT_EQ(list.size(), 7U);
      for (std::size_t i = 0; i < 7; ++i) {
        EXPECT_EQ(list[i].row, expected[i].row);
        EXPECT_DOUBLE_EQ(list[i].score, expected[i].score);
      }
    }
  }
}

TEST(VectorIndex, TheSameVectorsGiveTheSameBytes) {
  const TemporaryFolder folder;
  const Matrix vectors = RandomMatrix(300, 8, 3);
  for (const char* factory : {"flat", "IVF16,Flat", "HNSW16", "IVF8,PQ2x4np"}) {
    VectorIndex::Build(vectors, factory, "inner_product").Write(folder / "a");
    VectorIndex::Build(vectors, factory, "inner_product").Write(folder / "b");
    EXPECT_EQ(ReadFile(folder / "a"), ReadFile(folder / "b")) << factory;
  }
}

// Builds in a process of its own and kills it as soon as a part of the index is kept; again where it was done before.
// How many vectors were in it.
std::int64_t KillWhileBuilding(const Matrix& vectors, const std::string& factory, const KeepIndex& keep) {
  const auto kept = [&]() -> std::filesystem::path {
    for (const auto& entry : std::filesystem::directory_iterator(keep.stem.parent_path())) {
      if (entry.path().extension() == ".partial-index") return entry.path();
    }
    return {};
  };
  for (int tries = 0; tries < 50 && kept().empty(); ++tries) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        VectorIndex::Build(vectors, factory, "inner_product", keep);
      } catch (...) {
      }
      _exit(0);
    }
    bool ended = false;
    while (kept().empty() && !ended) ended = waitpid(child, nullptr, WNOHANG) != 0;
    if (ended) continue;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  return kept().empty() ? 0 : VectorIndex::Load(kept()).size();
}

TEST(VectorIndex, ABuildThatWasKilledGoesOnAndGivesTheSameBytes) {
  SetIndexThreads(1);  // the child is forked: no other thread may hold a lock
  const Matrix vectors = RandomMatrix(9000, 8, 3);
  for (const char* factory : {"HNSW16", "PCA6,HNSW8", "HNSW8_SQ8", "HNSW8,RFlat"}) {
    const TemporaryFolder folder;
    const KeepIndex keep{folder / "gallery", std::chrono::seconds(0)};
    VectorIndex::Build(vectors, factory, "inner_product").Write(folder / "whole");
    const std::int64_t before = KillWhileBuilding(vectors, factory, keep);
    EXPECT_GE(before, 1024) << factory;
    EXPECT_LT(before, 9000) << factory;
    const auto files = [&] { return std::distance(std::filesystem::directory_iterator(folder.path()), {}); };
    const VectorIndex resumed = VectorIndex::Build(vectors, factory, "inner_product", keep);
    resumed.Write(folder / "resumed");
    EXPECT_EQ(ReadFile(folder / "whole"), ReadFile(folder / "resumed")) << factory;
    EXPECT_EQ(files(), 3) << factory
                          << ": whole, resumed, and what was kept, as long as nobody has said that it may go";
    resumed.RemovePartial();
    EXPECT_EQ(files(), 2) << factory;
  }
}

TEST(VectorIndex, TakesNoPartOfAnotherIndexAndNoDamagedOne) {
  SetIndexThreads(1);
  const Matrix vectors = RandomMatrix(3000, 8, 3), others = RandomMatrix(3000, 8, 4);
  const TemporaryFolder folder;
  const KeepIndex keep{folder / "gallery", std::chrono::seconds(0)};
  VectorIndex::Build(others, "HNSW16", "inner_product").Write(folder / "others");
  VectorIndex::Build(vectors, "HNSW16", "inner_product").Write(folder / "whole");
  ASSERT_GT(KillWhileBuilding(vectors, "HNSW16", keep), 0);
  VectorIndex::Build(others, "HNSW16", "inner_product", keep).Write(folder / "others2");
  EXPECT_EQ(ReadFile(folder / "others"), ReadFile(folder / "others2"));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() == ".partial-index") std::filesystem::resize_file(entry.path(), 5000);
  }
  VectorIndex::Build(vectors, "HNSW16", "inner_product", keep).Write(folder / "again");
  EXPECT_EQ(ReadFile(folder / "whole"), ReadFile(folder / "again"));
}

TEST(VectorIndex, RefusesBadFactoryStringsInOneReadableLine) {
  const Matrix vectors = RandomMatrix(50, 10, 1);
  const auto build = [&](const char* factory) {
    return [&vectors, factory] { VectorIndex::Build(vectors, factory, "inner_product"); };
  };
  EXPECT_THAT(build("Flaat"), ThrowsMessage<InputError>(HasSubstr("gallery.index: 'Flaat'")));
  EXPECT_THAT(build(""), ThrowsMessage<InputError>(HasSubstr("gallery.index")));
  EXPECT_THAT(build("IVF256,Flat"), ThrowsMessage<InputError>(HasSubstr("50 vectors")));    // fewer than lists
  EXPECT_THAT(build("PQ3"), ThrowsMessage<InputError>(HasSubstr("gallery.index: 'PQ3'")));  // 3 does not divide 10
  EXPECT_THAT([&] { VectorIndex::Build(vectors, "flat", "cosine"); },
              ThrowsMessage<InputError>(HasSubstr("inner_product or l2")));
  EXPECT_THAT([] { VectorIndex::Build(Matrix(), "flat", "l2"); }, ThrowsMessage<InputError>(HasSubstr("0 vectors")));
}

TEST(VectorIndex, RefusesParametersThatItDoesNotHave) {
  auto index = VectorIndex::Build(RandomMatrix(50, 10, 1), "flat", "inner_product");
  EXPECT_THAT([&] { index.SetParameters("nprobe=4"); },
              ThrowsMessage<InputError>(HasSubstr("search.index_parameters: 'nprobe=4'")));
  auto ivf = VectorIndex::Build(RandomMatrix(500, 10, 1), "IVF8,Flat", "inner_product");
  ivf.SetParameters("nprobe=8");
  EXPECT_EQ(ivf.Search(RandomMatrix(1, 10, 3), 5)[0].size(), 5U);
}

// Every truncation and many bit flips of small index files end in InputError or in an index that can be asked.
TEST(VectorIndex, DamagedFilesDoNotCrash) {
  const TemporaryFolder folder;
  for (const char* factory : {"flat", "IVF4,Flat"}) {
    VectorIndex::Build(RandomMatrix(40, 4, 1), factory, "inner_product").Write(folder / "whole");
    const std::string bytes = ReadFile(folder / "whole");
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 60) {
      const auto path = folder.Write("cut", bytes.substr(0, size));
      EXPECT_THROW(VectorIndex::Load(path), InputError) << factory << " cut to " << size;
    }
  }
  EXPECT_THAT([&] { VectorIndex::Load(folder / "absent"); }, ThrowsMessage<InputError>(HasSubstr("no such file")));
  EXPECT_THROW(VectorIndex::Load(folder.Write("text", "this is no index at all")), InputError);
}

// Every kind that Build makes: each is written, read, and asked.
constexpr const char* kFactories[] = {"flat",          "SQ8",          "SQ4",
                                      "SQ6",           "SQfp16",       "PQ4x4np",
                                      "PQ4x4",         "IVF8,Flat",    "IVF8_HNSW4,Flat",
                                      "IVF8,SQ8",      "IVF8,PQ4x4np", "IVF8,PQ4x4np,RFlat",
                                      "HNSW4",         "HNSW4,SQ8",    "NSG8",
                                      "PCA6,IVF4,SQ8", "PCAR6,Flat",   "OPQ4_8,PQ4x4np",
                                      "RR6,Flat",      "L2norm,Flat",  "Pad12,Flat",
                                      "grouped8",      "grouped8,SQ8", "grouped8,SQ8,RFlat"};

class IndexKinds : public ::testing::TestWithParam<const char*> {
 protected:
  IndexKinds() : vectors_(RandomMatrix(300, 8, 5)) {}
  // Refused in one line, or taken and able to answer.
  bool Takes(const std::string& bytes) const {
    const auto path = folder_.Write("changed", bytes);
    try {
      const auto index = VectorIndex::Load(path);
      if (index.dimension() != 8) return true;  // LoadGallery compares it with gallery.json
      Matrix queries = vectors_;
      queries.rows = 3;
      queries.values.resize(24);
      index.Search(queries, 5);
      index.Search(queries, index.size());
      return true;
    } catch (const InputError& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      return false;
    }
  }
  std::string Built(const std::string& metric) const {
    VectorIndex::Build(vectors_, GetParam(), metric).Write(folder_ / "whole");
    return ReadFile(folder_ / "whole");
  }

  Matrix vectors_;
  TemporaryFolder folder_;
};

TEST_P(IndexKinds, AreReadBackAndRefusedWhenCutOff) {
  for (const char* metric : {"inner_product", "l2"}) {
    const std::string bytes = Built(metric);
    EXPECT_TRUE(Takes(bytes));
    EXPECT_FALSE(Takes(bytes + "x"));
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 50) {
      EXPECT_FALSE(Takes(bytes.substr(0, size))) << size;
    }
  }
}

// As someone would who mends the checksum as well: bytes, counts and row numbers of a real file are changed. FAISS
// alone aborts, reads beyond its memory, asks for petabytes or searches without an end. DUALGEO_FUZZ_ROUNDS: more of
// the same.
TEST_P(IndexKinds, ChangedFilesNeitherCrashNorHang) {
  const char* const more = std::getenv("DUALGEO_FUZZ_ROUNDS");
  const int rounds = more != nullptr ? std::atoi(more) : 150;
  Random random(DeriveSeed(more != nullptr ? static_cast<std::uint64_t>(rounds) : 1, GetParam()));
  const std::string whole = Built("inner_product");
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = whole;
    const auto changes = 1 + random.Below(3);
    for (std::uint64_t i = 0; i < changes; ++i) {
      // Counts stand at the beginning and, of graphs and inner indexes, at the end.
      const auto near = std::min<std::size_t>(bytes.size(), 300);
      const auto part = random.Below(3);
      auto at = static_cast<std::size_t>(random.Below(part == 2 ? bytes.size() : near));
      if (part == 1) at = bytes.size() - 1 - at;
      constexpr std::int64_t kValues[] = {0,         -1,        1,         2,         255,      1 << 20,
                                          INT32_MAX, INT32_MIN, 1LL << 40, INT64_MAX, INT64_MIN};
      const std::int64_t value = kValues[random.Below(std::size(kValues))];
      const std::size_t widths[] = {1, 4, 8};
      const std::size_t width = std::min(widths[random.Below(3)], bytes.size() - at);
      if (random.Below(4) == 0) {
        bytes[at] = static_cast<char>(random.Below(256));
      } else {
        std::memcpy(bytes.data() + at, &value, width);
      }
    }
    if (random.Below(20) == 0) bytes.erase(random.Below(bytes.size()), 1 + random.Below(16));
    refused += !Takes(bytes);
  }
  EXPECT_GT(refused, 0);
  if (more != nullptr) std::printf("%s: %d of %d changed files refused\n", GetParam(), refused, rounds);
}

INSTANTIATE_TEST_SUITE_P(Factories, IndexKinds, ::testing::ValuesIn(kFactories));

TEST(VectorIndex, KindsWhoseFilesCannotBeCheckedAreNotBuilt) {
  const Matrix vectors = RandomMatrix(300, 8, 1);
  for (const char* factory : {"LSH", "PQ4x4fs", "IVF8,PQ4x4fs", "RQ2x4", "IDMap,Flat", "IVF8,FlatDedup"}) {
    EXPECT_THAT([&] { VectorIndex::Build(vectors, factory, "l2"); },
                ThrowsMessage<InputError>(::testing::AllOf(HasSubstr(factory), HasSubstr("allowed are flat"))))
        << factory;
  }
}

}  // namespace
}  // namespace dualgeo
