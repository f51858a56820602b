#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>

#include "dualgeo/gallery/index.h"
#include "dualgeo/util/error.h"
#include "model/instruction_set.h"
#include "src/gallery/dot_products.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Unit vectors around 40 centres, as photos' features are; every tenth is the one before it once more.
Matrix ClusteredVectors(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  const Matrix centers = RandomMatrix(40, columns, 9);
  Matrix vectors = RandomMatrix(rows, columns, seed);
  Random random(seed);
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto center = centers.Row(static_cast<std::int64_t>(random.Below(40)));
    for (std::size_t j = 0; j < center.size(); ++j) vectors.Row(i)[j] = center[j] + 0.6F * vectors.Row(i)[j];
  }
  NormalizeRows(vectors);
  for (std::int64_t i = 9; i < rows; i += 10) std::ranges::copy(vectors.Row(i - 1), vectors.Row(i).begin());
  return vectors;
}

void ExpectSame(const std::vector<std::vector<Neighbor>>& a, const std::vector<std::vector<Neighbor>>& b,
                const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t q = 0; q < a.size(); ++q) {
    ASSERT_EQ(a[q].size(), b[q].size()) << what << ", query " << q;
    for (std::size_t i = 0; i < a[q].size(); ++i) {
      ASSERT_EQ(a[q][i].row, b[q][i].row) << what << ", query " << q << ", place " << i;
      ASSERT_EQ(a[q][i].score, b[q][i].score) << what << ", query " << q << ", place " << i;
    }
  }
}

double RecallOf(const std::vector<std::vector<Neighbor>>& found, const std::vector<std::vector<Neighbor>>& truth) {
  double hits = 0, all = 0;
  for (std::size_t q = 0; q < truth.size(); ++q) {
    std::set<std::int64_t> rows;
    for (const auto& neighbor : found[q]) rows.insert(neighbor.row);
    for (const auto& neighbor : truth[q]) hits += rows.count(neighbor.row) != 0 ? 1 : 0;
    all += static_cast<double>(truth[q].size());
  }
  return hits / all;
}

constexpr const char* kGroupedForms[] = {"grouped50", "grouped50,SQ8", "grouped50,SQ8,RFlat"};

TEST(DotProducts, AreThoseOfDoublePrecisionOnAllInstructionSets) {
  constexpr std::int64_t kStride = 192;
  Random random(1);
  alignas(64) float rows[19 * kStride], queries[13 * kStride];
  alignas(64) std::uint8_t codes[19 * kStride];
  alignas(64) std::int8_t rounded[13 * kStride];
  for (float& x : rows) x = static_cast<float>(random.Normal());
  for (auto& x : codes) x = static_cast<std::uint8_t>(1 + random.Below(255));
  std::vector<const float*> asked;
  std::vector<CodedQuery> coded;
  for (int q = 0; q < 13; ++q) {
    CodedQuery query{queries + q * kStride, rounded + q * kStride, 0, 0.5F};
    for (int d = 0; d < kStride; ++d) {
      rounded[q * kStride + d] = static_cast<std::int8_t>(static_cast<int>(random.Below(255)) - 127);
      queries[q * kStride + d] = 0.5F * rounded[q * kStride + d];
      query.sum += rounded[q * kStride + d];
    }
    asked.push_back(query.exact);
    coded.push_back(query);
  }
  for (const auto set : InstructionSetsHere()) {
    const InstructionSetScope scope(set);
    for (const std::int64_t count : {1, 3, 4, 19}) {
      for (const std::size_t batch : {1U, 5U, 6U, 13U}) {
        std::vector<float> out(static_cast<std::size_t>(count) * batch), whole(out.size()), exact(out.size());
        DotProducts(rows, count, kStride, std::span(asked).first(batch), out.data());
        DotProducts(codes, count, kStride, std::span(coded).first(batch), whole.data());
        DotProducts(codes, count, kStride, std::span(coded).first(batch), exact.data(), true);
        for (std::size_t i = 0; i < out.size(); ++i) {
          const auto row = static_cast<std::int64_t>(i) % count;
          const float* const query = asked[i / static_cast<std::size_t>(count)];
          double sum = 0, of_codes = 0;
          for (std::int64_t d = 0; d < kStride; ++d) {
            sum += static_cast<double>(rows[row * kStride + d]) * query[d];
            of_codes += (codes[row * kStride + d] - kCodeZero) * static_cast<double>(query[d]);
          }
          ASSERT_NEAR(out[i], sum, 2e-3) << NameOf(set);
          ASSERT_EQ(whole[i], of_codes) << NameOf(set);  // small whole numbers: no rounding
          ASSERT_EQ(exact[i], of_codes) << NameOf(set);
        }
      }
    }
  }
}

TEST(DotProducts, SelectWhatIsNotBelowTheBoundAndNeverWhatIsNoNumber) {
  for (const auto set : InstructionSetsHere()) {
    const InstructionSetScope scope(set);
    std::vector<float> scores(37), scales(37, 2.F), norms(37, 1.F), gains(37, 2.F);
    std::iota(scores.begin(), scores.end(), 0.F);
    scores[20] = std::numeric_limits<float>::quiet_NaN();
    std::int32_t hits[37];
    // 2 (10 + 3 * 2 i) - 1 >= 211: from 16 on
    ASSERT_EQ(SelectScores(scores.data(), 37, {3, 10, scales.data(), gains.data(), norms.data()}, 211, hits), 20)
        << NameOf(set);
    EXPECT_EQ(hits[0], 16);
    EXPECT_EQ(hits[3], 19);
    EXPECT_EQ(hits[4], 21);
    EXPECT_EQ(hits[19], 36);
    EXPECT_EQ(scores[36], 451);
  }
}

class GroupedMetric : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Metrics, GroupedMetric, ::testing::Values("inner_product", "l2"));

TEST_P(GroupedMetric, IsFlatWhenAllListsAreVisited) {
  const Matrix vectors = ClusteredVectors(3000, 40, 1), queries = ClusteredVectors(70, 40, 2);
  const auto flat = VectorIndex::Build(vectors, "flat", GetParam()).Search(queries, 25);
  for (const auto set : InstructionSetsHere()) {
    const InstructionSetScope scope(set);
    auto grouped = VectorIndex::Build(vectors, "grouped50", GetParam());
    grouped.SetParameters("nprobe=50");
    ExpectSame(grouped.Search(queries, 25), flat, NameOf(set));
  }
}

TEST_P(GroupedMetric, PutsEqualsInTheOrderOfTheirRows) {
  Matrix vectors = ClusteredVectors(600, 24, 1);
  for (std::int64_t i = 0; i < 600; i += 2) std::ranges::copy(vectors.Row(0), vectors.Row(i).begin());
  const Matrix queries = ClusteredVectors(3, 24, 2);
  const auto flat = VectorIndex::Build(vectors, "flat", GetParam()).Search(queries, 320);
  auto grouped = VectorIndex::Build(vectors, "grouped7", GetParam());
  grouped.SetParameters("nprobe=7");
  ExpectSame(grouped.Search(queries, 320), flat, "300 equal vectors");
}

TEST_P(GroupedMetric, RecallsMostWithFewLists) {
  const Matrix vectors = ClusteredVectors(4000, 96, 1), queries = ClusteredVectors(100, 96, 2);
  const auto truth = VectorIndex::Build(vectors, "flat", GetParam()).Search(queries, 20);
  for (const auto set : InstructionSetsHere()) {
    const InstructionSetScope scope(set);
    for (const char* factory : kGroupedForms) {
      auto grouped = VectorIndex::Build(vectors, factory, GetParam());
      const double few = RecallOf(grouped.Search(queries, 20), truth);
      grouped.SetParameters("nprobe=50");
      const double all = RecallOf(grouped.Search(queries, 20), truth);
      EXPECT_GE(few, 0.9) << factory << " " << NameOf(set);
      EXPECT_GE(all, std::strcmp(factory, "grouped50,SQ8") == 0 ? 0.95 : 1.0) << factory << " " << NameOf(set);
    }
  }
}

TEST_P(GroupedMetric, NeitherBatchNorThreadsMatter) {
  const Matrix vectors = ClusteredVectors(2500, 72, 1), queries = ClusteredVectors(61, 72, 2);
  const TemporaryFolder folder;
  for (const char* factory : kGroupedForms) {
    SetIndexThreads(1);
    const auto built = VectorIndex::Build(vectors, factory, GetParam());
    const auto together = built.Search(queries, 30);
    built.Write(folder / "one");
    SetIndexThreads(3);
    const auto again = VectorIndex::Build(vectors, factory, GetParam());
    again.Write(folder / "three");
    EXPECT_EQ(ReadFile(folder / "one"), ReadFile(folder / "three")) << factory;
    ExpectSame(again.Search(queries, 30), together, factory);
    const auto loaded = VectorIndex::Load(folder / "three");
    for (const std::int64_t size : {1, 7}) {
      for (std::int64_t first = 0; first + size <= queries.rows; first += 9) {
        Matrix some(size, 72);
        std::copy_n(queries.Row(first).begin(), some.values.size(), some.values.begin());
        ExpectSame(loaded.Search(some, 30), {together.begin() + first, together.begin() + first + size}, factory);
      }
    }
  }
  SetIndexThreads(1);
}

TEST_P(GroupedMetric, LooksFurtherWhenItsListsDoNotHoldEnough) {
  const Matrix vectors = ClusteredVectors(1000, 24, 1), queries = ClusteredVectors(5, 24, 2);
  for (const char* factory : kGroupedForms) {
    auto grouped = VectorIndex::Build(vectors, factory, GetParam());
    grouped.SetParameters("nprobe=1");
    for (const std::int64_t k : {300, 1000, 5000}) {
      for (const auto& list : grouped.Search(queries, k)) {
        EXPECT_EQ(list.size(), static_cast<std::size_t>(std::min<std::int64_t>(k, 1000))) << factory;
      }
    }
  }
}

TEST(GroupedIndex, ScoresOfCodesAreNearTheTrueOnes) {
  const Matrix vectors = ClusteredVectors(2000, 96, 1), queries = ClusteredVectors(20, 96, 2);
  for (const char* metric : {"inner_product", "l2"}) {
    auto grouped = VectorIndex::Build(vectors, "grouped50,SQ8", metric);
    const auto found = grouped.Search(queries, 20);
    for (std::size_t q = 0; q < found.size(); ++q) {
      for (const auto& neighbor : found[q]) {
        const double product = Inner(queries.Row(static_cast<std::int64_t>(q)), vectors.Row(neighbor.row));
        EXPECT_NEAR(neighbor.score, std::string(metric) == "l2" ? 2 * product - 2 : product, 4e-3);
      }
    }
  }
}

TEST(GroupedIndex, ChoosesItsNumberOfListsAndTakesOddShapes) {
  for (const std::int64_t rows : {1, 2, 5, 100}) {
    for (const std::int64_t columns : {1, 17, 70}) {
      const Matrix vectors = RandomMatrix(rows, columns, 3);
      for (const char* factory : {"grouped", "grouped,Flat", "grouped,SQ8", "grouped,SQ8,RFlat"}) {
        const auto grouped = VectorIndex::Build(vectors, factory, "l2");
        EXPECT_FALSE(grouped.exact());
        const auto found = grouped.Search(vectors, rows);
        for (const auto& list : found) EXPECT_EQ(list.size(), static_cast<std::size_t>(rows)) << factory;
        EXPECT_EQ(grouped.Search(Matrix(0, columns), 3).size(), 0U);
      }
    }
  }
}

TEST(GroupedIndex, VectorsThatAreNoNumbersAreNotFoundAndFindNothing) {
  Matrix vectors = ClusteredVectors(200, 24, 1);
  vectors.Row(7)[3] = std::numeric_limits<float>::quiet_NaN();
  Matrix queries = ClusteredVectors(2, 24, 2);
  queries.Row(1)[0] = std::numeric_limits<float>::quiet_NaN();
  for (const char* factory : {"grouped8", "grouped8,SQ8", "grouped8,SQ8,RFlat"}) {
    const auto grouped = VectorIndex::Build(vectors, factory, "inner_product");
    const auto found = grouped.Search(queries, 200);
    EXPECT_GE(found[0].size(), 199U) << factory;
    EXPECT_TRUE(found[1].empty()) << factory;
  }
}

TEST(GroupedIndex, RefusesWhatItIsNotInOneLine) {
  const Matrix vectors = RandomMatrix(50, 10, 1);
  const auto build = [&](const char* factory) {
    return [&vectors, factory] { VectorIndex::Build(vectors, factory, "l2"); };
  };
  EXPECT_THAT(build("grouped51"),
              ThrowsMessage<InputError>(HasSubstr("'grouped51' has more lists than there are vectors, 50")));
  for (const char* factory : {"grouped0", "grouped-1", "grouped+4", "grouped4,", "grouped4,SQ4", "grouped4,PQ8",
                              "grouped,RFlat", "grouped4,SQ8,RFlat,x", "grouped 4", "groupedx"}) {
    EXPECT_THAT(build(factory), ThrowsMessage<InputError>(HasSubstr("is none of grouped, grouped,SQ8"))) << factory;
  }
  auto grouped = VectorIndex::Build(vectors, "grouped5", "l2");
  for (const char* parameters : {"nprobe=0", "nprobe", "nprobe=x", "efSearch=5", "k_factor=4", "nprobe=2,", "=", ","}) {
    EXPECT_THAT([&] { grouped.SetParameters(parameters); },
                ThrowsMessage<InputError>(HasSubstr("search.index_parameters: '" + std::string(parameters) + "'")))
        << parameters;
  }
  auto refined = VectorIndex::Build(vectors, "grouped5,SQ8,RFlat", "l2");
  refined.SetParameters("k_factor=8,nprobe=99");
  EXPECT_EQ(refined.Search(vectors, 3)[4][0].row, 4);
}

TEST(GroupedIndex, SaysWhatIsWrongWithADamagedFile) {
  const TemporaryFolder folder;
  VectorIndex::Build(RandomMatrix(40, 4, 1), "grouped4,SQ8", "inner_product").Write(folder / "whole");
  const std::string bytes = ReadFile(folder / "whole");
  const auto changed = [&](std::size_t at, std::int64_t value, const char* message) {
    std::string other = bytes;
    std::memcpy(other.data() + at, &value, sizeof value);
    const auto path = folder.Write("changed", other);
    EXPECT_THAT([&] { VectorIndex::Load(path); }, ThrowsMessage<InputError>(HasSubstr(message))) << at;
  };
  changed(24, 0, "the dimension is 0, not 1 to 32768");
  changed(24, 5000, "bytes, not");
  changed(32, std::int64_t{1} << 40, "bytes, not");
  changed(32, -1, "the number of vectors is -1");
  changed(40, 41, "the number of lists is 41, not 1 to 40");
  changed(48, 5, "nprobe is 5, not 1 to 4");
  changed(56, 2, "the metric is 2");
  changed(64, 3, "the form is 3");
  changed(72, -1, "the longest vector's length is no number");
  const std::size_t starts = 128 + 4 * 64, rows = starts + 64;
  changed(starts, 1, "its lists do not hold all vectors");
  changed(starts + 8, 41, "its lists are out of order");
  changed(rows, 40, "a row number is beyond the number of vectors");
  std::int64_t second = 0;
  std::memcpy(&second, bytes.data() + rows + 8, sizeof second);
  changed(rows, second, "a row number is there twice");
  EXPECT_THAT([&] { VectorIndex::Load(folder.Write("cut", bytes.substr(0, bytes.size() - 1))); },
              ThrowsMessage<InputError>(HasSubstr("damaged: not a whole index of the kind grouped")));
}

}  // namespace
}  // namespace dualgeo
