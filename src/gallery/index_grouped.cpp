// Inverted lists for many queries at once. FAISS looks into the lists of one query after the other; here the pairs of
// query and list are sorted by list, so that each list is read once, in order, from memory or a mapped file, and
// multiplied with all queries that visit it (Johnson et al., section 5, do so on a GPU). Single queries go the same
// way.
//
//   groupedN             vectors as they are. Scores are those of the index flat, to the last digit.
//   groupedN,SQ8         8 bits a dimension: the difference from the list's mean, a step and a gain for each vector;
//                        found with the query in 8 bits too; the best 3/2 k + 16 get the score of the exact query.
//   groupedN,SQ8,RFlat   found by codes; the best k_factor * k get their exact score from the vectors,
//                        which are kept as well: mapped, so that only those asked for need be in memory.
// N: the number of lists; 2 sqrt(vectors) where it is left out. A query looks into nprobe of them: 16, unless
// search.index_parameters says otherwise; k_factor is 4.
//
// What is found depends neither on the number of threads nor on the batch that a query is in: a product's bits are its
// own (dot_products.h). On another instruction set an estimate may differ in its last digits, and so may, of the forms
// with codes, which of two nearly equal vectors is found.
#include "index_grouped.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>

#include "dot_products.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "exact_scores.h"
#include "grouped_file.h"
#include "util/parallel.h"

namespace dualgeo {
namespace {

constexpr std::int64_t kProbes = 16;
constexpr std::int64_t kMostLists = 1 << 24;
constexpr std::uint64_t kListSeed = 0;

struct GroupedFactory {
  std::int64_t lists = 0;  // 0: by the number of vectors
  GroupedForm form = GroupedForm::kFlat;
};

std::optional<GroupedFactory> ParseGroupedFactory(std::string_view text) {
  GroupedFactory factory;
  text.remove_prefix(std::string_view("grouped").size());
  const auto comma = std::min(text.find(','), text.size());
  if (comma > 0) {
    const auto lists = ParseInteger(text.substr(0, comma));
    if (!lists || *lists < 1 || *lists > kMostLists || !IsDigit(text[0])) return std::nullopt;
    factory.lists = *lists;
  }
  const auto form = text.substr(comma);
  if (form == ",SQ8") {
    factory.form = GroupedForm::kCodes;
  } else if (form == ",SQ8,RFlat") {
    factory.form = GroupedForm::kRefined;
  } else if (!form.empty() && form != ",Flat") {
    return std::nullopt;
  }
  return factory;
}

// A row that may be among a query's best, by an estimate of its score.
struct Hit {
  float score = 0;
  float base = 0;  // of the forms with codes: the query's product with the list's mean
  std::int64_t row = 0;
  std::int64_t place = 0;
};

bool BetterHit(const Hit& a, const Hit& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; }

// The best `keep` of all that is offered, in whatever order.
class BestHits {
 public:
  explicit BestHits(std::int64_t keep) : keep_(static_cast<std::size_t>(keep)) {}

  // What is below need not be offered.
  float bound() const { return bound_; }
  void Offer(const Hit& hit) {
    hits_.push_back(hit);
    if (hits_.size() >= 2 * keep_ + 16) Shrink();
  }
  // Best first, equals by row.
  std::vector<Hit> Take() {
    Shrink();
    std::sort(hits_.begin(), hits_.end(), BetterHit);
    return std::move(hits_);
  }

 private:
  void Shrink() {
    if (hits_.size() <= keep_) return;
    const auto last = hits_.begin() + static_cast<std::ptrdiff_t>(keep_) - 1;
    std::nth_element(hits_.begin(), last, hits_.end(), BetterHit);
    bound_ = last->score;
    hits_.resize(keep_);
  }

  std::size_t keep_;
  std::vector<Hit> hits_;
  float bound_ = -std::numeric_limits<float>::infinity();
};

// Queries as the products want them.
struct GroupedQueries {
  GroupedQueries(const Matrix& queries, const GroupedHead& head)
      : exact(queries.rows * head.float_stride()), rounded(head.has_codes() ? queries.rows * head.code_stride() : 0) {
    for (std::int64_t q = 0; q < queries.rows; ++q) {
      const auto from = queries.Row(q);
      float* const to = exact.get() + q * head.float_stride();
      std::copy(from.begin(), from.end(), to);
      floats.push_back(to);
      lengths.push_back(Dot(to, to, head.dimension));
      if (!head.has_codes()) continue;
      float most = 0;
      for (const float x : from) most = std::max(most, std::abs(x));
      CodedQuery query{CodeFloats(from, head), rounded.get() + q * head.code_stride(), 0, most / 127};
      for (std::int64_t d = 0; d < head.dimension; ++d) {
        const float x = query.scale > 0 ? from[static_cast<std::size_t>(d)] / query.scale : 0;
        const long code = std::isfinite(x) ? std::lround(x) : 0;
        rounded.get()[q * head.code_stride() + d] = static_cast<std::int8_t>(code);
        query.sum += static_cast<std::int32_t>(code);
      }
      coded.push_back(query);
    }
  }
  GroupedQueries(const GroupedQueries&) = delete;
  GroupedQueries& operator=(const GroupedQueries&) = delete;

  AlignedArray<float> exact;
  AlignedArray<std::int8_t> rounded;
  std::vector<AlignedArray<float>> padded;  // rows of codes are padded further than rows of floats
  std::vector<const float*> floats;
  std::vector<CodedQuery> coded;
  std::vector<double> lengths;  // squared

 private:
  const float* CodeFloats(std::span<const float> from, const GroupedHead& head) {
    if (head.code_stride() == head.float_stride()) return floats.back();
    padded.emplace_back(head.code_stride());
    std::copy(from.begin(), from.end(), padded.back().get());
    return padded.back().get();
  }
};

// A query that looks into a list.
struct Visit {
  std::int32_t list = 0;
  std::int32_t query = 0;
  float base = 0;  // the query's product with the list's mean
};

class GroupedIndex : public IndexBackend {
 public:
  explicit GroupedIndex(GroupedData data) : data_(std::move(data)), probes_(data_.head().probes) {
    const GroupedHead& head = data_.head();
    if (head.l2 == 0) return;
    for (std::int64_t list = 0; list < head.lists; ++list) {
      const float* const mean = data_.means + list * head.float_stride();
      mean_lengths_.push_back(static_cast<float>(Dot(mean, mean, head.dimension)));
    }
  }

  void Write(const std::filesystem::path& path) const override { data_.Write(path); }
  std::int64_t size() const override { return data_.head().rows; }
  std::int64_t dimension() const override { return data_.head().dimension; }
  std::string metric() const override { return l2() ? "l2" : "inner_product"; }
  bool exact() const override { return false; }
  std::int64_t batch() const override { return 1 << 14; }
  void SetParameters(const std::string& parameters) override;
  std::vector<std::vector<Neighbor>> Search(const Matrix& queries, std::int64_t k) const override;

 private:
  bool l2() const { return data_.head().l2 != 0; }
  bool flat() const { return data_.head().form == GroupedForm::kFlat; }
  std::int64_t FirstFetch(std::int64_t k) const;

  using Lists = std::vector<std::vector<Neighbor>>;
  void Round(const GroupedQueries& queries, const std::vector<std::int32_t>& which, std::int64_t k, std::int64_t fetch,
             std::int64_t probes, Lists& results) const;
  std::vector<Visit> VisitsOf(const GroupedQueries& queries, std::span<const std::int32_t> which,
                              std::int64_t probes) const;
  void LookInto(const GroupedQueries& queries, std::span<const Visit> visits, std::int64_t first, std::int64_t count,
                const std::vector<std::int32_t>& slots, std::vector<BestHits>& best,
                std::vector<std::mutex>& locks) const;
  std::vector<Neighbor> Score(const GroupedQueries& queries, std::int32_t query, std::int64_t k,
                              std::vector<Hit>& hits) const;
  bool KeepNearKth(double length, std::int64_t k, std::vector<Hit>& hits) const;
  void ScoreExactly(const float* query, const std::vector<Hit>& hits, std::vector<Neighbor>& list) const;

  GroupedData data_;
  std::vector<float> mean_lengths_;  // l2: squared
  std::int64_t probes_;
  std::int64_t k_factor_ = 4;
};

void GroupedIndex::SetParameters(const std::string& parameters) {
  std::int64_t probes = probes_, k_factor = k_factor_;
  const auto fail = [&](const std::string& what) {
    throw InputError("search.index_parameters: '" + Printable(parameters) +
                     "' does not fit the gallery's index: " + what);
  };
  for (std::size_t at = 0; at <= parameters.size();) {
    const auto end = std::min(parameters.find(',', at), parameters.size());
    const std::string_view one = std::string_view(parameters).substr(at, end - at);
    at = end + 1;
    const auto equals = std::min(one.find('='), one.size());
    const std::string_view key = one.substr(0, equals);
    const auto value = ParseInteger(one.substr(std::min(equals + 1, one.size())));
    const bool refine = key == "k_factor" && data_.head().form == GroupedForm::kRefined;
    if (key != "nprobe" && !refine) {
      fail(Printable(key) + std::string("; grouped has nprobe, and with RFlat k_factor"));
    }
    const std::int64_t most = refine ? 1000 : std::numeric_limits<std::int32_t>::max();
    if (!value || *value < 1 || *value > most) {
      fail(std::string(key) + " is a whole number from 1 to " + std::to_string(most));
    }
    (refine ? k_factor : probes) = *value;
  }
  probes_ = std::min(probes, data_.head().lists);
  k_factor_ = k_factor;
}

// How many estimates are kept: more than asked for, since the best by estimate are not quite the best.
std::int64_t GroupedIndex::FirstFetch(std::int64_t k) const {
  const std::int64_t fetch = flat()                                       ? k + 8
                             : data_.head().form == GroupedForm::kRefined ? k_factor_ * k
                                                                          : k + k / 2 + 16;
  return std::min(size(), fetch);
}

std::vector<std::vector<Neighbor>> GroupedIndex::Search(const Matrix& queries, std::int64_t k) const {
  const GroupedQueries asked(queries, data_.head());
  Lists results(static_cast<std::size_t>(queries.rows));
  std::vector<std::int32_t> all(results.size());
  std::iota(all.begin(), all.end(), 0);
  Round(asked, all, k, FirstFetch(k), probes_, results);
  return results;
}

// Each query's nearest lists, sorted by list, then by query.
std::vector<Visit> GroupedIndex::VisitsOf(const GroupedQueries& queries, std::span<const std::int32_t> which,
                                          std::int64_t probes) const {
  constexpr std::size_t kQueriesAtOnce = 48;
  constexpr std::int64_t kMeansAtOnce = 32;
  const GroupedHead& head = data_.head();
  std::vector<Visit> visits(which.size() * static_cast<std::size_t>(probes));
  std::vector<std::int64_t> counts(static_cast<std::size_t>(head.lists));
  const std::size_t blocks = (which.size() + kQueriesAtOnce - 1) / kQueriesAtOnce;
  ForEachInParallel(blocks, omp_get_max_threads(), [&](std::size_t block) {
    ThrowIfStopped();
    const auto here =
        which.subspan(block * kQueriesAtOnce, std::min(kQueriesAtOnce, which.size() - block * kQueriesAtOnce));
    std::vector<const float*> asked;
    for (const auto query : here) asked.push_back(queries.floats[static_cast<std::size_t>(query)]);
    std::vector<BestHits> best(here.size(), BestHits(probes));
    std::vector<float> products(here.size() * kMeansAtOnce);
    std::int32_t hits[kMeansAtOnce];
    for (std::int64_t list = 0; list < head.lists; list += kMeansAtOnce) {
      const std::int64_t panel = std::min(kMeansAtOnce, head.lists - list);
      DotProducts(data_.means + list * head.float_stride(), panel, head.float_stride(), asked, products.data());
      for (std::size_t i = 0; i < here.size(); ++i) {
        float* const scores = products.data() + static_cast<std::int64_t>(i) * panel;
        const ScoreTerms terms{.factor = l2() ? 2.F : 1.F, .norms = l2() ? mean_lengths_.data() + list : nullptr};
        const std::int64_t found = SelectScores(scores, panel, terms, best[i].bound(), hits);
        for (std::int64_t h = 0; h < found; ++h) best[i].Offer({scores[hits[h]], 0, list + hits[h], 0});
      }
    }
    for (std::size_t i = 0; i < here.size(); ++i) {
      auto* visit = visits.data() + (block * kQueriesAtOnce + i) * static_cast<std::size_t>(probes);
      for (const Hit& hit : best[i].Take()) {
        const float length = l2() ? mean_lengths_[static_cast<std::size_t>(hit.row)] : 0;
        *visit++ = {static_cast<std::int32_t>(hit.row), here[i], l2() ? (hit.score + length) / 2 : hit.score};
      }
      // A query that is not finite visits nothing.
      for (; visit < visits.data() + (block * kQueriesAtOnce + i + 1) * static_cast<std::size_t>(probes); ++visit) {
        *visit = {-1, here[i], 0};
      }
    }
  });
  std::erase_if(visits, [](const Visit& visit) { return visit.list < 0; });
  std::stable_sort(visits.begin(), visits.end(), [](const Visit& a, const Visit& b) { return a.list < b.list; });
  return visits;
}

// The products of `count` vectors of one list with the queries that visit it. slots: where a query's best are.
void GroupedIndex::LookInto(const GroupedQueries& queries, std::span<const Visit> visits, std::int64_t first,
                            std::int64_t count, const std::vector<std::int32_t>& slots, std::vector<BestHits>& best,
                            std::vector<std::mutex>& locks) const {
  // A panel of vectors and its products stay in the cache.
  constexpr std::size_t kVisitsAtOnce = 48;
  constexpr std::int64_t kMostRows = 128;
  const GroupedHead& head = data_.head();
  const std::int64_t rows_at_once = head.has_codes() ? kMostRows : kMostRows / 4;
  std::vector<float> products(std::min(visits.size(), kVisitsAtOnce) * static_cast<std::size_t>(rows_at_once));
  std::int32_t hits[kMostRows];
  std::vector<const float*> floats;
  std::vector<CodedQuery> coded;
  for (const Visit& visit : visits) {
    floats.push_back(queries.floats[static_cast<std::size_t>(visit.query)]);
    if (head.has_codes()) coded.push_back(queries.coded[static_cast<std::size_t>(visit.query)]);
  }
  for (std::int64_t place = first; place < first + count; place += rows_at_once) {
    const std::int64_t panel = std::min(rows_at_once, first + count - place);
    for (std::size_t begin = 0; begin < visits.size(); begin += kVisitsAtOnce) {
      const auto here = visits.subspan(begin, std::min(kVisitsAtOnce, visits.size() - begin));
      if (head.has_codes()) {
        DotProducts(data_.codes + place * head.code_stride(), panel, head.code_stride(),
                    std::span(coded).subspan(begin, here.size()), products.data());
      } else {
        DotProducts(data_.vectors + place * head.float_stride(), panel, head.float_stride(),
                    std::span<const float* const>(floats).subspan(begin, here.size()), products.data());
      }
      for (std::size_t i = 0; i < here.size(); ++i) {
        float* const scores = products.data() + static_cast<std::int64_t>(i) * panel;
        const auto slot = static_cast<std::size_t>(slots[static_cast<std::size_t>(here[i].query)]);
        const std::lock_guard lock(locks[slot]);
        ScoreTerms terms{.factor = l2() ? 2.F : 1.F};
        if (l2()) terms.norms = data_.norms + place;
        if (head.has_codes()) {
          terms.base = terms.factor * here[i].base;
          terms.scales = data_.steps + place;
          terms.gains = data_.gains + place;
        }
        const std::int64_t found = SelectScores(scores, panel, terms, best[slot].bound(), hits);
        for (std::int64_t h = 0; h < found; ++h) {
          best[slot].Offer({scores[hits[h]], here[i].base, data_.rows[place + hits[h]], place + hits[h]});
        }
      }
    }
  }
}

// Scores in double of four rows at a time: each sum is one chain of additions, and the chains overlap.
template <bool kL2>
void ScoreFour(const float* query, const float* const (&x)[4], std::int64_t dimension, double (&scores)[4]) {
  double a = 0, b = 0, c = 0, d = 0;
  const auto term = [](double asked, double value) { return kL2 ? (asked - value) * (asked - value) : asked * value; };
  for (std::int64_t i = 0; i < dimension; ++i) {
    const double asked = query[i];
    a += term(asked, x[0][i]);
    b += term(asked, x[1][i]);
    c += term(asked, x[2][i]);
    d += term(asked, x[3][i]);
  }
  scores[0] = kL2 ? 0.0 - a : a;
  scores[1] = kL2 ? 0.0 - b : b;
  scores[2] = kL2 ? 0.0 - c : c;
  scores[3] = kL2 ? 0.0 - d : d;
}

void GroupedIndex::ScoreExactly(const float* query, const std::vector<Hit>& hits, std::vector<Neighbor>& list) const {
  const GroupedHead& head = data_.head();
  for (std::size_t i = 0; i < hits.size(); i += 4) {
    const std::size_t here = std::min<std::size_t>(4, hits.size() - i);
    const float* x[4];
    for (std::size_t j = 0; j < 4; ++j)
      x[j] = data_.vectors + hits[i + std::min(j, here - 1)].place * head.float_stride();
    double scores[4];
    l2() ? ScoreFour<true>(query, x, head.dimension, scores) : ScoreFour<false>(query, x, head.dimension, scores);
    for (std::size_t j = 0; j < here; ++j) list.push_back({hits[i + j].row, scores[j]});
  }
}

// Drops what is surely not among the best k by estimates in single precision. -> whether a row that was not kept may
// be.
bool GroupedIndex::KeepNearKth(double length, std::int64_t k, std::vector<Hit>& hits) const {
  if (static_cast<std::int64_t>(hits.size()) < k) return false;
  const GroupedHead& head = data_.head();
  const double product = std::sqrt(length * head.longest);
  const double least =
      hits[static_cast<std::size_t>(k - 1)].score - 4e-6 * (l2() ? 2 * product + head.longest : product);
  const bool open = hits.back().score >= least;
  hits.erase(std::ranges::find_if(hits, [&](const Hit& hit) { return hit.score < least; }), hits.end());
  return open;
}

std::vector<Neighbor> GroupedIndex::Score(const GroupedQueries& queries, std::int32_t query, std::int64_t k,
                                          std::vector<Hit>& hits) const {
  const GroupedHead& head = data_.head();
  const auto q = static_cast<std::size_t>(query);
  const double length = queries.lengths[q];
  std::vector<Neighbor> list;
  list.reserve(hits.size());
  if (head.has_vectors()) {
    if (head.has_codes()) {
      for (Hit& hit : hits) {
        DotProducts(data_.vectors + hit.place * head.float_stride(), 1, head.float_stride(), {&queries.floats[q], 1},
                    &hit.score);
        if (l2()) hit.score = 2 * hit.score - data_.norms[hit.place];
      }
      std::erase_if(hits, [](const Hit& hit) { return std::isnan(hit.score); });
      std::sort(hits.begin(), hits.end(), BetterHit);
      KeepNearKth(length, k, hits);
    }
    ScoreExactly(queries.floats[q], hits, list);
  } else {
    for (const Hit& hit : hits) {
      float product = 0;
      DotProducts(data_.codes + hit.place * head.code_stride(), 1, head.code_stride(), {&queries.coded[q], 1}, &product,
                  /*exact=*/true);
      const double score = data_.gains[hit.place] * (hit.base + static_cast<double>(data_.steps[hit.place]) * product);
      list.push_back({hit.row, l2() ? std::min(0.0, 2 * score - length - data_.norms[hit.place]) : score});
    }
  }
  std::erase_if(list, [](const Neighbor& neighbor) { return std::isnan(neighbor.score); });
  std::sort(list.begin(), list.end(), Before);
  return list;
}

// Looks into `probes` lists for these queries, and again, further, for those whose answer is not whole.
void GroupedIndex::Round(const GroupedQueries& queries, const std::vector<std::int32_t>& which, std::int64_t k,
                         std::int64_t fetch, std::int64_t probes, Lists& results) const {
  constexpr std::int64_t kRowsOfItem = 2048;
  const GroupedHead& head = data_.head();
  const auto batch = static_cast<std::size_t>(std::clamp<std::int64_t>((1 << 23) / fetch, 1, 1 << 14));
  std::vector<std::int32_t> open, lacking;
  std::vector<std::int32_t> slots(results.size());
  for (std::size_t start = 0; start < which.size(); start += batch) {
    const auto here = std::span(which).subspan(start, std::min(batch, which.size() - start));
    const std::vector<Visit> visits = VisitsOf(queries, here, probes);
    struct Item {
      std::int64_t first, count;
      std::span<const Visit> visits;
    };
    std::vector<Item> items;
    for (std::size_t begin = 0, end = 0; begin < visits.size(); begin = end) {
      while (end < visits.size() && visits[end].list == visits[begin].list) ++end;
      const std::int64_t last = data_.starts[visits[begin].list + 1];
      for (std::int64_t first = data_.starts[visits[begin].list]; first < last; first += kRowsOfItem) {
        items.push_back({first, std::min(kRowsOfItem, last - first), std::span(visits).subspan(begin, end - begin)});
      }
    }
    for (std::size_t i = 0; i < here.size(); ++i)
      slots[static_cast<std::size_t>(here[i])] = static_cast<std::int32_t>(i);
    std::vector<BestHits> best(here.size(), BestHits(fetch));
    std::vector<std::mutex> locks(here.size());
    ForEachInParallel(items.size(), omp_get_max_threads(), [&](std::size_t i) {
      ThrowIfStopped();
      LookInto(queries, items[i].visits, items[i].first, items[i].count, slots, best, locks);
    });
    std::vector<char> is_open(here.size()), is_lacking(here.size());
    ForEachInParallel(here.size(), omp_get_max_threads(), [&](std::size_t i) {
      auto hits = best[i].Take();
      const bool all = static_cast<std::int64_t>(hits.size()) < fetch || fetch == head.rows;
      const double length = queries.lengths[static_cast<std::size_t>(here[i])];
      if (flat() && KeepNearKth(length, k, hits) && !all) is_open[i] = 1;
      auto list = Score(queries, here[i], k, hits);
      if (static_cast<std::int64_t>(list.size()) < k && probes < head.lists) is_lacking[i] = 1;
      if (static_cast<std::int64_t>(list.size()) > k) list.resize(static_cast<std::size_t>(k));
      results[static_cast<std::size_t>(here[i])] = std::move(list);
    });
    for (std::size_t i = 0; i < here.size(); ++i) {
      if (is_lacking[i] != 0) lacking.push_back(here[i]);
      if (is_open[i] != 0) open.push_back(here[i]);
    }
  }
  if (!lacking.empty()) Round(queries, lacking, k, fetch, std::min(head.lists, probes * 4), results);
  if (!open.empty()) Round(queries, open, k, std::min(head.rows, fetch * 4), probes, results);
}

// The codes of a vector, and what a score by them needs. Its gain makes the product of the vector with its own codes
// right, and so most of the product with a query that is like it: the error that stays is a half (Gao and Long, RaBitQ,
// 2024, use the like of it).
void Encode(GroupedData& data, std::int64_t place, const float* x, const float* mean) {
  const GroupedHead& head = data.head();
  float most = 0;
  for (std::int64_t d = 0; d < head.dimension; ++d) most = std::max(most, std::abs(x[d] - mean[d]));
  const float step = most / 127;
  data.steps[place] = step;
  std::uint8_t* const codes = data.codes + place * head.code_stride();
  double length = 0, product = 0;
  for (std::int64_t d = 0; d < head.dimension; ++d) {
    const float value = step > 0 ? (x[d] - mean[d]) / step : 0;
    const long code = std::isfinite(value) ? std::lround(value) : 0;
    codes[d] = static_cast<std::uint8_t>(kCodeZero + code);
    length += static_cast<double>(x[d]) * x[d];
    product += x[d] * (mean[d] + static_cast<double>(step) * static_cast<double>(code));
  }
  const double gain = product > 0 ? length / product : 1;
  data.gains[place] = static_cast<float>(std::clamp(gain, 0.5, 2.0));
  if (head.l2 != 0) data.norms[place] = static_cast<float>(length);
}

// Rows, vectors and codes, list by list.
void FillLists(const RowsView& vectors, const std::vector<std::int32_t>& nearest, GroupedData& data) {
  const GroupedHead& head = data.head();
  for (const auto list : nearest) ++data.starts[list + 1];
  std::partial_sum(data.starts, data.starts + head.lists + 1, data.starts);
  std::vector<std::int64_t> next(data.starts, data.starts + head.lists);
  for (std::size_t row = 0; row < nearest.size(); ++row) {
    data.rows[next[static_cast<std::size_t>(nearest[row])]++] = static_cast<std::int64_t>(row);
  }
  ForEachInParallel(static_cast<std::size_t>(head.lists), omp_get_max_threads(), [&](std::size_t list) {
    ThrowIfStopped();
    for (std::int64_t place = data.starts[list]; place < data.starts[list + 1]; ++place) {
      const float* const x = vectors.Row(data.rows[place]);
      if (head.has_codes()) Encode(data, place, x, data.means + static_cast<std::int64_t>(list) * head.float_stride());
      if (head.has_vectors()) std::copy_n(x, head.dimension, data.vectors + place * head.float_stride());
      if (head.l2 != 0 && !head.has_codes()) data.norms[place] = static_cast<float>(Dot(x, x, head.dimension));
    }
  });
}

}  // namespace

bool TakesForGrouped(const std::string& factory) { return factory.starts_with("grouped"); }

bool IsForGrouped(const std::string& head) { return head.starts_with(kGroupedMagic); }

std::unique_ptr<IndexBackend> BuildGrouped(const RowsView& vectors, const std::string& factory,
                                           const std::string& metric) {
  const std::string what = "gallery.index: '" + Printable(factory) + "' ";
  const auto parsed = ParseGroupedFactory(factory);
  if (!parsed) {
    throw InputError(what +
                     "is none of grouped, grouped,SQ8 and grouped,SQ8,RFlat, with the number of lists behind "
                     "grouped or not, as in grouped256,SQ8");
  }
  if (vectors.columns > kMostGroupedDimensions) {
    throw InputError(what + "takes vectors of up to " + std::to_string(kMostGroupedDimensions) + " dimensions, not " +
                     std::to_string(vectors.columns));
  }
  if (parsed->lists > vectors.rows) {
    throw InputError(what + "has more lists than there are vectors, " + std::to_string(vectors.rows));
  }
  GroupedHead head;
  head.dimension = vectors.columns;
  head.rows = vectors.rows;
  head.lists = parsed->lists;
  if (head.lists == 0) {
    head.lists =
        std::min(kMostLists, static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(head.rows)))) * 2);
    head.lists = std::min(head.lists, head.rows);
  }
  head.probes = std::min(head.lists, kProbes);
  head.l2 = metric == "l2" ? 1 : 0;
  head.form = parsed->form;
  for (std::int64_t row = 0; row < head.rows; ++row) {
    const double length = Dot(vectors.Row(row), vectors.Row(row), head.dimension);
    if (length > head.longest) head.longest = length;
  }
  GroupedData data(head);
  const int threads = omp_get_max_threads();
  TrainLists(vectors, head.lists, head.float_stride(), kListSeed, threads, data.means);
  FillLists(vectors, NearestLists(vectors, nullptr, data.means, head.lists, head.float_stride(), threads), data);
  return std::make_unique<GroupedIndex>(std::move(data));
}

std::unique_ptr<IndexBackend> BuildGroupedIndex(const Matrix& vectors, const std::string& factory,
                                                const std::string& metric, const KeepIndex&) {
  return BuildGrouped({vectors.values.data(), vectors.rows, vectors.columns}, factory, metric);
}

std::unique_ptr<IndexBackend> LoadGroupedIndex(const std::filesystem::path& path) {
  return std::make_unique<GroupedIndex>(GroupedData(path));
}

}  // namespace dualgeo
