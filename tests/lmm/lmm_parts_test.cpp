// Options, prompts, cache, tables of answers, choices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "dualgeo/gallery/features.h"
#include "dualgeo/refine/posterior_parameters.h"
#include "dualgeo/util/error.h"
#include "lmm/answer_join.h"
#include "lmm/choose.h"
#include "lmm/lmm_cache.h"
#include "lmm/lmm_prompt.h"
#include "lmm/predictor.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

CandidateList List(const std::string& id, const std::vector<LatLon>& similar,
                   const std::vector<LatLon>& dissimilar = {}) {
  CandidateList list;
  list.query_id = id;
  for (const bool is_similar : {true, false}) {
    int rank = 0;
    for (const LatLon& place : is_similar ? similar : dissimilar) {
      Candidate candidate;
      candidate.rank = ++rank;
      candidate.gallery_id = (is_similar ? "s" : "d") + std::to_string(rank);
      candidate.location = place;
      candidate.similar = is_similar;
      list.candidates.push_back(candidate);
    }
  }
  return list;
}

std::vector<LmmAnswer> Answers(const std::string& id, const std::vector<std::optional<LatLon>>& places) {
  std::vector<LmmAnswer> answers;
  for (const auto& place : places) {
    answers.push_back({id, "geo/0", static_cast<int>(answers.size()), place, place ? "" : "refusal: no"});
  }
  return answers;
}

TEST(LmmOptionsTest, RefusesWhatCannotWork) {
  LmmOptions options;
  EXPECT_NO_THROW(options.Validate());
  options.endpoint = "ftp://host/v1";
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("predict.lmm.endpoint"));
  options.endpoint = "https://user:secret@host/v1";
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("no user, query"));
  options.endpoint = "https://host/v1?key=secret";
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), testing::Not(HasSubstr("secret")));
  options = {};
  options.extra = "[1]";
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("no JSON object"));
  options.extra = R"({"messages": []})";
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("must not set 'messages'"));
  options.extra = "{\"a\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("predict.lmm.extra nests deeper than 64 levels"));
  options = {};
  options.positives.clear();
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("positives"));
  options = {};
  options.choose = "best";
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("expects one of auto, first, medoid"));
  options = {};
  options.concurrency = 0;
  EXPECT_EQ(ErrorOf([&] { options.Validate(); }), "predict.lmm.concurrency = 0: expects a whole number from 1 to 256");
  options = {};
  options.budget.cost = 5;
  EXPECT_THAT(ErrorOf([&] { options.Validate(); }), HasSubstr("nothing would ever cost"));
}

TEST(LmmPromptTest, BuiltInTemplatesAreTheShippedFiles) {
  EXPECT_THAT(PromptTemplate::BuiltIns(), ElementsAre("geo", "img2loc", "g3"));
  const CandidateList list = List("q", {{1, 2}, {3, 4}}, {{5, 6}});
  for (const std::string& name : PromptTemplate::BuiltIns()) {
    EXPECT_TRUE(PromptTemplate::IsBuiltIn(name));
    const std::string file = ReadFile(std::filesystem::path(DUALGEO_SOURCE_DIR) / ("configs/prompts/" + name + ".txt"));
    for (const int positives : {0, 1, 2, 9}) {
      EXPECT_EQ(PromptTemplate::Load(name).Render(list, positives, true).text,
                PromptTemplate::Parse(file, name + ".txt").Render(list, positives, true).text);
    }
  }
  EXPECT_FALSE(PromptTemplate::IsBuiltIn("g4"));
  EXPECT_EQ(ErrorOf([] { PromptTemplate::Load("g4"); }),
            "predict.lmm.prompt is 'g4': neither built in (geo, img2loc, g3) nor a file");
}

// Both sorts of neighbours, or neither: without candidates no list is announced.
TEST(LmmPromptTest, PromptsOfSystemsShowBothSortsOfNeighbours) {
  const CandidateList list = List("q", {{1, 2}, {3, 4}}, {{-5, 6}});
  for (const char* name : {"img2loc", "g3"}) {
    const auto prompt = PromptTemplate::Load(name);
    const std::string with = prompt.Render(list, 16, true).text;
    EXPECT_THAT(with, AllOf(HasSubstr("- 1.000000, 2.000000\n- 3.000000, 4.000000\n"),
                            HasSubstr("- -5.000000, 6.000000"), testing::Not(HasSubstr("{{"))));
    const std::string without = prompt.Render(list, 0, true).text;
    EXPECT_THAT(without, testing::Not(testing::ContainsRegex("[0-9]")));
  }
}

TEST(LmmPromptTest, ShowsCandidatesAndLeavesEmptySectionsOut) {
  const auto prompt = PromptTemplate::Parse(
      "Where?\n{{#similar}}\nNear:\n{{similar}}\n{{/similar}}\n{{#dissimilar}}\nFar:\n{{dissimilar}}\n{{/"
      "dissimilar}}\nSay.",
      "my.txt");
  EXPECT_EQ(prompt.name(), "my");
  const CandidateList list = List("q", {{1, 2}, {3, 4}, {5, 6}}, {{-7, -8}, {-9, 10}});
  EXPECT_EQ(prompt.Render(list, 0, true).text, "Where?\nSay.");
  EXPECT_EQ(prompt.Render(list, 2, true, {{"s2", "Lagos"}}).text,
            "Where?\nNear:\n- 1.000000, 2.000000\n- 3.000000, 4.000000 (Lagos)\nFar:\n- -7.000000, -8.000000\n- "
            "-9.000000, 10.000000\nSay.");
  EXPECT_EQ(prompt.Render(list, 2, false).text, "Where?\nNear:\n- 1.000000, 2.000000\n- 3.000000, 4.000000\nSay.");
  EXPECT_EQ(prompt.Render(list, 20, true).similar, 3);
  EXPECT_EQ(prompt.Render({"q", {}}, 5, true).text, "Where?\nSay.");
}

TEST(LmmPromptTest, NamesFileAndLineOfMistakes) {
  EXPECT_EQ(ErrorOf([] { PromptTemplate::Parse("a\n{{similiar}}", "p.txt"); }),
            "p.txt:2: unknown tag {{similiar}}; there are similar and dissimilar, and # and / before");
  EXPECT_EQ(ErrorOf([] { PromptTemplate::Parse("a\n\n{{similar", "p.txt"); }), "p.txt:3: '{{' without '}}'");
  EXPECT_EQ(ErrorOf([] { PromptTemplate::Parse("{{#similar}} a", "p.txt"); }), "p.txt:1: section without its end");
  EXPECT_EQ(ErrorOf([] { PromptTemplate::Parse("{{/similar}} a", "p.txt"); }),
            "p.txt:1: {{/similar}} closes no section");
  EXPECT_EQ(ErrorOf([] { PromptTemplate::Parse("", "p.txt"); }), "p.txt: the prompt template is empty");
  EXPECT_THAT(ErrorOf([] { PromptTemplate::Load("goe"); }),
              HasSubstr("neither built in (geo, img2loc, g3) nor a file"));
}

TEST(LmmPromptTest, ReadsPlaceNames) {
  TemporaryFolder folder;
  const auto path = folder.Write("items.csv", "IMG_ID,LAT,LON,place\na,1,2,\"Paris, France\"\nb,3,4,\n");
  EXPECT_EQ(ReadPlaceNames(path), (PromptPlaces{{"a", "Paris, France"}}));
  EXPECT_THAT(ErrorOf([&] { ReadPlaceNames(folder.Write("x.csv", "IMG_ID\na\n")); }), HasSubstr("place"));
}

TEST(LmmCacheTest, KeepsAnswersBetweenOpenings) {
  TemporaryFolder folder;
  const auto path = folder / "deep/cache.sqlite";
  CachedAnswer answer;
  answer.key = "k";
  answer.outcome = "answer";
  answer.text = std::string("a\0b\"';--\n\xff", 10);
  answer.prompt_tokens = 7;
  {
    LmmCache cache(path, LmmCache::Mode::kReadWrite);
    EXPECT_FALSE(cache.Find("k"));
    cache.Put(answer);
    cache.PutPhoto("p", "abc");
    cache.LogAttempt("k", 0.5, 200, "");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          CachedAnswer other = answer;
          other.key = std::to_string(t) + "/" + std::to_string(i);
          cache.Put(other);
          EXPECT_TRUE(cache.Find(other.key));
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_FALSE(std::filesystem::exists(path.string() + "-wal"));  // one file, ready to publish
  LmmCache cache(path, LmmCache::Mode::kReadOnly);
  ASSERT_TRUE(cache.Find("k"));
  EXPECT_EQ(cache.Find("k")->text, answer.text);
  EXPECT_EQ(cache.Find("k")->prompt_tokens, 7);
  EXPECT_TRUE(cache.Find("3/49"));
  EXPECT_EQ(cache.FindPhoto("p"), "abc");
  EXPECT_THROW(cache.Put(answer), Error);
}

TEST(LmmCacheTest, RefusesOtherFiles) {
  TemporaryFolder folder;
  const auto open = [&](const std::string& name, LmmCache::Mode mode) {
    return ErrorOf([&] { LmmCache cache(folder / name, mode); });
  };
  EXPECT_THAT(open("none.sqlite", LmmCache::Mode::kReadOnly), HasSubstr("no such cache"));
  folder.Write("text.sqlite", std::string(5000, 'x'));
  EXPECT_THAT(open("text.sqlite", LmmCache::Mode::kReadWrite), HasSubstr("not a cache of answers (SQLite)"));
  EXPECT_EQ(ReadFile(folder / "text.sqlite"), std::string(5000, 'x'));
  folder.Write("empty.sqlite", "");
  EXPECT_THAT(open("empty.sqlite", LmmCache::Mode::kReadOnly), HasSubstr("empty"));
}

// What a file from elsewhere may hold in place of our tables is never run.
TEST(LmmCacheTest, RefusesTablesThatAreNotItsOwn) {
  TemporaryFolder folder;
  const auto path = folder / "cache.sqlite";
  { LmmCache cache(path, LmmCache::Mode::kReadWrite); }
  const auto changed = [&](const std::string& sql) {
    const auto copy = folder / "changed.sqlite";
    std::filesystem::remove(copy);
    std::filesystem::copy_file(path, copy);
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(copy.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    return ErrorOf([&] { LmmCache(copy, LmmCache::Mode::kReadOnly).Find("k"); });
  };
  const std::string endless = " WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) ";
  EXPECT_THAT(changed("DROP TABLE answer; CREATE VIEW answer AS" + endless +
                      "SELECT 'k' AS key, '' AS outcome, x AS rowid FROM n"),
              HasSubstr("its answer is no such table"));
  EXPECT_THAT(changed("DROP TABLE photo; CREATE VIEW photo AS" + endless + "SELECT x AS id, x AS sha256 FROM n"),
              HasSubstr("its photo is no such table"));
  EXPECT_THAT(changed("DROP TABLE attempt"), HasSubstr("its attempt is no such table"));
  EXPECT_THAT(changed("DROP TABLE claim; CREATE TABLE claim(key TEXT, owner TEXT, expires INTEGER AS (1))"),
              HasSubstr("its claim is no such table"));
  // Caches of earlier versions know no claims; views of one's own do no harm.
  EXPECT_EQ(changed("DROP TABLE claim; CREATE VIEW mine AS SELECT text FROM answer"), "no error");
  std::filesystem::create_directory(folder / "folder.sqlite");
  EXPECT_THAT(ErrorOf([&] { LmmCache(folder / "folder.sqlite", LmmCache::Mode::kReadWrite); }),
              HasSubstr("is a folder or a device"));
}

TEST(LmmCacheTest, TriggersAreNotRun) {
  TemporaryFolder folder;
  const auto path = folder / "cache.sqlite";
  { LmmCache cache(path, LmmCache::Mode::kReadWrite); }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(db,
                   "CREATE TRIGGER t AFTER INSERT ON photo BEGIN INSERT INTO attempt(key, seconds, status, error) "
                   "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, 1, 1, '' FROM n; END",
                   nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(db);
  LmmCache cache(path, LmmCache::Mode::kReadWrite);
  cache.PutPhoto("p", "abc");
  EXPECT_EQ(cache.FindPhoto("p"), "abc");
}

TEST(LmmCacheTest, QuestionsAreClaimedOnce) {
  TemporaryFolder folder;
  const auto path = folder / "cache.sqlite";
  LmmCache one(path, LmmCache::Mode::kReadWrite), other(path, LmmCache::Mode::kReadWrite);
  EXPECT_TRUE(one.Claim("k", 100));
  EXPECT_FALSE(one.Claim("k", 100));
  EXPECT_FALSE(other.Claim("k", 100));
  EXPECT_TRUE(other.Claim("l", 100));
  one.Release("k");
  EXPECT_TRUE(other.Claim("k", -5));
  EXPECT_TRUE(one.Claim("k", 100));  // that lease has ended
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  // Of a process that is gone (no process id is that large), and of another machine, which nobody here can tell.
  sqlite3_exec(db, "UPDATE claim SET owner = substr(owner, 1, instr(owner, '/')) || '99999999/1' WHERE key = 'k'",
               nullptr, nullptr, nullptr);
  sqlite3_exec(db, "UPDATE claim SET owner = 'elsewhere/1/1' WHERE key = 'l'", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  EXPECT_TRUE(one.Claim("k", 100));
  EXPECT_FALSE(one.Claim("l", 100));
}

TEST(LmmCacheTest, EveryPutShows) {
  TemporaryFolder folder;
  LmmCache cache(folder / "cache.sqlite", LmmCache::Mode::kReadWrite);
  CachedAnswer answer;
  answer.key = "k";
  cache.Put(answer);
  const auto first = cache.Find("k")->row;
  cache.Put(answer);
  EXPECT_NE(cache.Find("k")->row, first);
}

TEST(AnswersTest, ReadsTablesAndCallsFailuresFailures) {
  TemporaryFolder folder;
  const auto path = folder.Write("a.csv",
                                 "photo,y,x,ok\n"
                                 "a,48.8584,2.2945,True\n"
                                 "a,48.9,2.3,True\n"
                                 "b,0,0,True\n"
                                 "c,1,2,False\n"
                                 "d,,,True\n"
                                 "e,nan,2,True\n"
                                 "f,95,2,True\n"
                                 "g,unknown,2,True\n");
  const auto answers = ReadAnswers(path, ParseAnswerColumns("--columns", "photo,y,x,ok"));
  ASSERT_EQ(answers.size(), 8u);
  EXPECT_EQ(answers[0].location, (LatLon{48.8584, 2.2945}));
  EXPECT_EQ(answers[1].sample, 1);
  EXPECT_EQ(answers[2].reason, "(0, 0) stands for no answer");
  EXPECT_EQ(answers[3].reason, "marked as failed");
  EXPECT_EQ(answers[4].reason, "no coordinates");
  EXPECT_EQ(answers[5].reason, "not a number: nan, 2");
  EXPECT_EQ(answers[6].reason, "out of range: 95, 2");
  EXPECT_EQ(answers[7].reason, "not a number: unknown, 2");
  for (std::size_t i = 2; i < 8; ++i) EXPECT_FALSE(answers[i].location);

  WriteAnswers(folder / "b.csv", answers);
  EXPECT_EQ(ReadAnswers(folder / "b.csv"), answers);
  EXPECT_THAT(ErrorOf([&] { ReadAnswers(path, ParseAnswerColumns("--columns", "photo,ok,x")); }),
              HasSubstr("no row has a usable"));
  EXPECT_THAT(ErrorOf([&] { ReadAnswers(path, ParseAnswerColumns("--columns", "photo,y,x,fine")); }),
              HasSubstr("fine"));
  EXPECT_THAT(ErrorOf([&] { ParseAnswerColumns("--columns", "photo,y"); }), HasSubstr("id,lat,lon"));
}

TEST(AnswersTest, RealGeminiTable) {
  SHARED_PATH_OR_SKIP(path, "data/predictions/gemini2flash_im2gps3k.csv");
  const auto answers = ReadAnswers(path, ParseAnswerColumns("--columns", "IMG_ID,LAT_pred,LON_pred,success"));
  EXPECT_EQ(answers.size(), 2915u);
  int failures = 0;
  int claimed = 0;
  for (const auto& answer : answers) {
    failures += answer.location ? 0 : 1;
    claimed += answer.reason.starts_with("(0, 0)") ? 1 : 0;
  }
  EXPECT_EQ(failures, 168);
  EXPECT_EQ(claimed, 7);
}

TEST(ChooseTest, Rules) {
  const LatLon paris{48.8584, 2.2945}, near_paris{48.86, 2.3}, nice{43.7, 7.27}, lyon{45.76, 4.84};
  const CandidateList list = List("q", {lyon, nice});
  const auto answers = Answers("q", {std::nullopt, nice, paris, near_paris});
  const auto choose = [&](const std::string& rule, ChoiceInputs inputs = {}) {
    LmmOptions options;
    options.choose = rule;
    return Chooser(options, std::move(inputs)).Choose(list, answers);
  };
  EXPECT_EQ(choose("first").location, nice);
  EXPECT_EQ(choose("first").method, "lmm/first");
  EXPECT_EQ(choose("cluster").location, paris);
  EXPECT_EQ(choose("auto").method, "lmm/medoid");
  const auto medoid = choose("medoid").location;
  EXPECT_TRUE(medoid == paris || medoid == near_paris);

  ChoiceInputs inputs;
  std::vector<LatLon> compared;
  inputs.similarity = [&](const std::string& id, std::span<const LatLon> places) {
    EXPECT_EQ(id, "q");
    compared.assign(places.begin(), places.end());
    return std::vector<double>{0.1, 0.2, 0.3, 0.9, 0.4};  // the first candidate
  };
  EXPECT_EQ(choose("verify", inputs).location, lyon);
  EXPECT_THAT(compared, ElementsAre(nice, paris, near_paris, lyon, nice));
  EXPECT_EQ(choose("auto", inputs).method, "lmm/verify");

  inputs.join = [&](const CandidateList& with, std::span<const LmmAnswer> usable) {
    EXPECT_EQ(with.candidates.size(), 2u);
    EXPECT_EQ(usable.size(), 3u);
    return Prediction{"", LatLon{1, 2}, "bayes", 30.0, ""};
  };
  const Prediction joined = choose("bayes", inputs);
  EXPECT_EQ(joined.id, "q");
  EXPECT_EQ(joined.method, "lmm/bayes");
  EXPECT_EQ(joined.confidence_km, 30.0);
  EXPECT_EQ(choose("auto", inputs).method, "lmm/bayes");  // joining comes first
  inputs.similarity = nullptr;
  EXPECT_EQ(choose("auto", inputs).method, "lmm/bayes");

  EXPECT_THAT(ErrorOf([&] { choose("verify"); }), HasSubstr("--photo-features"));
  EXPECT_THAT(ErrorOf([&] { choose("bayes"); }), HasSubstr("bayes"));
}

// G3's verification with numbers by hand: the photo's vector is (0.6, 0.8).
TEST(ChooseTest, VerifyComparesAnswersWithTheFirstRetrievedPlaces) {
  const LatLon answer{10, 10}, first{20, 20}, second{30, 30}, zero{0, 0};
  const std::map<std::pair<double, double>, std::pair<double, double>> vectors = {{{10, 10}, {1, 0}},  // cosine 0.6
                                                                                  {{20, 20}, {0.28, 0.96}},  // 0.936
                                                                                  {{30, 30}, {0.6, 0.8}},    // 1
                                                                                  {{0, 0}, {0.8, 0.6}}};     // 0.96
  ChoiceInputs inputs;
  inputs.similarity = [&](const std::string&, std::span<const LatLon> places) {
    std::vector<double> cosines;
    for (const LatLon& place : places) {
      const auto& [x, y] = vectors.at({place.lat, place.lon});
      cosines.push_back(0.6 * x + 0.8 * y);
    }
    return cosines;
  };
  LmmOptions options;
  options.choose = "verify";
  const CandidateList list = List("q", {first, second}, {{-1, -1}});
  auto answers = Answers("q", {std::nullopt, answer});
  const auto choose = [&] { return Chooser(options, inputs).Choose(list, answers).location; };
  EXPECT_EQ(choose(), second);  // all candidates, as before there was a choice
  options.retrieved = 0;
  EXPECT_EQ(choose(), answer);
  options.retrieved = 1;
  EXPECT_EQ(choose(), first);
  options.retrieved = 2;
  EXPECT_EQ(choose(), second);
  // The released code's way with an answer that holds no coordinates.
  options.failed_answer = "zero";
  options.retrieved = 1;
  EXPECT_EQ(choose(), zero);
  EXPECT_THAT(Chooser::PlacesToVerify(options, list, answers), ElementsAre(zero, answer, first));
  answers.front().reply = LmmAnswer::Reply::kAskAgain;  // a server that failed has not answered
  EXPECT_EQ(choose(), first);
}

TEST(ChooseTest, MoreRetrievedPlacesThanThereAreIsAMistake) {
  PredictOptions options;
  options.method = "lmm";
  options.lmm.choose = "verify";
  options.lmm.retrieved = 3;
  PredictInputs inputs;
  inputs.answers = Answers("q", {LatLon{1, 2}});
  inputs.choice.similarity = [](const std::string&, std::span<const LatLon> places) {
    return std::vector<double>(places.size(), 0.5);
  };
  const std::vector<CandidateList> lists = {List("q", {{5, 6}, {7, 8}}, {{1, 1}}), List("r", {{5, 6}})};
  EXPECT_EQ(ErrorOf([&] { Predict(options, lists, inputs); }),
            "predict.lmm.retrieved is 3, but no photo has more than 2 similar candidates (search.top_k, rerank.top_k)");
  options.lmm.retrieved = 2;
  EXPECT_EQ(Predict(options, lists, inputs).size(), 2u);
}

TEST(PredictAnswers, OfOtherPhotosAreSaid) {
  PredictOptions options;
  options.method = "lmm";
  PredictInputs inputs;
  inputs.answers = Answers("a/q_1.JPG", {LatLon{1, 2}});
  const std::vector<CandidateList> lists = {List("q_1.jpg", {LatLon{3, 4}}), List("q_2.jpg", {LatLon{3, 4}})};
  EXPECT_THAT(ErrorOf([&] { Predict(options, lists, inputs); }),
              AllOf(HasSubstr("1 of 1 photos"), HasSubstr("a/q_1.JPG"), HasSubstr("folder")));
  auto more = Answers("q_2.jpg", {LatLon{1, 2}});  // some fit: a warning
  inputs.answers->insert(inputs.answers->end(), more.begin(), more.end());
  EXPECT_EQ(Predict(options, lists, inputs).size(), 2u);
}

TEST(ChooseTest, AutoJoinsWhereThereAreCandidates) {
  PredictOptions options;
  options.method = "lmm";
  PredictInputs inputs;
  inputs.answers = Answers("q", {LatLon{1, 2}});
  inputs.choice.join = [](const CandidateList& list, std::span<const LmmAnswer>) {
    return Prediction{list.query_id, LatLon{3, 4}, "bayes", 30.0, ""};
  };
  EXPECT_EQ(Predict(options, {List("q", {{5, 6}})}, inputs).front().method, "lmm/bayes");
  EXPECT_EQ(Predict(options, {List("q", {})}, inputs).front().method, "lmm/medoid");
  EXPECT_TRUE(AnswerJoinFor("auto", {}));
  EXPECT_TRUE(AnswerJoinFor("bayes", {}));
  EXPECT_FALSE(AnswerJoinFor("medoid", {}));
  // Parameters that know no answers cannot join them.
  TemporaryFolder folder;
  PosteriorParameters parameters = DefaultPosteriorParameters();
  parameters.answers = parameters.list_with_answers = {};
  parameters.answer_widths_km = {};
  WritePosteriorParameters(folder / "list.yaml", parameters);
  RerankOptions rerank;
  rerank.parameters = (folder / "list.yaml").string();
  EXPECT_FALSE(AnswerJoinFor("auto", rerank));
  EXPECT_THROW(AnswerJoinFor("bayes", rerank), InputError);
}

TEST(PredictionsTest, FallbacksAreNotAnswers) {
  const std::vector<Prediction> predictions = {{"a", LatLon{1, 2}, "lmm/medoid", {}, ""},
                                               {"b", LatLon{1, 2}, "fallback/reranked_first", {}, "HTTP 400: no"},
                                               {"c", {}, "lmm/medoid", {}, "HTTP 400: no"}};
  EXPECT_EQ(DescribeAnswered(predictions, "lmm"), "1 of 3 photos answered by lmm (1 by fallback/reranked_first)");
}

TEST(ChooseTest, DateLineAndPoles) {
  LmmOptions options;
  for (const char* rule : {"first", "medoid", "cluster"}) {
    options.choose = rule;
    const Chooser chooser(options, {});
    const auto fiji =
        chooser.Choose(List("q", {}), Answers("q", {LatLon{-17, 179.99}, LatLon{-17, -179.99}, LatLon{-17, 180}}));
    ASSERT_TRUE(fiji.location);
    EXPECT_GT(std::abs(fiji.location->lon), 179.9) << rule;
    const auto pole =
        chooser.Choose(List("q", {}), Answers("q", {LatLon{89.99, 0}, LatLon{89.99, 120}, LatLon{90, -60}}));
    EXPECT_GT(pole.location->lat, 89.9) << rule;
  }
}

TEST(ChooseTest, FailedPhotosFallBackByANamedRuleAndAreCounted) {
  const std::vector<CandidateList> lists = {List("a", {{1, 2}}), List("b", {{3, 4}}), List("c", {}),
                                            List("d", {{5, 6}})};
  auto answers = Answers("a", {LatLon{10, 20}});
  for (auto& answer : Answers("b", {std::nullopt})) answers.push_back(answer);
  for (auto& answer : Answers("c", {std::nullopt})) answers.push_back(answer);
  LmmOptions options;
  ChoiceCounts counts;
  const auto predictions = Chooser(options, {}).Choose(lists, GroupAnswers(answers), &counts);
  ASSERT_EQ(predictions.size(), 4u);
  EXPECT_EQ(predictions[0], (Prediction{"a", LatLon{10, 20}, "lmm/medoid", {}, ""}));
  EXPECT_EQ(predictions[1], (Prediction{"b", LatLon{3, 4}, "fallback/reranked_first", {}, "refusal: no"}));
  EXPECT_EQ(predictions[2], (Prediction{"c", {}, "lmm/medoid", {}, "refusal: no"}));
  EXPECT_EQ(predictions[3], (Prediction{"d", LatLon{5, 6}, "fallback/reranked_first", {}, "no answer"}));
  EXPECT_EQ(counts.answered, 1);
  EXPECT_EQ(counts.fallback, 2);
  EXPECT_EQ(counts.unanswered, 1);
  EXPECT_EQ(counts.reasons, (std::map<std::string, int>{{"refusal", 2}, {"no answer", 1}}));

  options.fallback = "none";
  const auto silent = Chooser(options, {}).Choose(lists, GroupAnswers(answers), nullptr);
  EXPECT_FALSE(silent[1].location);
  EXPECT_EQ(silent[1].reason, "refusal: no");
}

TEST(PlaceSimilarityTest, GoesByTwoFeaturesFiles) {
  TemporaryFolder folder;
  FeatureSet photos;
  photos.ids = {"a", "b"};
  photos.model = "m";
  photos.features["projected_image"] = Matrix(2, 2);
  photos.features["projected_image"].values = {1, 0, 0, 1};
  WriteFeatures(folder / "photos.safetensors", photos);
  FeatureSet gps;
  gps.kind = "gps";
  gps.model = "m";
  gps.ids = {"0", "1", "2"};
  gps.locations = {{1, 2}, {3, 4}, {-5, 180}};
  gps.features["gps"] = Matrix(3, 1);
  gps.features["projected_gps"] = Matrix(3, 2);
  gps.features["projected_gps"].values = {0.6f, 0.8f, 0.8f, 0.6f, 0, 1};
  WriteFeatures(folder / "gps.safetensors", gps);
  const auto similarity = FeatureFileSimilarity(folder / "photos.safetensors", folder / "gps.safetensors");
  const std::vector<LatLon> places = {{3, 4}, {1.0000001, 2}, {-5, -180}};
  const auto a = similarity("a", places);
  EXPECT_NEAR(a[0], 0.8, 1e-6);
  EXPECT_NEAR(a[1], 0.6, 1e-6);
  EXPECT_NEAR(a[2], 0.0, 1e-6);
  EXPECT_NEAR(similarity("b", places)[2], 1.0, 1e-6);
  EXPECT_THAT(ErrorOf([&] { similarity("c", places); }), HasSubstr("has no photo 'c'"));
  const std::vector<LatLon> unknown = {{9, 9}};
  EXPECT_THAT(ErrorOf([&] { similarity("a", unknown); }), HasSubstr("no embedding of 9.000000, 9.000000"));
  gps.model = "other";
  WriteFeatures(folder / "gps.safetensors", gps);
  EXPECT_THAT(ErrorOf([&] { FeatureFileSimilarity(folder / "photos.safetensors", folder / "gps.safetensors"); }),
              HasSubstr("another model"));
}

TEST(PlaceSimilarityTest, IsTheMeanOverTheViews) {
  TemporaryFolder folder;
  FeatureSet photos;
  photos.ids = {"a"};
  photos.features["projected_image"] = Matrix(1, 2);
  photos.features["projected_image"].values = {1, 0};
  photos.features["projected_segmentation"] = Matrix(1, 2);
  photos.features["projected_segmentation"].values = {0, 1};
  WriteFeatures(folder / "photos.safetensors", photos);
  FeatureSet gps;
  gps.kind = "gps";
  gps.ids = {"0"};
  gps.locations = {{1, 2}};
  gps.features["gps"] = Matrix(1, 1);
  gps.features["projected_gps"] = Matrix(1, 2);
  gps.features["projected_gps"].values = {0.6f, 0.8f};
  WriteFeatures(folder / "gps.safetensors", gps);
  const std::vector<LatLon> places = {{1, 2}};
  const auto similarity = FeatureFileSimilarity(folder / "photos.safetensors", folder / "gps.safetensors");
  EXPECT_NEAR(similarity("a", places)[0], 0.7, 1e-6);
  photos.features = {{"image", Matrix(1, 2)}};
  WriteFeatures(folder / "photos.safetensors", photos);
  EXPECT_THAT(ErrorOf([&] { FeatureFileSimilarity(folder / "photos.safetensors", folder / "gps.safetensors"); }),
              HasSubstr("neither projected_image nor projected_segmentation"));
}

TEST(PlaceSimilarityTest, TheModelEmbedsThePlacesItself) {
  EmbedModel model;
  model.model.views = "image";
  model.model.embed_dim = 16;
  model.model.image_encoder.preset = "vit-tiny";
  model.model.image_encoder.layers = 1;
  model.model.gps_encoder.rff_size = 8;
  model.model.gps_encoder.hidden = 8;
  model.model.gps_encoder.embed_dim = 8;
  const std::vector<LatLon> places = {{48.86, 2.35}, {-33.87, 151.21}, {89, 10}};
  Coordinates coordinates;
  coordinates.locations = places;
  const FeatureSet gps = EmbedCoordinates(model, coordinates);
  FeatureSet photos;
  photos.model = gps.model;
  photos.ids = {"a"};
  photos.features["projected_image"] = Matrix(1, 16);
  std::ranges::copy(gps.Require("projected_gps").Row(1), photos.features["projected_image"].Row(0).begin());
  std::vector<CandidateList> lists = {List("a", places)};
  AddGpsScores(ModelSimilarity(model, photos, "features"), lists);
  const Matrix& known = gps.Require("projected_gps");
  for (std::size_t i = 0; i < places.size(); ++i) {
    double cosine = 0;
    for (std::size_t d = 0; d < 16; ++d) {
      cosine += static_cast<double>(known.Row(static_cast<std::int64_t>(i))[d]) * known.Row(1)[d];
    }
    EXPECT_NEAR(lists[0].candidates[i].gps_score.value(), cosine, 1e-5);
  }
  photos.model = "other";
  EXPECT_THAT(ErrorOf([&] { ModelSimilarity(model, photos, "f.safetensors"); }),
              HasSubstr("f.safetensors: made by another model"));
}

TEST(PredictWithLmmTest, TakesAnswersFromATable) {
  PredictOptions options;
  options.method = "lmm";
  PredictInputs inputs;
  inputs.answers = Answers("a", {LatLon{10, 20}});
  PredictReport report;
  const auto predictions = Predict(options, {List("a", {{1, 2}}), List("b", {{3, 4}})}, inputs, &report);
  ASSERT_EQ(predictions.size(), 2u);
  EXPECT_EQ(predictions[0].location, (LatLon{10, 20}));
  EXPECT_EQ(predictions[1].method, "fallback/reranked_first");
  EXPECT_EQ(report.counts.fallback, 1);
  EXPECT_EQ(report.rule, "medoid");
  EXPECT_THROW(MakePredictor(options), InputError);
}

}  // namespace
}  // namespace dualgeo
