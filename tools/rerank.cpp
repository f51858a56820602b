#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/util/text.h"

namespace dualgeo::tools {
namespace {

struct RerankFlags {
  std::filesystem::path candidates, out;
  RerankOptions options;
  int threads = 0;
};

}  // namespace

void AddRerank(CLI::App& root) {
  auto* command = root.add_subcommand("rerank", "put each photo's candidates in a better order");
  const auto flags = std::make_shared<RerankFlags>();
  RerankOptions& options = flags->options;
  command->add_option("--candidates", flags->candidates, "candidates CSV")->required();
  command->add_option("--out", flags->out, "candidates CSV in the new order")->required();
  command->add_option("--method", options.method, Join(RerankerNames(), " | "))->capture_default_str();
  command->add_option("--top-k", options.top_k, "similar candidates that take part; later ones are dropped")
      ->capture_default_str();
  command->add_option("--eps-km", options.eps_km, "dbscan: greatest distance of neighbours")->capture_default_str();
  command->add_option("--min-samples", options.min_samples, "dbscan: neighbours of a core point, itself included")
      ->capture_default_str();
  command->add_option("--center", options.center, Join(CenterRuleNames(), " | "))->capture_default_str();
  command->add_option("--threads", flags->threads, "0: all cores")->capture_default_str()->check(CLI::Range(0, 4096));
  command->callback([flags] {
    flags->options.Validate();
    auto lists = Rerank(flags->options, ReadCandidates(flags->candidates), flags->threads);
    WriteCandidates(flags->out, lists);
    spdlog::info("rerank: {} lists by {} -> {}", lists.size(), flags->options.method, flags->out.string());
  });
}

}  // namespace dualgeo::tools
