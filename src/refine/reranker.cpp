#include "dualgeo/refine/reranker.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>
#include <mutex>
#include <thread>

#include "dbscan_reranker.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "none_reranker.h"

namespace dualgeo {
namespace {

struct Method {
  const char* name;
  std::unique_ptr<Reranker> (*make)(const RerankOptions&);
};

constexpr Method kMethods[] = {
    {"none", MakeNoneReranker},
    {"dbscan", MakeDbscanReranker},
};

const Method* FindMethod(const std::string& name) {
  const auto* found =
      std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& method) { return name == method.name; });
  return found == std::end(kMethods) ? nullptr : found;
}

[[noreturn]] void Refuse(const std::string& field, const std::string& value, const std::string& rule) {
  throw InputError("rerank." + field + " is " + value + "; " + rule);
}

}  // namespace

const std::vector<std::string>& RerankerNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& method : kMethods) all.emplace_back(method.name);
    return all;
  }();
  return names;
}

void RerankOptions::Validate() const {
  if (FindMethod(method) == nullptr) Refuse("method", Printable(method), "allowed: " + Join(RerankerNames()));
  if (top_k < 1) Refuse("top_k", std::to_string(top_k), "it must be 1 or more");
  if (!(eps_km >= 0 && eps_km <= 20100)) Refuse("eps_km", FormatDouble(eps_km), "it must lie in [0, 20100]");
  if (min_samples < 1) Refuse("min_samples", std::to_string(min_samples), "it must be 1 or more");
  const auto& centers = CenterRuleNames();
  if (std::find(centers.begin(), centers.end(), center) == centers.end()) {
    Refuse("center", Printable(center), "allowed: " + Join(centers));
  }
}

std::unique_ptr<Reranker> MakeReranker(const RerankOptions& options) {
  options.Validate();
  return FindMethod(options.method)->make(options);
}

CandidateList Rerank(const Reranker& reranker, CandidateList list, int top_k) {
  auto& candidates = list.candidates;
  const auto first_dissimilar =
      std::find_if(candidates.begin(), candidates.end(), [](const Candidate& c) { return !c.similar; });
  std::vector<Candidate> similar(std::make_move_iterator(candidates.begin()),
                                 std::make_move_iterator(first_dissimilar));
  if (similar.size() > static_cast<std::size_t>(top_k)) similar.resize(static_cast<std::size_t>(top_k));
  for (auto& candidate : similar) {
    if (!candidate.retrieval_rank) candidate.retrieval_rank = candidate.rank;
  }
  if (!similar.empty()) reranker.Reorder(similar);
  for (std::size_t i = 0; i < similar.size(); ++i) similar[i].rank = static_cast<int>(i) + 1;
  similar.insert(similar.end(), std::make_move_iterator(first_dissimilar), std::make_move_iterator(candidates.end()));
  candidates = std::move(similar);
  return list;
}

std::vector<CandidateList> Rerank(const RerankOptions& options, std::vector<CandidateList> lists, int threads) {
  const std::unique_ptr<Reranker> reranker = MakeReranker(options);
  if (threads <= 0) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  constexpr std::size_t kBlock = 256;
  const std::size_t blocks = (lists.size() + kBlock - 1) / kBlock;
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto work = [&] {
    try {
      for (std::size_t block = next++; block < blocks; block = next++) {
        ThrowIfStopped();
        const std::size_t end = std::min(lists.size(), (block + 1) * kBlock);
        for (std::size_t i = block * kBlock; i < end; ++i) {
          lists[i] = Rerank(*reranker, std::move(lists[i]), options.top_k);
        }
      }
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
      next = blocks;
    }
  };
  std::vector<std::thread> helpers;
  for (std::size_t i = 1; i < std::min<std::size_t>(static_cast<std::size_t>(threads), blocks); ++i) {
    helpers.emplace_back(work);
  }
  work();
  for (auto& helper : helpers) helper.join();
  if (error) std::rethrow_exception(error);
  return lists;
}

}  // namespace dualgeo
