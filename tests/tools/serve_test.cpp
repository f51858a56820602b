// `dualgeo serve` and `dualgeo locate` through the binary: what they answer, what they refuse, many clients at once,
// and both pages clicked through in a browser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/browser.h"
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
using Json = nlohmann::json;

// The server in a process of its own, until it is told to stop.
class ServerProcess {
 public:
  ServerProcess(const std::vector<std::string>& arguments, const fs::path& folder) {
    std::vector<std::string> all = {DUALGEO_BINARY, "serve", "--port", "0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& argument : all) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const std::string out = (log_ / "out").string(), err = (log_ / "err").string();
    child_ = fork();
    if (child_ == 0) {
      dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
      dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
      if (chdir(folder.c_str()) != 0) _exit(126);
      execv(argv[0], argv.data());
      _exit(127);
    }
    for (int i = 0; i < 600 && url_.empty() && waitpid(child_, nullptr, WNOHANG) == 0; ++i) {
      usleep(50'000);
      const std::string text = fs::exists(log_ / "out") ? ReadFile(log_ / "out") : "";
      if (const auto end = text.find("/  ("); end != std::string::npos) url_ = text.substr(0, end);
    }
  }
  ~ServerProcess() {
    if (child_ > 0) Stop();
  }
  int Stop() {
    kill(child_, SIGTERM);
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& url() const { return url_; }  // http://127.0.0.1:PORT
  std::string err() const { return ReadFile(log_ / "err"); }
  httplib::Client Client() const {
    httplib::Client client(url_);
    client.set_read_timeout(60);
    return client;
  }
  long ResidentKb() const {
    std::ifstream status("/proc/" + std::to_string(child_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    }
    return 0;
  }

 private:
  TemporaryFolder log_;
  pid_t child_ = -1;
  std::string url_;
};

class SlowServe : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const auto config = folder_->Write(
        "tiny.yaml", "extends: " DUALGEO_SOURCE_DIR
                     "/configs/small.yaml\n"
                     "name: tiny\n"
                     "run_dir: run\n"
                     "run: {steps: [world, train_segmenter, segment, train, gallery, fit_rerank, search, rerank, "
                     "predict, evaluate]}\n"
                     "search: {gps_scores: true}\n"
                     "world: {out: world, places: 3, views: 4, size: 64}\n"
                     "data:\n"
                     "  train: {csv: world/train.csv, images: world/images, masks: world/masks}\n"
                     "  benchmarks: {query: {csv: world/query.csv, images: world/images}}\n"
                     "model: {segmenter: {image_size: 64}}\n"
                     "train_segmenter: {epochs: 1, batch_size: 4}\n"
                     "train: {epochs: 2, batch_size: 8}\n"
                     "evaluate: {bootstrap: 20}\n");
    const auto made = RunBinary({"run", "--config", config.string()}, folder_->path());
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const auto table = ReadFile(*folder_ / "world/query.csv");
    const auto line = table.substr(table.find('\n') + 1);
    id_ = line.substr(0, line.find(','));
    photo_ = *folder_ / "world/images" / id_;
    server_ = new ServerProcess({"--run", "run", "--upload-megabytes", "1"}, folder_->path());
    ASSERT_FALSE(server_->url().empty()) << server_->err();
  }
  static void TearDownTestSuite() {
    delete server_;
    delete folder_;
  }
  static RunResult Locate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "locate");
    arguments.insert(arguments.end(), {"--run", "run"});
    return RunBinary(arguments, folder_->path());
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline ServerProcess* server_ = nullptr;
  static inline std::string id_;
  static inline fs::path photo_;
};

TEST_F(SlowServe, LocatePrintsHowSureItIsAndWritesGeoJsonAndAPage) {
  const auto towns = folder_->Write("towns.csv", "name,lat,lon,country\nNearhere,0.5,0.5,GA\n");
  folder_->Write("mixed/bad.jpg", "hello");
  fs::copy_file(photo_, *folder_ / "mixed/good.jpg", fs::copy_options::overwrite_existing);
  const auto text = Locate({"mixed", "--places", towns.string(), "--geojson", "out.geojson", "--map", "out.html"});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.err, HasSubstr("bad.jpg"));
  EXPECT_THAT(text.out, AllOf(HasSubstr("good.jpg"), HasSubstr("near Nearhere"), HasSubstr("one half within"),
                              HasSubstr("smallest areas: 50 % in"), HasSubstr("they may all be wrong")));
  const auto geojson = Json::parse(ReadFile(*folder_ / "out.geojson"));
  std::map<std::string, int> kinds;
  for (const auto& feature : geojson["features"]) ++kinds[feature["properties"]["kind"]];
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"answer", 1}, {"area", 2}, {"candidate", 5}}));
  const std::string page = ReadFile(*folder_ / "out.html");
  EXPECT_THAT(page, AllOf(HasSubstr("script-src 'sha256-"), HasSubstr("good.jpg"), HasSubstr("id=\"data-land-fine\""),
                          Not(HasSubstr("src=\"/"))));

  const auto pattern = Locate({"mixed/g*.jpg", "--json"});
  EXPECT_EQ(pattern.exit_code, 0) << pattern.err;
  EXPECT_EQ(Json::parse(pattern.out).size(), 1u);
  const auto nothing = Locate({"mixed/x*.jpg"});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("x*.jpg: no file matches"));
}

TEST_F(SlowServe, AnswersAsLocateDoes) {
  auto client = server_->Client();
  const std::string bytes = ReadFile(photo_);
  const auto raw = client.Post("/v1/locate?cells=1&view=1", bytes, "image/jpeg");
  ASSERT_TRUE(raw);
  EXPECT_THAT(raw->get_header_value("Server-Timing"), ::testing::MatchesRegex("locate;dur=[0-9]+[.][0-9][0-9]"));
  ASSERT_EQ(raw->status, 200) << raw->body;
  const Json answer = Json::parse(raw->body);
  const auto located = Locate({photo_.string(), "--json"});
  ASSERT_EQ(located.exit_code, 0) << located.err;
  const Json same = Json::parse(located.out)[0];
  EXPECT_EQ(answer["estimate"], same["estimate"]);
  EXPECT_EQ(answer["sure"], same["sure"]);
  ASSERT_EQ(answer["candidates"].size(), 5u);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(answer["candidates"][i]["gallery_id"], same["candidates"][i]["gallery_id"]);
  EXPECT_GT(answer["cells"].size(), 0u);
  EXPECT_THAT(answer["mask"]["png"], HasSubstr("data:image/png;base64,"));
  double held = 0;
  for (const auto& cell : answer["cells"]) held += cell["p"].get<double>();
  EXPECT_NEAR(held, answer["areas"][1]["probability"], 1e-6);

  const auto form = client.Post("/v1/locate", httplib::MultipartFormDataItems{{"photo", bytes, "x.jpg", "image/jpeg"}});
  ASSERT_TRUE(form);
  EXPECT_EQ(form->status, 200) << form->body;
  EXPECT_EQ(Json::parse(form->body)["photo"], "x.jpg");
  EXPECT_EQ(Json::parse(form->body)["estimate"], answer["estimate"]);

  const auto thumbnail = client.Get(answer["candidates"][0]["photo"].get<std::string>());
  ASSERT_TRUE(thumbnail);
  EXPECT_EQ(thumbnail->get_header_value("Content-Type"), "image/jpeg");
  EXPECT_EQ(thumbnail->body.substr(0, 2), "\xff\xd8");
}

TEST_F(SlowServe, RefusesWhatItShould) {
  auto client = server_->Client();
  const std::string bytes = ReadFile(photo_);
  const auto post = [&](const std::string& path, const std::string& body, const char* type,
                        const httplib::Headers& headers = {}) {
    const auto result = client.Post(path, headers, body, type);
    return result ? result->status : -1;
  };
  const auto get = [&](const std::string& path, const httplib::Headers& headers = {}) {
    const auto result = client.Get(path, headers);
    return result ? result->status : -1;
  };
  EXPECT_EQ(post("/v1/locate", "hello", "image/jpeg"), 422);
  EXPECT_EQ(post("/v1/locate", "", "image/jpeg"), 400);
  EXPECT_EQ(post("/v1/locate?candidates=0", bytes, "image/jpeg"), 400);
  EXPECT_EQ(post("/v1/locate", std::string(2 << 20, 'x'), "image/jpeg"), 413);
  EXPECT_EQ(post("/v1/locate", bytes, "image/jpeg", {{"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(post("/v1/locate", bytes, "image/jpeg", {{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(post("/v1/locate", bytes, "image/jpeg", {{"Host", "evil.example"}}), 403);
  EXPECT_EQ(get("/", {{"Host", "evil.example"}}), 403);
  EXPECT_EQ(get("/v1/locate"), 404);
  for (const char* path :
       {"/../run.json", "/%2e%2e/run.json", "/page.css/../../etc/passwd", "/v1/runs/..",
        "/v1/runs/run/benchmarks/..%2f..", "/v1/runs/run/picture?id=../query.csv",
        "/v1/runs/run/picture?id=/etc/passwd", "/v1/runs/run/picture?benchmark=query&id=..%2fquery.csv",
        "/v1/runs/other/benchmarks/query"}) {
    EXPECT_EQ(get(path), 404) << path;
  }
  const auto page = client.Get("/");
  ASSERT_TRUE(page);
  EXPECT_THAT(page->get_header_value("Content-Security-Policy"),
              AllOf(HasSubstr("default-src 'none'"), HasSubstr("frame-ancestors 'none'"), Not(HasSubstr("unsafe"))));
  EXPECT_EQ(page->get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_FALSE(page->has_header("Access-Control-Allow-Origin"));

  const auto open = RunBinary({"serve", "--run", "run", "--host", "0.0.0.0"}, folder_->path());
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_THAT(open.err, HasSubstr("--token"));
}

TEST_F(SlowServe, TellsWhatIsInTheRun) {
  auto client = server_->Client();
  const Json runs = Json::parse(client.Get("/v1/runs")->body);
  ASSERT_EQ(runs["runs"].size(), 1u);
  EXPECT_EQ(runs["runs"][0]["benchmarks"][0]["name"], "query");
  const Json benchmark = Json::parse(client.Get("/v1/runs/run/benchmarks/query")->body);
  EXPECT_EQ(benchmark["photos"].size(), runs["runs"][0]["benchmarks"][0]["count"].get<std::size_t>());
  EXPECT_TRUE(benchmark["conditions"].contains("PLACE")) << benchmark["conditions"];
  const Json photo = Json::parse(client.Get("/v1/runs/run/benchmarks/query/photo?id=" + id_)->body);
  EXPECT_GT(photo["candidates"].size(), 0u);
  for (const char* kind : {"photo", "mask"}) {
    const auto picture = client.Get("/v1/runs/run/picture?benchmark=query&id=" + id_ + "&kind=" + kind);
    ASSERT_TRUE(picture);
    EXPECT_EQ(picture->status, 200) << picture->body;
  }
  EXPECT_EQ(Json::parse(client.Get("/openapi.json")->body)["openapi"], "3.0.3");
}

TEST_F(SlowServe, KeepsPhotosOnlyWhereToldAndNeedsTheToken) {
  ServerProcess kept({"--run", "run", "--keep", "kept", "--token", "0123456789abcdef"}, folder_->path());
  ASSERT_FALSE(kept.url().empty()) << kept.err();
  auto client = kept.Client();
  EXPECT_EQ(client.Get("/")->status, 401);
  const auto entered = client.Get("/?token=0123456789abcdef");
  EXPECT_EQ(entered->status, 302);
  EXPECT_THAT(entered->get_header_value("Set-Cookie"), AllOf(HasSubstr("HttpOnly"), HasSubstr("SameSite=Strict")));
  const httplib::Headers bearer = {{"Authorization", "Bearer 0123456789abcdef"}};
  EXPECT_EQ(client.Post("/v1/locate", bearer, ReadFile(photo_), "image/jpeg")->status, 200);
  EXPECT_EQ(std::distance(fs::directory_iterator(*folder_ / "kept"), fs::directory_iterator()), 2);
  EXPECT_EQ(kept.Stop(), 0);
}

// For a few seconds, not the minute that a measurement would take.
TEST_F(SlowServe, EightClientsAtOnceLeaveItsMemoryFlat) {
  const std::string bytes = ReadFile(photo_);
  std::atomic<int> answered = 0, failed = 0;
  const auto ask_for = [&](std::chrono::seconds time) {
    std::vector<std::jthread> clients;
    const auto end = std::chrono::steady_clock::now() + time;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        auto client = server_->Client();
        client.set_keep_alive(true);
        while (std::chrono::steady_clock::now() < end) {
          const auto result = client.Post("/v1/locate", bytes, "image/jpeg");
          result && result->status == 200 ? ++answered : ++failed;
        }
      });
    }
  };
  ask_for(std::chrono::seconds(3));
  const long before = server_->ResidentKb();
  ask_for(std::chrono::seconds(5));
  EXPECT_EQ(failed, 0);
  EXPECT_GT(answered, 16);
  EXPECT_LT(server_->ResidentKb() - before, 20'000);
}

class SlowServeInABrowser : public SlowServe {
 protected:
  void SetUp() override {
    chromium_ = FindChromium();
    if (chromium_.empty()) GTEST_SKIP() << "no Chromium (set DUALGEO_CHROMIUM, or install the package chromium)";
  }
  std::string chromium_;
};

// Facts that every page must have: nothing scrolls sideways, ids are unique, all that is pressed has a name.
constexpr const char* kPageFaults =
    "[document.documentElement.scrollWidth > innerWidth ? 'scrolls sideways' : '',"
    " ...[...document.querySelectorAll('button,input,select,canvas,img')].filter(e => !(e.textContent.trim() || "
    "e.getAttribute('aria-label') || e.hasAttribute('alt') || e.labels && e.labels.length)).map(e => 'no name: ' + "
    "e.outerHTML),"
    " ...[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i),"
    " ...['main', 'header', 'footer', 'nav'].filter(t => !document.querySelector(t))].filter(Boolean)";

TEST_F(SlowServeInABrowser, AskPageAnswersADroppedPhotoOnAPhoneInTheDark) {
  Browser browser(chromium_, 360, 800, /*dark=*/true);
  browser.Open(server_->url() + "/");
  // By the keyboard: the skip link, the pages, the file.
  browser.Press("Tab");
  EXPECT_EQ(browser.Evaluate("document.activeElement.className"), "skip");
  const std::string picture = "/v1/runs/run/picture?benchmark=query&id=" + id_;
  browser.Evaluate("(async () => { const blob = await (await fetch('" + picture +
                   "')).blob(); const d = new DataTransfer();"
                   "d.items.add(new File([blob], '<b>a photo</b>.jpg', {type: 'image/jpeg'}));"
                   "d.items.add(new File(['hello'], 'bad.jpg', {type: 'image/jpeg'}));"
                   "document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer: d, cancelable: "
                   "true})); })()");
  ASSERT_TRUE(browser.Await("document.querySelectorAll('#answers li').length === 2"));
  EXPECT_TRUE(browser.Await("document.querySelectorAll('#candidates li').length === 10"));
  EXPECT_THAT(browser.Evaluate("document.getElementById('answer-heading').textContent"), "<b>a photo</b>.jpg");
  EXPECT_THAT(browser.Evaluate("document.getElementById('status').textContent").get<std::string>(),
              HasSubstr("bad.jpg"));
  EXPECT_TRUE(browser.Evaluate("/within|guess/.test(document.querySelector('.sure').textContent)"));
  EXPECT_EQ(browser.Evaluate("document.querySelectorAll('#facts tbody tr').length"), 5);
  EXPECT_TRUE(
      browser.Await("[...document.querySelectorAll('#candidates img')].slice(0, 2).every(i => i.naturalWidth > 0)"));
  // The mask over the photo, and the map by its keys: it draws something else.
  browser.Evaluate("document.querySelector('#photo input').click()");
  EXPECT_EQ(browser.Evaluate("document.querySelector('.mask').hidden"), false);
  EXPECT_TRUE(browser.Await("map.small && document.querySelector('canvas').width > 100"));
  browser.Evaluate("document.querySelector('canvas').focus()");
  const auto scale = browser.Evaluate("map.at.scale").get<double>();
  browser.Press("+");
  EXPECT_GT(browser.Evaluate("map.at.scale").get<double>(), scale);
  EXPECT_EQ(browser.Evaluate(kPageFaults), Json::array());
  EXPECT_EQ(browser.Evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(20, 24, 28)");
  // The photo that is none was refused with 422, which the console tells; nothing else.
  for (const auto& complaint : browser.complaints()) EXPECT_THAT(complaint, HasSubstr("422"));
}

TEST_F(SlowServeInABrowser, RunPageFiltersComparesAndShowsAPhoto) {
  Browser browser(chromium_, 1200, 900);
  browser.Open(server_->url() + "/run");
  ASSERT_TRUE(browser.Await("document.querySelectorAll('#list table:last-of-type tbody button').length > 0"));
  const auto count = [&] {
    return browser.Evaluate("document.querySelectorAll('#list tbody button').length").get<int>();
  };
  const int all = count();
  browser.Evaluate(
      "document.getElementById('from').value = 1e6; document.getElementById('from').dispatchEvent(new Event('input', "
      "{bubbles: true}))");
  EXPECT_EQ(count(), 0);
  browser.Evaluate("document.querySelector('#filters button').click()");
  EXPECT_TRUE(browser.Await("document.querySelectorAll('#list tbody button').length === " + std::to_string(all)));
  // By a condition, and beside another method.
  browser.Evaluate(
      "{ const s = document.querySelector('#conditions select'); s.selectedIndex = 1; s.dispatchEvent(new "
      "Event('input', {bubbles: true})) }");
  EXPECT_LT(count(), all);
  EXPECT_GT(count(), 0);
  browser.Evaluate(
      "document.getElementById('b').selectedIndex = 2; document.getElementById('b').dispatchEvent(new Event('change', "
      "{bubbles: true}))");
  EXPECT_TRUE(browser.Await("!document.getElementById('changed-label').hidden"));
  EXPECT_EQ(browser.Evaluate("document.querySelectorAll('#scores tbody tr').length"), 2);
  // A photo with its mask and candidates.
  browser.Evaluate("document.querySelector('#list tbody button').click()");
  EXPECT_TRUE(browser.Await(
      "!document.getElementById('photo').hidden && document.querySelector('#detail img').naturalWidth > 0"));
  EXPECT_EQ(browser.Evaluate("document.activeElement.id"), "photo-heading");
  browser.Evaluate("document.querySelector('#detail input').click()");
  EXPECT_TRUE(browser.Await("document.querySelector('#detail .mask').naturalWidth > 0"));
  EXPECT_EQ(browser.Evaluate(kPageFaults), Json::array());
  EXPECT_THAT(browser.complaints(), IsEmpty());
}

TEST_F(SlowServeInABrowser, TheMapFileOpensAlone) {
  ASSERT_EQ(Locate({photo_.string(), "--map", "alone.html"}).exit_code, 0);
  Browser browser(chromium_, 360, 800);
  browser.Open("file://" + (*folder_ / "alone.html").string());
  EXPECT_TRUE(browser.Await("document.querySelectorAll('#candidates tbody tr').length === 5 && map.small"));
  EXPECT_EQ(browser.Evaluate("performance.getEntriesByType('resource').length"), 0);
  EXPECT_EQ(browser.Evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
  EXPECT_THAT(browser.complaints(), IsEmpty());
}

}  // namespace
}  // namespace dualgeo
