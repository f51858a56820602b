#include "eval/compare.h"

#include <algorithm>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"
#include "table_cells.h"

namespace dualgeo {
namespace {

void Check(const std::vector<Method>& methods, const CompareOptions& options) {
  if (methods.size() < 2) throw InputError("compare needs two methods or more");
  std::set<std::string> names;
  for (const auto& method : methods) {
    if (method.runs.empty()) throw InputError("method '" + Printable(method.name) + "' has no predictions");
    if (!names.insert(method.name).second) {
      throw InputError("two methods are named '" + Printable(method.name) + "'; give each its own (NAME=FILE)");
    }
  }
  if (!options.against.empty() && !names.contains(options.against)) {
    throw InputError("--against is '" + Printable(options.against) +
                     "'; allowed: " + Join({names.begin(), names.end()}));
  }
  if (options.rounds < 1 || options.rounds > 1'000'000) {
    throw InputError("evaluate.bootstrap (--bootstrap) is " + std::to_string(options.rounds) +
                     ": a comparison needs 1 to 1000000 rounds");
  }
  const Evaluation& first = methods.front().runs.front();
  if (first.options.denominator != "all") {
    throw InputError(
        "evaluate.denominator is answered; methods are compared on all photos, or they could win by failing");
  }
  for (const auto& method : methods) {
    for (const auto& run : method.runs) {
      bool same = run.photos.size() == first.photos.size() &&
                  run.options.thresholds_km == first.options.thresholds_km &&
                  run.options.distance == first.options.distance && run.subject.clusters == first.subject.clusters;
      for (std::size_t i = 0; same && i < run.photos.size(); ++i) {
        same = run.photos[i].id == first.photos[i].id && run.photos[i].truth == first.photos[i].truth;
      }
      if (!same) throw InputError("the methods were not scored on the same photos with the same settings");
    }
  }
}

std::vector<Measure> Measures(const EvaluateOptions& options) {
  std::vector<Measure> measures;
  for (const double threshold : options.thresholds_km) {
    measures.push_back({"accuracy < " + FormatDouble(threshold) + " km", true, true});
  }
  measures.push_back({"median km", false, false});
  measures.push_back({"mean km", false, false});
  measures.push_back({"GeoScore", true, false});
  return measures;
}

// All measures of one run; unanswered photos count as in significance.h.
std::vector<double> Values(const Evaluation& run) {
  std::vector<double> values;
  for (const auto& accuracy : run.all.accuracy) values.push_back(accuracy.percent);
  std::vector<double> errors = ErrorsOrNoAnswer(run);
  values.push_back(Median(errors));
  double sum = 0;
  for (const double error : errors) sum += std::min(error, kFarthestKm);
  values.push_back(sum / static_cast<double>(errors.size()));
  values.push_back(run.geoscore);
  return values;
}

// values[run][measure] -> of one measure
std::vector<double> Column(const std::vector<std::vector<double>>& values, std::size_t measure) {
  std::vector<double> column;
  for (const auto& row : values) column.push_back(row[measure]);
  return column;
}

std::vector<MethodScore> Scores(const Method& method, const std::vector<std::vector<double>>& values) {
  std::vector<MethodScore> scores;
  for (std::size_t m = 0; m < values.front().size(); ++m) {
    scores.push_back({MeanAndDeviation(Column(values, m)), std::nullopt});
  }
  if (method.runs.size() > 1) return scores;
  const Evaluation& run = method.runs.front();
  const std::size_t thresholds = run.all.accuracy.size();
  for (std::size_t t = 0; t < thresholds; ++t) scores[t].ci95 = run.all.accuracy[t].ci95;
  // The evaluation's median and mean are over the answered photos; its intervals fit where all are answered.
  if (run.answered == run.count) {
    scores[thresholds].ci95 = run.median_ci95;
    scores[thresholds + 1].ci95 = run.mean_ci95;
  }
  scores[thresholds + 2].ci95 = run.geoscore_ci95;
  return scores;
}

std::vector<std::vector<double>> Errors(const Method& method) {
  std::vector<std::vector<double>> errors;
  for (const auto& run : method.runs) errors.push_back(ErrorsOrNoAnswer(run));
  return errors;
}

// Each photo's distance, unanswered ones as kFarthestKm, averaged over the runs.
std::vector<double> MeanDistances(const std::vector<std::vector<double>>& errors) {
  std::vector<double> means(errors.front().size(), 0.0);
  for (const auto& run : errors) {
    for (std::size_t i = 0; i < run.size(); ++i) {
      means[i] += std::min(run[i], kFarthestKm) / static_cast<double>(errors.size());
    }
  }
  return means;
}

void AddTests(MethodComparison& comparison, const std::vector<std::vector<std::vector<double>>>& values, std::size_t a,
              std::size_t b) {
  const auto& options = comparison.options;
  const auto seed = static_cast<std::uint64_t>(options.seed);
  const Method &method_a = comparison.methods[a], &method_b = comparison.methods[b];
  const auto& thresholds = method_a.runs.front().options.thresholds_km;
  const auto errors_a = Errors(method_a), errors_b = Errors(method_b);
  const auto& clusters = method_a.runs.front().subject.clusters;
  const PairedDifferences differences =
      PairedBootstrap(errors_a, errors_b, thresholds, options.rounds, seed, clusters ? &*clusters : nullptr);
  std::vector<Difference> by_measure = differences.accuracy;
  by_measure.insert(by_measure.end(), {differences.median_km, differences.mean_km, differences.geoscore});

  const std::size_t median = thresholds.size(), mean = median + 1;
  const bool single = errors_a.size() == 1 && errors_b.size() == 1;
  const bool seeds = errors_a.size() > 1 && errors_a.size() == errors_b.size();
  for (std::size_t m = 0; m < comparison.measures.size(); ++m) {
    MethodTest test;
    test.a = a;
    test.b = b;
    test.measure = m;
    test.difference = by_measure[m];
    if (seeds) {
      test.name = "paired t";
      test.t = PairedTTest(Column(values[a], m), Column(values[b], m));
      test.p_value = test.t->p_value;
    } else if (single && m < median) {
      test.discordant = CountDiscordant(errors_a.front(), errors_b.front(), thresholds[m]);
      if (clusters) {
        test.name = "sign flips";
        const auto hits = HitDifferences(errors_a.front(), errors_b.front(), thresholds[m]);
        test.p_value = ClusterHitTest(hits, *clusters, options.rounds, seed);
      } else {
        test.name = "McNemar";
        test.p_value = McNemarExact(test.discordant->only_a, test.discordant->only_b);
      }
    } else if (m == mean) {
      test.name = "permutation";
      auto distances = DistanceDifferences(MeanDistances(errors_a), MeanDistances(errors_b));
      if (clusters) distances = ClusterSums(distances, *clusters);
      test.p_value = PermutationTest(distances, options.rounds, seed).p_value;
    }
    comparison.tests.push_back(std::move(test));
  }
}

void CorrectAll(std::vector<MethodTest>& tests) {
  std::vector<double> p_values;
  for (const auto& test : tests) {
    if (test.p_value) p_values.push_back(*test.p_value);
  }
  const auto corrected = HolmCorrect(p_values);
  std::size_t next = 0;
  for (auto& test : tests) {
    if (test.p_value) test.corrected = corrected[next++];
  }
}

void FindUnmatched(MethodComparison& comparison) {
  std::vector<const Evaluation*> runs;
  for (const auto& method : comparison.methods) {
    for (const auto& run : method.runs) {
      runs.push_back(&run);
      comparison.files.push_back(run.subject.predictions_file.empty() ? run.subject.method
                                                                      : run.subject.predictions_file);
    }
  }
  const auto& photos = runs.front()->photos;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    UnmatchedPhoto photo{photos[i].id, {}};
    for (std::size_t r = 0; r < runs.size(); ++r) {
      if (runs[r]->photos[i].answer == Answer::kNoPrediction) photo.missing_in.push_back(r);
    }
    if (photo.missing_in.size() == runs.size()) {
      ++comparison.in_no_file;
    } else if (!photo.missing_in.empty()) {
      comparison.unmatched.push_back(std::move(photo));
    }
  }
}

// "+4.90 points", "-12.3 km", "+55"
std::string Amount(const Measure& measure, double value) {
  if (measure.percent) return Signed(value, 2) + " points";
  return measure.more_is_better ? Signed(value, 0) : Signed(value, 1) + " km";
}

std::string Told(const MethodComparison& comparison, const MethodTest& test) {
  const Measure& measure = comparison.measures[test.measure];
  const int decimals = measure.percent ? 2 : measure.more_is_better ? 0 : 1;
  std::string text = measure.name + " (" + Amount(measure, test.difference.value) + ", 95 % interval ";
  text += Signed(test.difference.ci95.low, decimals) + " to " + Signed(test.difference.ci95.high, decimals);
  return text + ", corrected p = " + PValue(*test.corrected) + ")";
}

}  // namespace

MethodComparison CompareMethods(std::vector<Method> methods, const CompareOptions& options) {
  Check(methods, options);
  MethodComparison comparison;
  comparison.methods = std::move(methods);
  comparison.options = options;
  const Evaluation& first = comparison.methods.front().runs.front();
  comparison.measures = Measures(first.options);
  comparison.photos = first.count;
  std::vector<std::vector<std::vector<double>>> values;  // [method][run][measure]
  for (const auto& method : comparison.methods) {
    values.emplace_back();
    for (const auto& run : method.runs) values.back().push_back(Values(run));
    comparison.scores.push_back(Scores(method, values.back()));
  }
  for (std::size_t a = 0; a < comparison.methods.size(); ++a) {
    for (std::size_t b = 0; b < comparison.methods.size(); ++b) {
      const bool pair = options.against.empty() ? a < b : comparison.methods[b].name == options.against && a != b;
      if (pair) AddTests(comparison, values, a, b);
    }
  }
  CorrectAll(comparison.tests);
  FindUnmatched(comparison);
  return comparison;
}

std::vector<std::string> Verdicts(const MethodComparison& comparison) {
  std::vector<std::string> sentences;
  const auto& tests = comparison.tests;
  for (std::size_t begin = 0; begin < tests.size(); begin += comparison.measures.size()) {
    const std::string& a = comparison.methods[tests[begin].a].name;
    const std::string& b = comparison.methods[tests[begin].b].name;
    std::vector<std::string> better, worse, open;
    for (std::size_t i = begin; i < begin + comparison.measures.size(); ++i) {
      if (!tests[i].corrected) continue;
      const bool favours_a = comparison.measures[tests[i].measure].more_is_better == (tests[i].difference.value > 0);
      (!tests[i].Survives() ? open : favours_a ? better : worse).push_back(Told(comparison, tests[i]));
    }
    const auto add = [&](const std::vector<std::string>& what, const std::string& how) {
      if (!what.empty()) sentences.push_back(a + how + b + ": " + Join(what, "; ") + ".");
    };
    add(better, " is better than ");
    add(worse, " is worse than ");
    add(open, " is not shown to differ from ");
    if (better.empty() && worse.empty() && open.empty()) {
      sentences.push_back(a + " and " + b + ": no test is possible, see the intervals.");
    }
  }
  return sentences;
}

}  // namespace dualgeo
