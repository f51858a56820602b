#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "io/csv.h"
#include "tests/support/shared_data.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTruth[] = "IMG_ID,LAT,LON\na.jpg,48.85,2.35\nb.jpg,35.7,139.7\nc.jpg,-33.9,151.2\n";
constexpr char kPredictions[] =
    "IMG_ID,LAT,LON,method,confidence_km,reason\na.jpg,48.851,2.351,top1,,\nb.jpg,34.7,135.5,top1,,\nc.jpg,,,top1,,no "
    "candidates\n";

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class EvaluateTool : public ::testing::Test {
 protected:
  RunResult Run(const std::string& predictions, const std::string& truth, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"evaluate",
                                          "--predictions",
                                          folder_.Write("p.csv", predictions).string(),
                                          "--truth",
                                          folder_.Write("t.csv", truth).string(),
                                          "--out",
                                          (folder_ / "m.json").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunBinary(arguments);
  }
  TemporaryFolder folder_;
};

// A shell, for what only a shell gives: pipes in the place of files.
RunResult RunShell(const std::string& script) { return RunProgram("/bin/bash", {"-c", script}); }

TEST_F(EvaluateTool, TablesThroughPipesAreReadOnceAndHashed) {
  const std::string truth = folder_.Write("t.csv", kTruth).string(),
                    answers = folder_.Write("p.csv", kPredictions).string();
  const std::string run = std::string(DUALGEO_BINARY) + " evaluate --bootstrap 0 --json ";
  const auto sums = [](const RunResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_NEAR(json["accuracy"]["1"], 100 / 3.0, 1e-9);
    std::vector<std::string> hashes;
    for (const auto& file : json["provenance"]["files"]) hashes.push_back(file["sha256"]);
    return hashes;
  };
  const auto plain = sums(RunShell(run + "--predictions " + answers + " --truth " + truth));
  ASSERT_EQ(plain.size(), 2U);
  for (const std::string& arguments :
       {"--predictions " + answers + " --truth <(cat " + truth + ")",
        "--predictions <(cat " + answers + ") --truth " + truth,
        "--predictions <(cat " + answers + ") --truth <(cat " + truth + ")",
        "--predictions " + answers + " --truth - < " + truth, "--predictions - --truth " + truth + " < " + answers}) {
    EXPECT_EQ(sums(RunShell(run + arguments)), plain) << arguments;
  }
  EXPECT_EQ(sums(RunShell("cat " + truth + " | " + run + "--predictions " + answers + " --truth /dev/stdin")), plain);
  const RunResult zipped =
      RunShell("gzip -k " + truth + " && " + run + "--predictions " + answers + " --truth " + truth + ".gz");
  EXPECT_EQ(zipped.exit_code, 0) << zipped.err;
}

TEST_F(EvaluateTool, TablesByTabsSemicolonsAndDecimalCommas) {
  for (const std::string truth :
       {"IMG_ID\tLAT\tLON\na.jpg\t48.85\t2.35\nb.jpg\t35.7\t139.7\nc.jpg\t-33.9\t151.2\n",
        "IMG_ID;LAT;LON\na.jpg;48,85;2,35\nb.jpg;35,7;139,7\nc.jpg;-33,9;151,2\n",
        "IMG_ID,LAT,LON\na.jpg,\"48,85\",\"2,35\"\nb.jpg,\"35,7\",\"139,7\"\nc.jpg,\"-33,9\",\"151,2\"\n"}) {
    const RunResult result = Run(kPredictions, truth, {"--bootstrap", "0"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NEAR(nlohmann::json::parse(Slurp(folder_ / "m.json"))["accuracy"]["1"], 100 / 3.0, 1e-9) << truth;
  }
}

TEST_F(EvaluateTool, ClustersOfPhotographers) {
  std::string truth = "IMG_ID,LAT,LON,AUTHOR\n", answers = "IMG_ID,LAT,LON\n";
  for (int i = 0; i < 400; ++i) {
    truth += std::to_string(i) + ",10,20,p" + std::to_string(i / 20) + "\n";
    answers += std::to_string(i) + "," + (i / 20 < 10 ? "10" : "30") + ",20\n";
  }
  const RunResult result = Run(answers, truth);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Run(answers, truth, {"--cluster", "AUTHOR"}).out, result.out);
  const RunResult photos = Run(answers, truth, {"--cluster", "none"});
  EXPECT_THAT(photos.out, AllOf(HasSubstr("50.00 [45.12, 54.88]"), HasSubstr("(Wilson over photos)")));
  EXPECT_THAT(result.out, AllOf(HasSubstr("50.00 [28.81, 71.19]"), HasSubstr("400 photos of 20 photographers")));
  const RunResult absent = Run(answers, truth, {"--cluster", "CITY"});
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_THAT(absent.err, AllOf(HasSubstr("no column CITY"), HasSubstr("AUTHOR")));
}

TEST_F(EvaluateTool, TheGallerysAuthorsComeFromATable) {
  const std::string truth = folder_.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR\nq,10,20,me\nr,10,20,you\n").string();
  const std::string lists = folder_
                                .Write("c.csv",
                                       "query_id,rank,gallery_id,lat,lon\nq,1,g1,10,20\nq,2,g2,40,20\n"
                                       "r,1,g1,10,20\nr,2,g2,40,20\n")
                                .string();
  const std::string table = folder_.Write("mp16.csv", "id,who\ng1,me\ng2,other\n").string();
  const std::vector<std::string> plain = {"evaluate", "--candidates", lists, "--truth", truth, "--bootstrap", "0"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), plain.begin(), plain.end());
    return RunBinary(more);
  };
  EXPECT_THAT(RunBinary(plain).out, Not(HasSubstr("own gallery photos")));
  const RunResult joined = with({"--gallery-table", table, "--gallery-columns", "id,who", "--leakage", "--json"});
  ASSERT_EQ(joined.exit_code, 0) << joined.err;
  EXPECT_THAT(joined.err, HasSubstr("4 candidates got an author"));
  const auto json = nlohmann::json::parse(joined.out);
  EXPECT_EQ(json["accuracy"]["1"], 100);
  EXPECT_EQ(json["without_own_photos"]["accuracy"]["1"], 50);
  EXPECT_EQ(json["without_own_photos"]["candidates_removed"], 1);
  EXPECT_EQ(json["leakage"]["rows"][1]["accuracy"]["1"], 50);
  EXPECT_THAT(with({"--gallery-table", table, "--gallery-columns", "id,who"}).out,
              HasSubstr("Without the photographer's own gallery photos: 1 candidates of 1 lists"));
  const RunResult wrong = with({"--gallery-table", table});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("no column IMG_ID"));
}

TEST_F(EvaluateTool, TableMetricsErrorsAndMap) {
  const RunResult result = Run(kPredictions, kTruth,
                               {"--errors-out", (folder_ / "e.csv").string(), "--map-out", (folder_ / "m.svg").string(),
                                "--benchmark", "three", "--method", "mine", "--note", "synthetic"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("three (synthetic)"), HasSubstr("mine"), HasSubstr("33.33 ["),
                                HasSubstr("50.00 ["), HasSubstr("geodesic")));
  const auto metrics = nlohmann::json::parse(Slurp(folder_ / "m.json"));
  EXPECT_EQ(metrics["benchmark"], "three");
  EXPECT_EQ(metrics["count"], 3);
  EXPECT_EQ(metrics["answered"], 2);
  EXPECT_NEAR(metrics["accuracy"]["1"], 100 / 3.0, 1e-9);
  EXPECT_NEAR(metrics["accuracy"]["750"], 200 / 3.0, 1e-9);
  const CsvTable errors = CsvTable::Read(folder_ / "e.csv");
  EXPECT_EQ(errors.rows(), 3U);
  EXPECT_NEAR(errors.Number(0, errors.Require("error_km")), 0.133, 0.001);
  EXPECT_THAT(Slurp(folder_ / "m.svg"), HasSubstr("</svg>"));
}

TEST_F(EvaluateTool, FormatsAndDistances) {
  const auto metrics = nlohmann::json::parse(Run(kPredictions, kTruth, {"--json"}).out);
  EXPECT_EQ(metrics["settings"]["distance"], "geodesic");
  EXPECT_EQ(metrics, nlohmann::json::parse(Slurp(folder_ / "m.json")));
  auto same = nlohmann::json::parse(Run(kPredictions, kTruth, {"--format", "json"}).out);
  auto without = metrics;
  same.erase("provenance"), without.erase("provenance");  // the command lines differ
  EXPECT_EQ(same, without);
  EXPECT_THAT(Run(kPredictions, kTruth, {"--format", "latex"}).out, HasSubstr("\\toprule"));
  EXPECT_THAT(Run(kPredictions, kTruth, {"--format", "csv"}).out, HasSubstr("accuracy_2500"));
  const auto sphere = nlohmann::json::parse(
      Run(kPredictions, kTruth, {"--json", "--distance", "great_circle", "--thresholds-km", "0.5,1000"}).out);
  EXPECT_EQ(sphere["accuracy"].size(), 2U);
  EXPECT_NE(sphere["mean_km"], metrics["mean_km"]);
}

TEST_F(EvaluateTool, ColumnsByName) {
  const RunResult result = Run("file,lat_p,lon_p,LAT\na.jpg,48.85,2.35,x\n", "name,y,x\na.jpg,48.85,2.35\n",
                               {"--columns", "file,lat_p,lon_p", "--truth-columns", "name,y,x", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["accuracy"]["1"], 100);
  EXPECT_EQ(Run(kPredictions, kTruth, {"--columns", "IMG_ID,LAT"}).exit_code, 2);
  EXPECT_EQ(Run(kPredictions, kTruth, {"--truth-columns", "a,b,c,d"}).exit_code, 2);
}

TEST_F(EvaluateTool, TakesTheConfigAsEveryCommandDoes) {
  const auto config = folder_.Write("c.yaml", "evaluate: {thresholds_km: [3, 30], interval: bootstrap}\nseed: 5\n");
  const auto thresholds = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--config", config.string(), "--json"});
    const RunResult result = Run(kPredictions, kTruth, more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out)["settings"];
  };
  const auto settings = thresholds({});
  EXPECT_EQ(settings["thresholds_km"], nlohmann::json({3, 30})) << settings;
  EXPECT_EQ(settings["seed"], 5) << settings;
  EXPECT_EQ(thresholds({"--thresholds-km", "7", "--seed", "6"})["seed"], 6);
  // The output must not be the config.
  const RunResult same = Run(kPredictions, kTruth, {"--config", config.string(), "--out", config.string()});
  EXPECT_EQ(same.exit_code, 2);
}

TEST_F(EvaluateTool, BomCrlfAndQuotes) {
  const RunResult result =
      Run("\xEF\xBB\xBFIMG_ID,LAT,LON\r\n\"a,b.jpg\",1,2\r\n", "IMG_ID,LAT,LON\r\n\"a,b.jpg\",1,2\r\n", {"--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["accuracy"]["1"], 100);
}

TEST_F(EvaluateTool, BadInputEndsWithTwoAndNoOutput) {
  const auto check = [&](const std::string& predictions, const std::string& truth, const std::string& message,
                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--errors-out", (folder_ / "e.csv").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const RunResult result = Run(predictions, truth, arguments);
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "m.json"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "e.csv"));
  };
  check(kPredictions, "IMG_ID,LAT\na.jpg,1\n", "t.csv:1: no column LON");
  check(kPredictions, "IMG_ID,LAT,LON\na.jpg,,2\n", "t.csv:2: LAT is empty");
  check(kPredictions, "IMG_ID,LAT,LON\na.jpg,x,2\n", "t.csv:2: LAT is 'x'");
  check(kPredictions, "IMG_ID,LAT,LON\na.jpg,2.3,48.8\nb.jpg,139.7,35.7\n", "LAT and LON look swapped");
  check(kPredictions, "IMG_ID,LAT,LON\na.jpg,1,2\na.jpg,1,2\n", "already stands in line 2");
  check("IMG_ID,LAT,LON\na.jpg,nan,2\n", kTruth, "p.csv:2: LAT is 'nan'");
  check("IMG_ID,LAT,LON\na.jpg,1,2\na.jpg,1,2\n", kTruth, "already stands in line 2");
  check("IMG_ID,LAT,LON\na.jpg,1\n", kTruth, "p.csv:2: 2 fields");
  check("IMG_ID,LAT,LON\nz.jpg,1,2\n", kTruth, "p.csv: none of the 1 photos is in the truth table");
  check(
      "IMG_ID,LAT,LON\nw.jpg,1,2\nx.jpg,1,2\ny.jpg,1,2\nz.jpg,1,2\n", kTruth,
      "is it another benchmark's? Predicted: w.jpg, x.jpg, y.jpg and 1 more; in the truth table: a.jpg, b.jpg, c.jpg");
  check("IMG_ID,LAT,LON\na.jpg,1,inf\n", kTruth, "p.csv:2: LON is 'inf'");
  check(kPredictions, kTruth, "evaluate.interval = 'exact': expects one of wilson, bootstrap", {"--interval", "exact"});
  check(kPredictions, kTruth, "give a number of rounds", {"--interval", "bootstrap", "--bootstrap", "0"});
  check(kPredictions, kTruth, "evaluate.quantiles = [50, 101]", {"--quantiles", "50,101"});
  check(kPredictions, kTruth, "nothing published is known for benchmark 't'", {"--with-published"});
  check(kPredictions, kTruth, "--leakage needs --candidates", {"--leakage"});
  check(kPredictions, kTruth, "go with --leakage", {"--leakage-within-km", "1"});
  check(kPredictions, kTruth, "distance", {"--distance", "euclid"});
  check(kPredictions, kTruth, "thresholds_km", {"--thresholds-km", "25,1"});
  check(kPredictions, kTruth, "markdown, latex, csv, json", {"--format", "html"});
  check(kPredictions, kTruth, "one of --predictions and --candidates", {"--candidates", "c.csv"});
}

TEST_F(EvaluateTool, MissingFilesAndUsage) {
  const std::string truth = folder_.Write("t.csv", kTruth).string();
  EXPECT_EQ(RunBinary({"evaluate"}).exit_code, 2);
  EXPECT_EQ(RunBinary({"evaluate", "--truth", truth}).exit_code, 2);
  const RunResult result = RunBinary({"evaluate", "--predictions", "/nowhere/p.csv", "--truth", truth});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("/nowhere/p.csv: no such file"));
}

TEST_F(EvaluateTool, CandidatesGiveRankOneAndTheOracle) {
  const std::string candidates =
      folder_
          .Write("c.csv",
                 "query_id,rank,gallery_id,lat,lon,score,author,set\na.jpg,1,g1,0,1,,,similar\n"
                 "a.jpg,2,g2,48.85,2.35,,,similar\nb.jpg,1,g3,35.7,139.7,,,similar\n")
          .string();
  const std::string truth = folder_.Write("t.csv", kTruth).string();
  const std::string out = (folder_ / "m.json").string();
  const RunResult result =
      RunBinary({"evaluate", "--candidates", candidates, "--truth", truth, "--out", out, "--bootstrap", "0"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("rank 1"), HasSubstr("oracle, best of all")));
  const auto metrics = nlohmann::json::parse(Slurp(out));
  EXPECT_NEAR(metrics["accuracy"]["1"], 100 / 3.0, 1e-9);
  EXPECT_NEAR(metrics["oracle"]["accuracy"]["1"], 200 / 3.0, 1e-9);
}

TEST_F(EvaluateTool, UnknownAndMissingIdsAreSaid) {
  const RunResult result = Run("IMG_ID,LAT,LON\na.jpg,48.85,2.35\nx.jpg,1,2\n", kTruth, {"--json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("1 prediction is for a photo that is not in the truth table, and not scored: "
                              "x.jpg"),
                    HasSubstr("2 photos of the truth table have no prediction and count as misses: b.jpg")));
  const auto metrics = nlohmann::json::parse(result.out);
  EXPECT_EQ(metrics["unknown_ids"], (nlohmann::json{"x.jpg"}));
  EXPECT_NEAR(metrics["accuracy"]["1"], 100 / 3.0, 1e-9);
}

TEST_F(EvaluateTool, QuantilesRegionsAndBootstrapIntervals) {
  const std::string truth =
      "IMG_ID,LAT,LON,COUNTRY\na.jpg,48.85,2.35,FR\nb.jpg,35.7,139.7,Japan\nc.jpg,-33.9,151.2,AU\n";
  const RunResult result = Run(kPredictions, truth, {"--interval", "bootstrap", "--quantiles", "0,100"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("(bootstrap over photos)"), HasSubstr("| Europe"), HasSubstr("| Oceania"),
                                HasSubstr("| Australia"), HasSubstr("| 100 %"), HasSubstr("strictly")));
  const auto metrics = nlohmann::json::parse(Slurp(folder_ / "m.json"));
  EXPECT_EQ(metrics["continents"]["Europe"]["accuracy"]["1"], 100);
  EXPECT_EQ(metrics["countries"]["Japan"]["count"], 1);
  EXPECT_EQ(metrics["quantiles_km"].size(), 2U);
  EXPECT_EQ(metrics["settings"]["interval"], "bootstrap");
  EXPECT_EQ(metrics["ci95"]["1"][0], 0);
  const RunResult csv = Run(kPredictions, truth, {"--format", "csv"});
  EXPECT_THAT(csv.out, AllOf(HasSubstr("continent Europe"), HasSubstr("country Japan")));
}

TEST_F(EvaluateTool, ProvenanceTellsTheFilesAndTheCommand) {
  const RunResult result = Run(kPredictions, kTruth, {"--json"});
  const auto provenance = nlohmann::json::parse(result.out)["provenance"];
  EXPECT_EQ(provenance["command"][0], "dualgeo");
  EXPECT_EQ(provenance["command"][1], "evaluate");
  ASSERT_EQ(provenance["files"].size(), 2U);
  EXPECT_EQ(provenance["files"][0]["role"], "truth");
  EXPECT_EQ(provenance["files"][1]["path"], (folder_ / "p.csv").string());
  EXPECT_EQ(provenance["files"][1]["sha256"].get<std::string>().size(), 64U);
  EXPECT_THAT(provenance["config"].get<std::string>(), HasSubstr("thresholds_km"));
  EXPECT_TRUE(provenance["versions"].contains("faiss"));
}

TEST_F(EvaluateTool, PublishedRowsAreMarked) {
  const RunResult result = Run(kPredictions, kTruth, {"--with-published", "--benchmark", "im2gps3k"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("DualGeo, 2026 [third-party transcription of the paper]"),
                                HasSubstr("| reported "), HasSubstr("17.25"),
                                HasSubstr("They are of all 2997 photos of the benchmark; this truth table has 3.")));
  EXPECT_EQ(nlohmann::json::parse(Slurp(folder_ / "m.json"))["published"].size(), 24U);
  const RunResult oldest = Run(kPredictions, kTruth, {"--with-published", "--benchmark", "im2gps"});
  EXPECT_THAT(oldest.out, HasSubstr("IM2GPS, 2008 [unverified"));
  EXPECT_TRUE(nlohmann::json::parse(Slurp(folder_ / "m.json"))["published"][0]["accuracy"]["1"].is_null());
}

TEST_F(EvaluateTool, LeakageChangesKnownPhotos) {
  const std::string candidates =
      folder_
          .Write("c.csv",
                 "query_id,rank,gallery_id,lat,lon,score,author,set\na.jpg,1,g1,48.85,2.35,0.9,me,similar\n"
                 "a.jpg,2,g2,0,0,0.5,you,similar\nb.jpg,1,g3,35.7,139.7,0.4,you,similar\n")
          .string();
  const std::string truth =
      folder_.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR\na.jpg,48.85,2.35,me\nb.jpg,35.7,139.7,me\n").string();
  const std::string left = (folder_ / "left.csv").string();
  const RunResult result = RunBinary(
      {"evaluate", "--candidates", candidates, "--truth", truth, "--leakage", "--leakage-out", left, "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto rows = nlohmann::json::parse(result.out)["leakage"]["rows"];
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["accuracy"]["1"], 100);
  EXPECT_EQ(rows[1]["accuracy"]["1"], 50);
  EXPECT_EQ(rows[1]["answers_changed"], 1);
  EXPECT_EQ(rows[1]["against_all"]["1"]["right_only_with"], 1);
  EXPECT_EQ(CsvTable::Read(left).rows(), 2U);
  const auto recall = nlohmann::json::parse(result.out)["recall"];
  EXPECT_EQ(recall["1"]["accuracy"]["1"], 100);
  EXPECT_EQ(recall["2"]["count"], 2);
}

// A figure for people to read; the bound is wide because other tests share the machine.
TEST_F(EvaluateTool, ThreeThousandPhotosTakeSeconds) {
  std::string truth = "IMG_ID,LAT,LON\n", predictions = truth;
  for (int i = 0; i < 3000; ++i) {
    truth += std::to_string(i) + ".jpg," + std::to_string(i % 120 - 60) + "," + std::to_string(i % 300 - 150) + "\n";
    predictions += std::to_string(i) + ".jpg," + std::to_string((i * 7) % 120 - 60) + ",9\n";
  }
  const auto start = std::chrono::steady_clock::now();
  const RunResult result = Run(predictions, truth, {"--interval", "bootstrap", "--bootstrap", "10000"});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("evaluate, 3000 photos, 10000 bootstrap rounds: %.2f s\n", seconds);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LT(seconds, 20);
}

TEST_F(EvaluateTool, GeminisAnswers) {
  SHARED_PATH_OR_SKIP(data, "data");
  const std::vector<std::string> arguments = {"evaluate",
                                              "--predictions",
                                              (data / "predictions/gemini2flash_im2gps3k.csv").string(),
                                              "--truth",
                                              (data / "benchmarks/im2gps3k_places365.csv").string(),
                                              "--columns",
                                              "IMG_ID,LAT_pred,LON_pred",
                                              "--bootstrap",
                                              "0"};
  const RunResult plain = RunBinary(arguments);
  EXPECT_EQ(plain.exit_code, 0);
  EXPECT_THAT(plain.err, AllOf(HasSubstr("3 predictions"), HasSubstr("504935857_52562f0ee0_217_24311489@N00.jpg"),
                               HasSubstr("168 answers are exactly 0, 0"), HasSubstr("--zero-is-failure")));
  for (const std::string percent : {"2997", "2744", "16.36", "43.84", "60.68", "77.37", "87.43"}) {
    EXPECT_THAT(plain.out, HasSubstr(percent));
  }
  auto corrected_arguments = arguments;
  corrected_arguments.push_back("--zero-is-failure");
  const RunResult corrected = RunBinary(corrected_arguments);
  EXPECT_EQ(corrected.exit_code, 0);
  EXPECT_THAT(corrected.err, Not(HasSubstr("exactly 0, 0")));
  for (const std::string percent : {"2997", "2744", "16.36", "43.84", "60.68", "77.37", "87.43"}) {
    EXPECT_THAT(corrected.out, HasSubstr(percent));
  }
  EXPECT_THAT(corrected.out, Not(HasSubstr("2912")));
}

TEST_F(EvaluateTool, SwappedHeaderOfAPublishedTable) {
  SHARED_PATH_OR_SKIP(data, "data");
  const RunResult result = RunBinary({"evaluate", "--predictions", folder_.Write("p.csv", kPredictions).string(),
                                      "--truth", (data / "benchmarks/im2gps3k_swapped_header.csv").string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("im2gps3k_swapped_header.csv:"), HasSubstr("LAT and LON look swapped")));
}

TEST_F(EvaluateTool, Yfcc4kAsTruth) {
  SHARED_PATH_OR_SKIP(data, "data");
  const RunResult result = RunBinary({"evaluate", "--predictions",
                                      folder_.Write("p.csv", "IMG_ID,LAT,LON\n10201275523.jpg,43.65,-79.37\n").string(),
                                      "--truth", (data / "benchmarks/yfcc4k_places365.csv").string(), "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto metrics = nlohmann::json::parse(result.out);
  EXPECT_EQ(metrics["count"], 4536);
  EXPECT_EQ(metrics["answered"], 1);
  EXPECT_THAT(result.err, HasSubstr("4535 photos of the truth table have no prediction"));
}

}  // namespace
}  // namespace dualgeo
