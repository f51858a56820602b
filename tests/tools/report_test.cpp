// The HTML report through the binary, and looked at with a real browser where there is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <random>
#include <sstream>

#include "dualgeo/util/text.h"
#include "tests/support/browser.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kHostile = "a<script>alert(1)</script>' onerror=x.jpg";

// A run folder as `run` would leave it, of photos all over the world with errors of all sizes.
class Folder {
 public:
  explicit Folder(int photos) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::ostringstream errors, candidates;
    errors << "IMG_ID,LAT,LON,LAT_pred,LON_pred,error_km,status,reason\n";
    candidates << "query_id,rank,gallery_id,lat,lon,score,author,set,point_lat,point_lon,confidence_km,p_1km,p_25km,"
                  "p_200km,p_750km,p_2500km\n";
    for (int i = 0; i < photos; ++i) {
      const std::string id = i == 0 ? kHostile : "photo_" + std::to_string(i) + ".jpg";
      const double lat = 150 * uniform(random) - 70, lon = 360 * uniform(random) - 180;
      // A third is right, a third near, a third anywhere.
      const double far = i == 0 ? 0 : i % 3 == 0 ? 0.001 : i % 3 == 1 ? 5 : 200;
      const double lat_pred = std::clamp(lat + far * (uniform(random) - 0.5), -89.0, 89.0);
      const double lon_pred = std::remainder(lon + far * (uniform(random) - 0.5), 360);
      if (i % 50 == 7) {
        errors << id << ',' << lat << ',' << lon << ",,,,no_location,\n";
        continue;
      }
      errors << id << ',' << lat << ',' << lon << ',' << lat_pred << ',' << lon_pred << ",1,answered,\n";
      for (int rank = 1; rank <= 5; ++rank) {
        candidates << id << ',' << rank << ",g" << i << '_' << rank << ',' << lat_pred << ',' << lon_pred
                   << ",0.9,,similar,";
        if (rank == 1) candidates << lat_pred << ',' << lon_pred << ",30,0.3,0.4,0.5,0.6,0.7\n";
        if (rank > 1) candidates << ",,,,,,,\n";
      }
    }
    folder_.Write("run/im2gps3k/errors.csv", errors.str());
    folder_.Write("run/im2gps3k/reranked.csv", candidates.str());
    folder_.Write("run/im2gps3k/candidates.csv", candidates.str());
    std::ostringstream log;
    for (int i = 1; i <= 3000; ++i) log << "{\"step\":" << i << ",\"loss\":" << 8.0 / std::sqrt(i) << "}\n";
    log << R"({"step":3000,"validation":{"loss":1.5,"image_to_gps":40,"segmentation_to_gps":20}})"
        << "\n";
    folder_.Write("run/train.jsonl", log.str());
    nlohmann::json robustness = {{"benchmark", "im2gps3k"}, {"synthetic", false}, {"thresholds_km", {1, 25, 200}}};
    for (const char* name : {"night", "dusk", "fog", "rain", "snow", "blur"}) {
      nlohmann::json condition = {
          {"name", name}, {"source", "degraded"}, {"verdict", "undecided"}, {"reason", "p = 0.3"}};
      for (const char* view : {"both", "image", "segmentation"}) {
        nlohmann::json curve = {{"view", view}, {"masks", "recomputed"}};
        for (int severity = 0; severity <= 5; ++severity) {
          const double y = 50 - 8 * severity;
          curve["points"].push_back({{"severity", severity},
                                     {"accuracy", {{"1", y / 2}, {"25", y}, {"200", y + 20}}},
                                     {"ci95", {{"25", {y - 3, y + 3}}}}});
        }
        condition["curves"].push_back(curve);
      }
      robustness["conditions"].push_back(condition);
    }
    folder_.Write("run/robustness.json", robustness.dump());
    folder_.Write("run/ablation.json", R"({"thresholds_km": [25], "rows": [{"name": "base", "base": true, "seeds": 3,
                                           "mean": {"25": 50}, "sd": {"25": 1}}]})");
  }

  const TemporaryFolder& folder() const { return folder_; }
  fs::path run() const { return folder_ / "run"; }
  fs::path html() const { return run() / "report.html"; }

 private:
  TemporaryFolder folder_;
};

TEST(ReportCommand, WritesOneFileWithEverySection) {
  const Folder run(60);
  const auto result = RunBinary({"report", run.run().string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("report.html"));
  const std::string html = ReadFile(run.html());
  EXPECT_THAT(html,
              AllOf(HasSubstr("Accuracy"), HasSubstr("best of top 20"), HasSubstr("Best answers"),
                    HasSubstr("Worst answers"), HasSubstr("within 200 km"), HasSubstr("Model: loss"),
                    HasSubstr("night: within 25 km"), HasSubstr("50.0 \u00b1 1.0"), HasSubstr("photo not found")));
  EXPECT_THAT(html,
              AllOf(HasSubstr("a&lt;script&gt;alert(1)&lt;/script&gt;&#39; onerror=x.jpg"), Not(HasSubstr("<script"))));

  // The same input, the same bytes.
  ASSERT_EQ(RunBinary({"report", run.run().string(), "--out", (run.folder() / "again.html").string()}).exit_code, 0);
  EXPECT_EQ(ReadFile(run.folder() / "again.html"), html);
}

// The light program does it alone but for the photos.
TEST(ReportCommand, PhotosAreDrawnByTheOtherProgram) {
  const Folder run(12);
  const fs::path alone = run.folder() / "dualgeo", images = run.folder() / "images", masks = run.folder() / "masks";
  fs::copy_file(DUALGEO_BINARY, alone);
  ASSERT_EQ(RunProgram(alone.string(), {"report", run.run().string()}).exit_code, 0);
  EXPECT_THAT(ReadFile(run.html()), Not(HasSubstr("data:image")));

  fs::create_directories(images);
  fs::create_directories(masks);
  const cv::Mat photo(40, 60, CV_8UC3, cv::Scalar(10, 200, 30)), mask(40, 60, CV_8UC1, cv::Scalar(2));
  for (const int i : {1, 2, 3}) {
    cv::imwrite((images / ("photo_" + std::to_string(i) + ".jpg")).string(), photo);
    cv::imwrite((masks / ("photo_" + std::to_string(i) + ".png")).string(), mask);
  }
  run.folder().Write("images/photo_2.jpg", "damaged");
  run.folder().Write("run/config.yaml", "data:\n  benchmarks:\n    im2gps3k: {csv: t.csv, images: " + images.string() +
                                            ", masks: " + masks.string() + "}\n");
  const auto result = RunBinary({"report", run.run().string(), "--photos", "100"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("photo_2.jpg"));
  const std::string html = ReadFile(run.html());
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (auto at = html.find(text); at != std::string::npos; at = html.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("data:image/jpeg"), 2);
  EXPECT_EQ(count("data:image/png"), 3);
  EXPECT_THAT(html, HasSubstr("sky 100 %"));

  const auto without = RunProgram(alone.string(), {"report", run.run().string()});
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(without.err, HasSubstr("dualgeo-networks"));
}

TEST(ReportCommand, SaysWhatIsWrongInOneLine) {
  const Folder run(3);
  const auto fails = [](const std::vector<std::string>& arguments, const std::string& with) {
    const auto result = RunBinary(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(with));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  };
  fails({"report"}, "give one of RUN_DIR and --check");
  fails({"report", (run.folder() / "nowhere").string()}, "nowhere: no such folder");
  fs::create_directory(run.folder() / "empty");
  fails({"report", (run.folder() / "empty").string()}, "not a run's folder");
  fails({"report", "--check", run.run().string()}, "no JSON table with a provenance");
  run.folder().Write("run/robustness.json", R"({"conditions": 3})");
  fails({"report", run.run().string()}, "robustness.json: conditions: expected a list, got 3");
  run.folder().Write("run/robustness.json", "{}");
  run.folder().Write("run/im2gps3k/errors.csv", "IMG_ID,LAT,LON,LAT_pred,LON_pred\na,91,0,,\n");
  fails({"report", run.run().string()}, "errors.csv:2");
}

TEST(ReportCommand, ChecksWhetherTheFilesStillMatch) {
  TemporaryFolder folder;
  folder.Write("t.csv", "IMG_ID,LAT,LON\na,1,2\n");
  folder.Write("p.csv", "IMG_ID,LAT,LON\na,1,2\n");
  const auto made =
      RunBinary({"evaluate", "--predictions", "p.csv", "--truth", "t.csv", "--out", "m.json"}, folder.path());
  ASSERT_EQ(made.exit_code, 0) << made.err;
  ASSERT_THAT(ReadFile(folder / "m.json"), HasSubstr("provenance"));
  const auto same = RunBinary({"report", "--check", "m.json"}, folder.path());
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_THAT(same.out, AllOf(HasSubstr("files match"), HasSubstr("t.csv")));
  folder.Write("p.csv", "IMG_ID,LAT,LON\na,1,3\n");
  const auto changed = RunBinary({"report", "--check", folder.path().string()}, folder.path());
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.out, AllOf(HasSubstr("do NOT match"), HasSubstr("CHANGED  predictions: p.csv")));
}

// --- In a browser ---

struct Browsed {
  nlohmann::json facts;  // of the probe
  std::string console;   // what the page wrote there: errors and refused requests
};

// A page that shows the report in a frame of the phone's or desktop's width and reports what became of it. The report
// itself runs no script; the frame's is the probe's.
std::string Probe(const std::string& file, int width) {
  return "<!DOCTYPE html><meta charset=utf-8><body><iframe id=f width=" + std::to_string(width) +
         " height=800></iframe><pre id=facts></pre><script>\n"
         "const f = document.getElementById('f'), start = performance.now();\n"
         "f.onload = () => {\n"
         "  const w = f.contentWindow, d = f.contentDocument, e = d.documentElement;\n"
         "  const facts = {width: e.clientWidth, scroll: e.scrollWidth};\n"  // forces style and layout
         "  facts.milliseconds = performance.now() - start;\n"
         "  facts.background = w.getComputedStyle(d.body).backgroundColor;\n"
         "  facts.colour = w.getComputedStyle(d.body).color;\n"
         "  facts.sea = w.getComputedStyle(d.querySelector('.map .sea')).fill;\n"
         "  facts.curve = w.getComputedStyle(d.querySelector('.chart .curve')).stroke;\n"
         "  facts.resources = w.performance.getEntriesByType('resource').map(r => r.name).filter(n => "
         "!n.startsWith('data:'));\n"
         "  facts.scripts = d.scripts.length;\n"
         "  const all = [...d.querySelectorAll('[id]')].map(x => x.id);\n"
         "  facts.repeated = all.filter((x, i) => all.indexOf(x) != i);\n"
         "  facts.dangling = [...d.querySelectorAll('a[href^=\"#\"],use')].map(x => x.getAttribute('href').slice(1))"
         ".filter(x => !d.getElementById(x));\n"
         "  facts.unlabelled = [...d.querySelectorAll('svg:not([aria-hidden])')].filter(s => !(s.getAttribute('aria-"
         "labelledby') || '').split(' ').every(i => d.getElementById(i) && d.getElementById(i).textContent.length > 3)"
         ").length + d.querySelectorAll('img:not([alt]),table:not(:has(caption)),th:not([scope])').length;\n"
         "  const levels = [...d.querySelectorAll('h1,h2,h3,h4,h5')].map(h => +h.tagName[1]);\n"
         "  facts.jumps = levels.filter((l, i) => l > (i ? levels[i - 1] : 0) + 1).length;\n"
         "  facts.landmarks = d.querySelectorAll('header,nav,main,footer').length;\n"
         "  facts.unreachable = [...d.querySelectorAll('.scroll,pre')].filter(x => x.tabIndex != 0).length;\n"
         "  const tiny = [...d.querySelectorAll('.chart text')].map(t => parseFloat(w.getComputedStyle(t).fontSize) * "
         "(t.getScreenCTM() || {a: 0}).a).filter(s => s > 0);\n"
         "  facts.smallest_text = Math.min(...tiny);\n"
         "  d.querySelectorAll('details').forEach(x => x.open = true);\n"
         "  facts.scroll_open = e.scrollWidth;\n"
         "  document.getElementById('facts').textContent = 'FACTS' + JSON.stringify(facts) + 'END';\n"
         "};\nf.src = '" +
         file + "';</script></body>";
}

Browsed Browse(const std::string& browser, const Folder& run, int width, bool dark) {
  const fs::path probe = run.folder().Write("run/probe.html", Probe("report.html", width));
  TemporaryFolder profile;
  const auto result =
      RunProgram(browser, {"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                           "--disable-background-networking", "--disable-component-update", "--disable-sync",
                           "--disable-dev-shm-usage", "--allow-file-access-from-files", "--enable-logging=stderr",
                           "--v=0", "--window-size=1300,900", "--user-data-dir=" + profile.path().string(),
                           std::string("--blink-settings=preferredColorScheme=") + (dark ? "0" : "1"), "--dump-dom",
                           "file://" + probe.string()});
  Browsed browsed;
  const auto begin = result.out.find("FACTS{"), end = result.out.find("}END");
  if (begin != std::string::npos && end != std::string::npos) {
    browsed.facts = nlohmann::json::parse(result.out.substr(begin + 5, end + 1 - begin - 5));
  } else {
    ADD_FAILURE() << "the browser said nothing: " << result.err.substr(0, 2000);
  }
  std::istringstream lines(result.err);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("CONSOLE") != std::string::npos) browsed.console += line + "\n";
  }
  return browsed;
}

class SlowReportInABrowser : public ::testing::Test {
 protected:
  void SetUp() override {
    browser_ = FindChromium();
    if (browser_.empty()) GTEST_SKIP() << "no Chromium (set DUALGEO_CHROMIUM, or install the package chromium)";
  }
  std::string browser_;
};

TEST_F(SlowReportInABrowser, ThreeThousandPhotosOpenAtOnceOnAPhoneAndInTheDark) {
  const Folder run(3000);
  ASSERT_EQ(RunBinary({"report", run.run().string()}).exit_code, 0);
  EXPECT_LT(fs::file_size(run.html()), 5'000'000u);

  const Browsed phone = Browse(browser_, run, 360, false);
  EXPECT_THAT(phone.console, IsEmpty());
  ASSERT_TRUE(phone.facts.contains("milliseconds"));
  const auto& facts = phone.facts;
  EXPECT_EQ(facts["resources"].size(), 0u) << facts["resources"];
  EXPECT_EQ(facts["scripts"], 0);
  EXPECT_LE(facts["width"], 360);
  EXPECT_LE(facts["scroll"], facts["width"]) << "the page scrolls sideways";
  EXPECT_LE(facts["scroll_open"], facts["width"]) << "the page scrolls sideways with all details open";
  EXPECT_LT(facts["milliseconds"], 2000);
  EXPECT_EQ(facts["repeated"].size(), 0u) << facts["repeated"];
  EXPECT_EQ(facts["dangling"].size(), 0u) << facts["dangling"];
  EXPECT_EQ(facts["unlabelled"], 0);
  EXPECT_EQ(facts["jumps"], 0);
  EXPECT_EQ(facts["landmarks"], 4);
  EXPECT_EQ(facts["unreachable"], 0);
  EXPECT_GE(facts["smallest_text"], 8.0);
  EXPECT_EQ(facts["background"], "rgb(255, 255, 255)");

  const Browsed dark = Browse(browser_, run, 1200, true);
  EXPECT_THAT(dark.console, IsEmpty());
  ASSERT_TRUE(dark.facts.contains("milliseconds"));
  EXPECT_LT(dark.facts["milliseconds"], 2000);
  EXPECT_LE(dark.facts["scroll"], dark.facts["width"]);
  EXPECT_EQ(dark.facts["background"], "rgb(20, 24, 28)");
  for (const char* part : {"colour", "sea", "curve"}) EXPECT_NE(dark.facts[part], facts[part]) << part;
}

// What a stray file name could break is broken here if anywhere: the probe would find a script, an error or a request.
TEST_F(SlowReportInABrowser, PrintsToPaper) {
  const Folder run(200);
  ASSERT_EQ(RunBinary({"report", run.run().string()}).exit_code, 0);
  TemporaryFolder profile;
  const fs::path pdf = run.folder() / "report.pdf";
  const auto result = RunProgram(browser_, {"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                                            "--disable-dev-shm-usage", "--user-data-dir=" + profile.path().string(),
                                            "--print-to-pdf=" + pdf.string(), "file://" + run.html().string()});
  ASSERT_TRUE(fs::exists(pdf)) << result.err.substr(0, 2000);
  EXPECT_EQ(ReadFile(pdf).substr(0, 5), "%PDF-");
  EXPECT_GT(fs::file_size(pdf), 20'000u);
}

}  // namespace
}  // namespace dualgeo
