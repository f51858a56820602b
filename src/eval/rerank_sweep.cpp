#include "eval/rerank_sweep.h"
#include "config/config.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "eval/author_folds.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

double MeanAccuracy(const Evaluation& evaluation) {
  double sum = 0;
  for (const auto& accuracy : evaluation.all.accuracy) sum += accuracy.percent;
  return sum / static_cast<double>(evaluation.all.accuracy.size());
}

class Sweep {
 public:
  Sweep(const RerankStudy& study, const SweepOptions& options)
      : study_(study), options_(options), parameters_(ReadPosteriorParameters(options.rerank.parameters)) {
    std::vector<std::string> ids;
    for (const auto& row : study.truth.rows) ids.push_back(row.id);
    fitted_here_ = !parameters_.fitted_on.empty() && parameters_.fitted_on == TrainingFingerprint(ids);
  }

  void Add(const std::string& method, const std::string& settings, Choice choice,
           const std::vector<Prediction>& predictions) {
    SweepRow row;
    row.method = method;
    row.settings = settings;
    row.choice = choice;
    row.evaluation = Evaluate(study_.truth, predictions, options_.evaluate, {"", method + " " + settings, "", "", ""});
    row.mean_accuracy = MeanAccuracy(row.evaluation);
    if (!rows_.empty()) row.comparison = Compare(rows_.front().evaluation, row.evaluation);
    rows_.push_back(std::move(row));
  }

  std::vector<Prediction> Run(const RerankOptions& options) const {
    ThrowIfStopped();
    return ToPredictions(study_, EstimateAll(study_, options, parameters_, false), options.method);
  }

  // The settings' rows, the best of them marked, and the row of settings chosen on other folds.
  void AddGrid(const std::string& method, const std::vector<std::pair<std::string, RerankOptions>>& grid) {
    const std::size_t first = rows_.size();
    std::vector<std::vector<Prediction>> all;
    for (const auto& [settings, options] : grid) {
      all.push_back(Run(options));
      Add(method, settings, Choice::kGrid, all.back());
    }
    if (grid.size() < 2) {
      if (!grid.empty()) rows_.back().choice = Choice::kFixed;
      return;
    }
    std::vector<Prediction> chosen(study_.truth.rows.size());
    const auto fold_of = AuthorFolds(study_.truth, options_.folds, static_cast<std::uint64_t>(options_.seed));
    for (int fold = 0; fold < options_.folds; ++fold) {
      std::size_t best = 0;
      std::int64_t most = -1;
      for (std::size_t g = 0; g < grid.size(); ++g) {
        std::int64_t hits = 0;
        for (std::size_t i = 0; i < fold_of.size(); ++i) {
          const auto& error = rows_[first + g].evaluation.photos[i].error_km;
          if (fold_of[i] == fold || !error) continue;
          for (const double threshold : options_.evaluate.thresholds_km) hits += *error < threshold ? 1 : 0;
        }
        if (hits > most) {
          most = hits;
          best = g;
        }
      }
      for (std::size_t i = 0; i < fold_of.size(); ++i) {
        if (fold_of[i] == fold) chosen[i] = all[best][i];
      }
    }
    const auto best = std::max_element(rows_.begin() + static_cast<std::ptrdiff_t>(first), rows_.end(),
                                       [](const auto& a, const auto& b) { return a.mean_accuracy < b.mean_accuracy; });
    best->choice = Choice::kSameData;
    Add(method, "settings chosen on the other folds", Choice::kOtherFolds, chosen);
  }

  std::vector<Prediction> HeldOut(const RerankOptions& options, bool with_answers) const {
    FitOptions fit = options_.fit;
    fit.top_k = options.top_k;
    fit.network = options.method == "mlp";
    return ToPredictions(
        study_,
        EstimateHeldOut(study_, options, fit, options_.folds, static_cast<std::uint64_t>(options_.seed), with_answers),
        options.method);
  }

  Choice Shipped() const { return fitted_here_ ? Choice::kSameData : Choice::kFixed; }

  const RerankStudy& study_;
  const SweepOptions& options_;
  PosteriorParameters parameters_;
  bool fitted_here_ = false;
  std::vector<SweepRow> rows_;
};

const char* Mark(Choice choice) {
  switch (choice) {
    case Choice::kFixed:
      return "fixed beforehand";
    case Choice::kOtherFolds:
      return "other photographers";
    case Choice::kGrid:
      return "grid";
    case Choice::kSameData:
      return "* same data";
  }
  return "";
}

// Settings side by side: what they are called, and what they are.
using SweepGrid = std::vector<std::pair<std::string, RerankOptions>>;

SweepGrid DbscanGrid(const SweepOptions& options) {
  SweepGrid grid;
  RerankOptions each = options.rerank;
  each.method = "dbscan";
  for (const int k : options.top_k) {
    for (const int samples : options.min_samples) {
      for (const double eps : options.eps_km) {
        each.eps_km = eps;
        each.min_samples = samples;
        each.top_k = k;
        grid.emplace_back(fmt::format("eps {}, min_samples {}, {}, top {}", FormatDouble(eps), samples, each.center, k),
                          each);
      }
    }
  }
  return grid;
}

// Of a method with one width.
SweepGrid WidthGrid(const SweepOptions& options, const std::string& method, double RerankOptions::*width,
                    const std::vector<double>& values, const std::function<std::string(const RerankOptions&)>& name) {
  SweepGrid grid;
  RerankOptions each = options.rerank;
  each.method = method;
  for (const int k : options.top_k) {
    for (const double value : values) {
      each.*width = value;
      each.top_k = k;
      grid.emplace_back(fmt::format("{}, top {}", name(each), k), each);
    }
  }
  return grid;
}

SweepGrid DensityGrid(const SweepOptions& options) {
  return WidthGrid(options, "density", &RerankOptions::density_km, options.density_km,
                   [](const RerankOptions& o) { return fmt::format("width {} km", FormatDouble(o.density_km)); });
}

SweepGrid MeanShiftGrid(const SweepOptions& options) {
  return WidthGrid(options, "mean_shift", &RerankOptions::bandwidth_km, options.bandwidth_km,
                   [](const RerankOptions& o) {
                     return fmt::format("bandwidth {} km, min_members {}", FormatDouble(o.bandwidth_km), o.min_members);
                   });
}

SweepGrid KdeGrid(const SweepOptions& options) {
  return WidthGrid(options, "kde", &RerankOptions::sigma_deg, options.sigma_deg, [](const RerankOptions& o) {
    return fmt::format("sigma {} degrees, snap {} km", FormatDouble(o.sigma_deg), FormatDouble(o.snap_km));
  });
}

SweepGrid MultiscaleGrid(const SweepOptions& options) {
  SweepGrid grid;
  RerankOptions each = options.rerank;
  each.method = "multiscale";
  std::vector<std::string> widths;
  for (const double km : each.widths_km) widths.push_back(FormatDouble(km));
  for (const int k : options.top_k) {
    each.top_k = k;
    grid.emplace_back(
        fmt::format("widths {} km, rank_scale {}, top {}", Join(widths, " "), FormatDouble(each.rank_scale), k), each);
  }
  return grid;
}

}  // namespace

void SweepOptions::Validate() const {
  CheckFields(*this, "sweep");
  if (eps_km.empty() || min_samples.empty() || top_k.empty() || density_km.empty() || bandwidth_km.empty() ||
      sigma_deg.empty()) {
    throw InputError("eps_km, min_samples, top_k, density_km, bandwidth_km and sigma_deg need at least one value each");
  }
  rerank.Validate();
  fit.Validate();
  evaluate.Validate();
}

std::vector<SweepRow> SweepRerankers(const RerankStudy& study, const SweepOptions& options) {
  options.Validate();
  CheckStudy(study);
  Sweep sweep(study, options);
  const auto wanted = [&](const char* method) {
    return options.methods.empty() ||
           std::find(options.methods.begin(), options.methods.end(), method) != options.methods.end();
  };
  RerankOptions paper = options.rerank;
  paper.method = "dbscan";
  paper.eps_km = 50;
  paper.min_samples = 2;
  paper.center = "arithmetic_mean";
  paper.cluster_choice = "size";
  paper.order = "center";
  sweep.Add("dbscan", fmt::format("DualGeo's: eps 50, min_samples 2, arithmetic_mean, top {}", paper.top_k),
            Choice::kFixed, sweep.Run(paper));
  RerankOptions each = options.rerank;
  if (wanted("none")) {
    each.method = "none";
    sweep.Add("none", "rank 1", Choice::kFixed, sweep.Run(each));
  }
  if (wanted("dbscan")) sweep.AddGrid("dbscan", DbscanGrid(options));
  if (wanted("density")) sweep.AddGrid("density", DensityGrid(options));
  if (wanted("multiscale")) sweep.AddGrid("multiscale", MultiscaleGrid(options));
  if (wanted("mean_shift")) sweep.AddGrid("mean_shift", MeanShiftGrid(options));
  if (wanted("kde")) sweep.AddGrid("kde", KdeGrid(options));
  if (wanted("bayes")) {
    each = options.rerank;
    each.method = "bayes";
    for (const char* answer : {"point", "candidate"}) {
      each.answer = answer;
      sweep.Add("bayes", fmt::format("answer {}, fitted on the other folds, top {}", answer, each.top_k),
                Choice::kOtherFolds, sweep.HeldOut(each, false));
      const std::string which = options.rerank.parameters.empty() ? "shipped" : "given";
      sweep.Add("bayes", fmt::format("answer {}, {} parameters, top {}", answer, which, each.top_k), sweep.Shipped(),
                sweep.Run(each));
    }
  }
  if (wanted("mlp")) {
    each = options.rerank;
    each.method = "mlp";
    sweep.Add("mlp", fmt::format("fitted on the other folds, top {}", each.top_k), Choice::kOtherFolds,
              sweep.HeldOut(each, false));
  }
  return std::move(sweep.rows_);
}

std::vector<SweepRow> CompareWithAnswers(const RerankStudy& all, const SweepOptions& options) {
  options.Validate();
  CheckStudy(all);
  const RerankStudy study = WithAnswers(all);
  Sweep sweep(study, options);
  std::vector<Prediction> alone;
  for (const auto& row : study.truth.rows) {
    alone.push_back({row.id, study.answers.at(row.id).front(), "lmm", std::nullopt, ""});
  }
  sweep.Add("lmm", "the (first) answer alone", Choice::kFixed, alone);
  RerankOptions each = options.rerank;
  each.method = "none";
  sweep.Add("none", "rank 1", Choice::kFixed, sweep.Run(each));
  each.method = "multiscale";
  sweep.Add("multiscale", "the list alone", Choice::kFixed, sweep.Run(each));
  each.method = "bayes";
  sweep.Add("bayes", "the list alone, fitted on the other folds", Choice::kOtherFolds, sweep.HeldOut(each, false));
  sweep.Add("bayes", "list and answers, fitted on the other folds", Choice::kOtherFolds, sweep.HeldOut(each, true));
  return std::move(sweep.rows_);
}

std::string FormatSweep(const std::vector<SweepRow>& rows) {
  if (rows.empty()) return "";
  std::string text = "| method | settings | chosen on |";
  std::string rule = "|---|---|---|";
  for (const auto& accuracy : rows.front().evaluation.all.accuracy) {
    text += fmt::format(" < {} km % |", FormatDouble(accuracy.threshold_km));
    rule += "---|";
  }
  text += " mean |\n" + rule + "---|\n";
  for (const auto& row : rows) {
    text += fmt::format("| {} | {} | {} |", row.method, row.settings, Mark(row.choice));
    for (std::size_t t = 0; t < row.evaluation.all.accuracy.size(); ++t) {
      const auto& accuracy = row.evaluation.all.accuracy[t];
      text += fmt::format(" {:.2f} ({:.1f}-{:.1f})", accuracy.percent, accuracy.ci95.low, accuracy.ci95.high);
      if (!row.comparison.empty()) text += fmt::format(" p={:.2g}", row.comparison[t].p_value);
      text += " |";
    }
    text += fmt::format(" {:.2f} |\n", row.mean_accuracy);
  }
  const auto& clusters = rows.front().evaluation.subject.clusters;
  text += fmt::format(
      "\n{} photos, {} distance. In brackets: 95 % intervals (Wilson, over {}). p: {} against the first row, "
      "two-sided, not corrected for the number of rows. Chosen on: *fixed beforehand*: nothing was chosen by looking "
      "at "
      "these photos; *other photographers*: settings or parameters come from the other folds of photographers; *grid*: "
      "one of many; *\\* same data*: the best of its grid, or fitted, on the photos it is scored on: optimistic.\n",
      rows.front().evaluation.count, rows.front().evaluation.options.distance, OverWhat(clusters),
      clusters ? "sign flips of all photos of one of them" : "exact McNemar test");
  return text;
}

std::string SweepJson(const std::vector<SweepRow>& rows, const Provenance& provenance) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    nlohmann::ordered_json item = {{"method", row.method},
                                   {"settings", row.settings},
                                   {"chosen_on", Mark(row.choice)},
                                   {"count", row.evaluation.count},
                                   {"mean_accuracy", row.mean_accuracy}};
    for (std::size_t t = 0; t < row.evaluation.all.accuracy.size(); ++t) {
      const auto& accuracy = row.evaluation.all.accuracy[t];
      const std::string km = FormatDouble(accuracy.threshold_km);
      item["accuracy"][km] = accuracy.percent;
      item["ci95"][km] = {accuracy.ci95.low, accuracy.ci95.high};
      if (!row.comparison.empty()) item["p_value"][km] = row.comparison[t].p_value;
    }
    array.push_back(std::move(item));
  }
  const nlohmann::ordered_json json = {{"rows", array}, {"provenance", ToJson(provenance)}};
  // File names need not be UTF-8.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace dualgeo
