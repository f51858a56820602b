#include "dualgeo/pipeline/claim.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace dualgeo {
namespace {

std::string Points(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f", value);
  return text;
}

std::string Percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

double MeanAccuracy(const std::vector<std::vector<double>>& runs, double km) {
  double sum = 0;
  for (const auto& run : runs) {
    const auto within = std::ranges::count_if(run, [&](double error) { return error < km; });
    sum += 100.0 * static_cast<double>(within) / static_cast<double>(run.size());
  }
  return sum / static_cast<double>(runs.size());
}

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
    v.margin = PairedBootstrap(e.dual, e.image, std::vector<double>{km}, rule.rounds, rule.seed).accuracy.front();
    // Resampling photos of which none differs gives no width; n photos cannot exclude a difference in one of n / 3.69
    // of them (at 97.5 %, "rule of three").
    const double unseen = 369.0 / static_cast<double>(e.dual.front().size());
    v.margin.ci95.high = std::max(v.margin.ci95.high, std::min(100.0, v.margin.value + unseen));
    v.margin.ci95.low = std::min(v.margin.ci95.low, std::max(-100.0, v.margin.value - unseen));
    std::vector<double> by_photo(e.dual.front().size(), 0.0);
    for (std::size_t run = 0; run < e.dual.size(); ++run) {
      for (std::size_t p = 0; p < by_photo.size(); ++p) {
        by_photo[p] += (e.dual[run][p] < km ? 1.0 : 0.0) - (e.image[run][p] < km ? 1.0 : 0.0);
      }
    }
    v.p_value = PermutationTest(by_photo, rule.rounds, rule.seed).p_value;
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
    char p[32];
    std::snprintf(p, sizeof p, v.holm < 0.001 ? "< 0.001" : "%.3f", v.holm);
    v.reason = why;
    v.reason += ": dual " + Percent(v.dual) + " %, image " + Percent(v.image) + " %, margin " + Points(v.margin.value) +
                " [" + Points(v.margin.ci95.low) + ", " + Points(v.margin.ci95.high) + "] points, corrected p " + p +
                "; margin on clean photos " + Points(e.clean_margin);
    if (e.has_clean_masks) v.reason += ", with clean masks " + Points(e.clean_mask_margin);
  }
  return verdicts;
}

}  // namespace dualgeo
