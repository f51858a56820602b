// Two or more methods on the same photos: which differences are real?
//
// A method is one prediction file, or several, one per seed. Every photo of the truth table counts for every method:
// one that a file does not have is a miss there, and is listed. For each pair of methods and each measure:
//
//   difference   a - b, with a 95 % interval from the paired bootstrap over photos (PairedBootstrap)
//   test         one file each: McNemar's exact test at each threshold, and a sign-flip permutation test of the mean
//                distance; several seeds each (as many for both): Student's paired t-test across seeds, of every
//                measure; else the permutation test of the seeds' mean distance alone
//                with clusters (EvaluationSubject): intervals are over clusters (cluster_statistics.h), and the signs
//                of all photos of a cluster are flipped together, at each threshold and for the mean distance
//   corrected    p after Holm's correction over all tests of the table; the difference survives when it is <= 0.05
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/significance.h"

namespace dualgeo {

struct Method {
  std::string name;
  std::vector<Evaluation> runs;  // one per seed
};

struct CompareOptions {
  int rounds = 10000;     // of the bootstrap and of the permutation test
  std::int64_t seed = 0;  // of both
  std::string against;    // compare all others with this method; empty: all pairs
};

struct Measure {
  std::string name;             // "accuracy < 25 km", "median km", "mean km", "GeoScore"
  bool more_is_better = false;  // accuracy and GeoScore
  bool percent = false;
};

// One measure of one method: over its runs.
struct MethodScore {
  MeanDeviation value;
  std::optional<Interval> ci95;  // of a single run, over photos
};

struct MethodTest {
  std::size_t a = 0, b = 0;  // methods
  std::size_t measure = 0;
  Difference difference;  // a - b
  std::string name;       // "McNemar", "sign flips", "permutation", "paired t"; empty: no test of this measure
  std::optional<double> p_value, corrected;
  std::optional<Discordant> discordant;  // of McNemar and sign flips
  std::optional<PairedT> t;              // of the paired t-test
  bool Survives() const { return corrected && *corrected <= 0.05; }
};

// A photo of the truth table that some files have a row for, and some do not.
struct UnmatchedPhoto {
  std::string id;
  std::vector<std::size_t> missing_in;  // files, counted over all methods' runs
};

struct MethodComparison {
  std::vector<Method> methods;
  CompareOptions options;
  std::vector<Measure> measures;
  std::vector<std::vector<MethodScore>> scores;  // [method][measure]
  std::vector<MethodTest> tests;
  std::int64_t photos = 0;
  std::vector<std::string> files;  // of all runs, in order
  std::vector<UnmatchedPhoto> unmatched;
  std::int64_t in_no_file = 0;  // photos of the truth table that no file has
};

// Throws InputError when there are fewer than two methods, names repeat, a method has no run, `against` names none, or
// the evaluations are not of the same truth table with the same settings.
MethodComparison CompareMethods(std::vector<Method> methods, const CompareOptions& options);

// In words, one sentence a line: what survives the correction, and what does not.
std::vector<std::string> Verdicts(const MethodComparison& comparison);

}  // namespace dualgeo
