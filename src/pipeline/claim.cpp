#include "pipeline/claim.h"

#include <algorithm>
#include <map>

#include "eval/cluster_statistics.h"
#include "study_table.h"

namespace dualgeo {
namespace {

bool EverySeedAbove(const ClaimEvidence& e, double km) {
  std::map<int, double> margins;
  for (std::size_t i = 0; i < e.dual.size(); ++i) {
    margins[e.seeds[i]] += MeanAccuracy({e.dual[i]}, km) - MeanAccuracy({e.image[i]}, km);
  }
  return std::ranges::all_of(margins, [](const auto& margin) { return margin.second > 0; });
}

}  // namespace

std::vector<ClaimVerdict> JudgeClaim(const std::vector<ClaimEvidence>& conditions, const ClaimRule& rule) {
  std::vector<ClaimVerdict> verdicts;
  std::vector<double> p_values;
  const double km = rule.threshold_km;
  for (const ClaimEvidence& e : conditions) {
    ClaimVerdict v;
    v.condition = e.condition;
    v.dual = MeanAccuracy(e.dual, km);
    v.image = MeanAccuracy(e.image, km);
    const PhotoClusters* clusters = e.clusters ? &*e.clusters : nullptr;
    v.margin =
        PairedBootstrap(e.dual, e.image, std::vector<double>{km}, rule.rounds, rule.seed, clusters).accuracy.front();
    // Resampling photos of which none differs gives no width; n photos cannot exclude a difference in one of n / 3.69
    // of them (at 97.5 %, "rule of three").
    const std::vector<double> hits = HitDifferences(e.dual, e.image, km);
    const std::vector<double> none(hits.size(), 0.0);
    const double unseen = 369.0 / (clusters != nullptr ? MeanOverClusters(none, clusters->of_photo).EffectiveCount()
                                                       : static_cast<double>(hits.size()));
    v.margin.ci95.high = std::max(v.margin.ci95.high, std::min(100.0, v.margin.value + unseen));
    v.margin.ci95.low = std::min(v.margin.ci95.low, std::max(-100.0, v.margin.value - unseen));
    v.p_value = clusters != nullptr ? ClusterHitTest(hits, *clusters, rule.rounds, rule.seed)
                                    : PermutationTest(hits, rule.rounds, rule.seed).p_value;
    p_values.push_back(v.p_value);
    verdicts.push_back(std::move(v));
  }
  const std::vector<double> holm = HolmCorrect(p_values);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    ClaimVerdict& v = verdicts[i];
    const ClaimEvidence& e = conditions[i];
    v.holm = holm[i];
    const bool real = v.holm <= 0.05 && v.margin.value > 0;
    const bool all_seeds = EverySeedAbove(e, km);
    std::string why;
    if (real && all_seeds) {
      v.verdict = "supported";
      why = "the dual view stays above the image alone";
    } else if (v.margin.ci95.high < rule.negligible) {
      v.verdict = "contradicted";
      why = v.margin.ci95.high < 0 ? "the dual view falls below the image alone"
                                   : "the dual view falls to the level of the image alone";
    } else {
      v.verdict = "undecided";
      why = real ? "the margin is not above 0 for every seed" : "the margin may be 0 and may be more than negligible";
    }
    const std::string p = v.holm < 0.001 ? "< 0.001" : Fixed(v.holm, 3);
    v.reason = why;
    v.reason += ": dual " + Fixed(v.dual, 1) + " %, image " + Fixed(v.image, 1) + " %, margin " +
                SignedText(v.margin.value) + " " + SignedText(v.margin.ci95) + " points, corrected p " + p +
                "; margin on clean photos " + SignedText(e.clean_margin);
    if (e.has_clean_masks) v.reason += ", with clean masks " + SignedText(e.clean_mask_margin);
  }
  return verdicts;
}

}  // namespace dualgeo
