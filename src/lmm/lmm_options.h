// What `predict --method lmm` and the config's `predict.lmm` section take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/util/field.h"

namespace dualgeo {

// Where a run stops by itself; what was answered until then stays in the cache. 0: no bound. A run never sends more
// requests than allowed; tokens and cost are known only when an answer is there, so a run stops before a request that
// may pass the bound, taking the dearest answer so far as its measure.
struct LmmBudgetOptions {
  std::int64_t requests = 0;    // sent in this run, retries included
  std::int64_t tokens = 0;      // of prompts and answers of this run
  double cost = 0;              // of this run, in the currency of the prices
  double prompt_price = 0;      // per million tokens
  double completion_price = 0;  // per million tokens

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("requests", requests, "most requests of one run, retries included; 0: no bound", Range{0, 1e15},
            Affects::kNothing);
    v.Field("tokens", tokens, "most tokens of one run, prompts and answers; 0: no bound", Range{0, 1e15},
            Affects::kNothing);
    v.Field("cost", cost, "most cost of one run, in the currency of the prices; 0: no bound", Range{0, 1e12},
            Affects::kNothing);
    v.Field("prompt_price", prompt_price, "price of a million prompt tokens", Range{0, 1e9}, Affects::kNothing);
    v.Field("completion_price", completion_price, "price of a million answer tokens", Range{0, 1e9}, Affects::kNothing);
  }

  void Validate() const;
};

struct LmmOptions {
  std::string endpoint = "http://127.0.0.1:8080/v1";  // OpenAI-compatible; /chat/completions is appended
  std::string model;                                  // as the server calls it; empty: the server's only one
  std::string prompt = "geo";                         // built-in template or a template file (lmm/lmm_prompt.h)
  bool offline = false;                               // replay the cache, send nothing
  int samples = 1;                                    // answers per photo and prompt
  double temperature = 1.2;
  std::vector<int> positives = {0, 5, 10, 15};  // one prompt each, with so many similar candidates
  bool negatives = true;                        // show as many dissimilar candidates, too
  bool verify = true;                           // choose auto, nothing to join: verify, given similarities
  int concurrency = 4;                          // requests under way at once
  std::string cache = "lmm-cache.sqlite";       // every request and answer; never the key

  std::string choose = "auto";              // see LmmChoices()
  double cluster_km = 50;                   // choose cluster: answers within this distance belong together
  std::optional<int> retrieved;             // choose verify: so many similar candidates compete; nullopt: all
  std::string failed_answer = "left_out";   // an answer without a place: left_out | zero, which competes as 0, 0
  std::string fallback = "reranked_first";  // for a photo without a usable answer: reranked_first | none
  std::string parser = "any";               // how answers are read: any | decimals (lmm/answer_parser.h)

  int image_side = 512;                  // the photo's longer side is reduced to this
  int jpeg_quality = 85;                 // of the reduced photo
  std::string detail = "low";            // OpenAI's image detail: low | high | auto
  int max_tokens = 0;                    // most tokens of one answer; 0: the server's default
  std::string response_format = "auto";  // auto: JSON schema, without when the server refuses it; json_schema; none
  std::optional<int> seed;               // sent as seed + sample, for servers that sample reproducibly
  std::string extra;                     // JSON object merged into the request: {"top_p": 0.9}

  std::string api_key_env = "DUALGEO_LMM_KEY";  // environment variable that holds the key; unset: no key
  std::string ca_file;                          // certificates to trust besides the system's; empty: the system's
  double timeout_seconds = 120;                 // a whole request
  double connect_timeout_seconds = 10;
  int retries = 5;                // of one request, after timeouts, broken replies, 408, 429 and 5xx
  double retry_seconds = 1;       // first wait; doubles each time, with jitter; Retry-After counts where it is longer
  double max_wait_seconds = 300;  // a longer Retry-After stops the run
  int stop_after_failures = 10;   // requests in a row that were given up: the server is gone, the run stops
  bool retry_failed = false;      // ask again what the server refused (4xx) in an earlier run
  LmmBudgetOptions budget;

  // May the choice go by similarities of GPS embeddings?
  bool verifies() const { return choose == "verify" || (choose == "auto" && verify); }

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("endpoint", endpoint, "base URL of an OpenAI-compatible server; /chat/completions is appended");
    v.Field("model", model, "model name as the server calls it; empty: the server's only one");
    v.Field("prompt", prompt, "prompt template: geo, img2loc or g3 (built in), or a file", Affects::kContent);
    v.Field("samples", samples, "answers per photo and prompt", Range{1, 1000});
    v.Field("temperature", temperature, "sampling temperature", Range{0, 10});
    v.Field("positives", positives, "one prompt each, with so many similar candidates", Range{0, 1000});
    v.Field("negatives", negatives, "show as many dissimilar candidates, too");
    v.Field("verify", verify,
            "choose auto, where nothing is joined: take the place whose GPS embedding matches best, given features");
    v.Field("concurrency", concurrency, "requests under way at once", Range{1, 256}, Affects::kSpeed);
    v.Field("cache", cache, "SQLite file of every request and answer", Affects::kNothing);
    v.Field("offline", offline, "replay the cache, send nothing", Affects::kNothing, Added{});
    v.Field("choose", choose, "how one place is made of the answers", OneOf{LmmChoices()});
    v.Field("cluster_km", cluster_km, "choose cluster: answers within this distance belong together", Range{0, 20100});
    v.Field("retrieved", retrieved,
            "so many of the similar candidates compete with the answers (S in G3), the first ones; null: all",
            Range{0, 1000}, For{"choose", {"verify", "auto"}}, Added{});
    v.Field("failed_answer", failed_answer,
            "an answer without a place is left out, or is a place like the others, 0, 0 (as G3's released code)",
            OneOf{{"left_out", "zero"}}, Added{});
    v.Field("fallback", fallback, "for a photo without a usable answer", OneOf{{"reranked_first", "none"}});
    v.Field("parser", parser,
            "how coordinates are read from an answer: any notation, or the first two numbers with a decimal point (as "
            "the released code)",
            OneOf{{"any", "decimals"}});
    v.Field("image_side", image_side, "the photo's longer side is reduced to this many pixels", Range{16, 8192});
    v.Field("jpeg_quality", jpeg_quality, "JPEG quality of the reduced photo", Range{1, 100});
    v.Field("detail", detail, "image detail as OpenAI's interface names it", OneOf{{"low", "high", "auto"}});
    v.Field("max_tokens", max_tokens, "most tokens of one answer; 0: the server's default", Range{0, 1e6});
    v.Field("response_format", response_format, "ask for JSON by schema; auto: until the server refuses it",
            OneOf{{"auto", "json_schema", "none"}});
    v.Field("seed", seed, "sent as seed + sample number; null: not sent", Range{0, 2e9});
    v.Field("extra", extra, "JSON object merged into the request");
    v.Field("api_key_env", api_key_env, "environment variable that holds the key", Affects::kNothing);
    v.Field("ca_file", ca_file, "PEM file of certificates to trust; empty: the system's", Affects::kNothing);
    v.Field("timeout_seconds", timeout_seconds, "for a whole request", Range{0.001, 86400}, Affects::kNothing);
    v.Field("connect_timeout_seconds", connect_timeout_seconds, "for connecting", Range{0.001, 3600},
            Affects::kNothing);
    v.Field("retries", retries, "of one request, after timeouts, broken replies, 408, 429 and 5xx", Range{0, 100},
            Affects::kNothing);
    v.Field("retry_seconds", retry_seconds, "first wait before a retry; doubles each time", Range{0, 3600},
            Affects::kNothing);
    v.Field("max_wait_seconds", max_wait_seconds, "a server that asks for a longer wait stops the run", Range{0, 1e6},
            Affects::kNothing);
    v.Field("stop_after_failures", stop_after_failures, "requests given up in a row that stop the run", Range{1, 1e6},
            Affects::kNothing);
    v.Field("retry_failed", retry_failed, "ask again what the server refused in an earlier run");
    v.Group("budget", budget, "where a run stops by itself");
  }

  // Throws InputError naming field, value and what is allowed: an endpoint that is not http(s) or holds a user, query
  // or fragment (keys belong in the environment), extra that is no JSON object or sets messages, no positives.
  void Validate() const;

  // auto      verify, where `verify` is set and similarities are given; else bayes, where there are candidates; else
  //           medoid
  // first     the first usable answer
  // medoid    the answer with the least summed distance to the others
  // cluster   the medoid of the largest cluster of answers (DBSCAN, cluster_km, two answers make one)
  // verify    of answers and similar candidates the one whose GPS embedding best matches the photo (G3)
  // bayes     answers and candidates weighed together by the bayes re-ranker
  static const std::vector<std::string>& LmmChoices();
};

}  // namespace dualgeo
