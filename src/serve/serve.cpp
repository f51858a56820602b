#include "serve/serve.h"

#include <fmt/format.h>
#include <httplib.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <set>
#include <thread>

#include "dualgeo/pipeline/locate.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "gate.h"
#include "model_thread.h"
#include "pipeline/location_json.h"
#include "run_view.h"
#include "served_files.h"
#include "util/atomic_file.h"
#include "util/base64.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;
using httplib::Request;
using httplib::Response;

constexpr int kMostCandidates = 100;
constexpr int kThumbnailSide = 240, kPhotoSide = 900;
constexpr std::size_t kThreads = 16;  // they wait for the model, and for slow clients

struct PageFile {
  const char* path;
  const char* file;
  const char* type;
};

constexpr PageFile kPageFiles[] = {{"/", "ask.html", "text/html; charset=utf-8"},
                                   {"/run", "run.html", "text/html; charset=utf-8"},
                                   {"/page.css", "page.css", "text/css; charset=utf-8"},
                                   {"/map.js", "map.js", "text/javascript; charset=utf-8"},
                                   {"/ask.js", "ask.js", "text/javascript; charset=utf-8"},
                                   {"/run.js", "run.js", "text/javascript; charset=utf-8"},
                                   {"/openapi.json", "openapi.json", "application/json"},
                                   {"/land-110m.json", "countries-110m.json", "application/json"},
                                   {"/land-50m.json", "countries-50m.json", "application/json"}};

void Answer(Response& response, int status, const Json& json) {
  response.status = status;
  response.set_content(json.dump(-1, ' ', false, Json::error_handler_t::replace), "application/json");
}

void Refuse(Response& response, int status, const std::string& reason) {
  Answer(response, status, {{"error", reason}});
}

httplib::Headers SafeHeaders() {
  return {{"Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
           "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cache-Control", "no-store"}};
}

// A parameter of the query; a number out of range is the client's mistake.
int NumberOf(const Request& request, const char* name, int absent, int least, int most) {
  if (!request.has_param(name)) return absent;
  const std::string text = request.get_param_value(name);
  const auto value = ParseDouble(text);
  if (!value || *value != static_cast<int>(*value) || *value < least || *value > most) {
    throw InputError(std::string(name) + ": expected a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most) + ", got '" + Printable(text, 40) + "'");
  }
  return static_cast<int>(*value);
}

std::string ParameterOf(const Request& request, const char* name) {
  return request.has_param(name) ? request.get_param_value(name) : "";
}

// The folders' names, made different.
std::vector<std::string> NamesOfRuns(const std::vector<fs::path>& runs) {
  std::vector<std::string> names;
  for (const auto& run : runs) {
    const std::string name = fs::weakly_canonical(run).filename().string();
    std::string unique = name;
    for (int i = 2; std::ranges::find(names, unique) != names.end(); ++i) unique = name + "-" + std::to_string(i);
    names.push_back(unique);
  }
  return names;
}

void CheckServeOptions(const ServeOptions& options) {
  if (options.runs.empty()) throw InputError("serve: needs a run");
  if (!IsLoopback(options.host) && options.token.size() < 16) {
    throw InputError("serve: --host " + Printable(options.host, 100) +
                     " can be reached by others: give a --token of at least 16 characters");
  }
  const auto bad = [](char c) { return c <= ' ' || c > '~' || c == ';' || c == ',' || c == '"' || c == '\\'; };
  if (std::ranges::any_of(options.token, bad)) {
    throw InputError("serve: --token: letters, digits and signs without space, quotes, comma and semicolon");
  }
}

class PhotoServer {
 public:
  explicit PhotoServer(const ServeOptions& options)
      : options_(options),
        gate_(options.host, options.token),
        names_(NamesOfRuns(options.runs)),
        locator_(model_.Do(
            [&] { return std::make_unique<Locator>(options.runs.front(), options.overrides, options.places); })) {
    for (const auto& run : options.runs) views_.push_back(std::make_unique<RunView>(run));
    if (!options.keep.empty()) CreateFolder(options.keep);
    Settings();
    Routes();
  }

  ~PhotoServer() {
    model_.Do([this] { locator_.reset(); });
  }
  PhotoServer(const PhotoServer&) = delete;
  PhotoServer& operator=(const PhotoServer&) = delete;

  void Run(const std::function<void(const std::string&)>& ready) {
    int port = options_.port;
    if (port == 0) {
      port = server_.bind_to_any_port(options_.host);
    } else if (!server_.bind_to_port(options_.host, port)) {
      port = -1;
    }
    if (port < 0) {
      throw Error("serve: cannot listen on " + options_.host + ":" + std::to_string(options_.port) +
                  " (is the port taken? --port 0 takes any)");
    }
    const std::string host = options_.host.find(':') != std::string::npos ? "[" + options_.host + "]" : options_.host;
    const std::jthread stopper([this](const std::stop_token& stop) {
      while (!stop.stop_requested() && !StopRequested()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      // A stop that comes before the loop began would be lost.
      while (!stop.stop_requested() && !server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      server_.stop();
    });
    ready("http://" + host + ":" + std::to_string(port) + "/");
    server_.listen_after_bind();
  }

 private:
  void Settings() {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_payload_max_length(options_.upload_megabytes << 20);
    server_.set_read_timeout(20);
    server_.set_write_timeout(20);
    server_.set_keep_alive_max_count(1000);
    server_.set_tcp_nodelay(true);
    // Not SO_REUSEPORT, the library's own: two servers would share a port.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.set_default_headers(SafeHeaders());
    server_.set_pre_routing_handler([this](const Request& request, Response& response) {
      const auto header = [&](const char* name) { return request.get_header_value(name); };
      if (request.method == "GET" && request.path == "/" && gate_.IsToken(ParameterOf(request, "token"))) {
        response.set_header("Set-Cookie", std::string(Gate::kCookie) + "=" + ParameterOf(request, "token") +
                                              "; HttpOnly; SameSite=Strict; Path=/");
        response.set_redirect("/");
        return Server::HandlerResponse::Handled;
      }
      const Refusal refusal =
          gate_.Check({header("Host"), header("Origin"), header("Sec-Fetch-Site"), header("Authorization"),
                       header("Cookie"), request.method == "GET" || request.method == "HEAD"});
      if (refusal.status == 0) return Server::HandlerResponse::Unhandled;
      Refuse(response, refusal.status, refusal.reason);
      return Server::HandlerResponse::Handled;
    });
    server_.set_error_handler([this](const Request&, Response& response) {
      if (!response.body.empty()) return;
      const int status = response.status;
      Refuse(response, status,
             status == 404   ? "there is nothing of this name"
             : status == 413 ? "larger than " + std::to_string(options_.upload_megabytes) +
                                   " MB, or sent as a form: use multipart/form-data or a Content-Type of image/..."
                             : "HTTP " + std::to_string(status));
    });
    server_.set_exception_handler([](const Request&, Response& response, const std::exception_ptr& thrown) {
      try {
        std::rethrow_exception(thrown);
      } catch (const InputError& error) {
        Refuse(response, 404, error.what());
      } catch (const std::exception& error) {
        spdlog::error("serve: {}", error.what());
        Refuse(response, 500, "the server failed; its log says why");
      }
    });
  }

  void Routes() {
    for (const auto& file : kPageFiles) {
      server_.Get(file.path, [&file](const Request&, Response& response) {
        const std::string_view text = ServedFile(file.file);
        response.set_content(text.data(), text.size(), file.type);
      });
    }
    server_.Post("/v1/locate", [this](const Request& q, Response& r) { LocatePhoto(q, r); });
    server_.Get("/v1/runs", [this](const Request&, Response& response) {
      Json runs = Json::array();
      for (std::size_t i = 0; i < names_.size(); ++i) {
        Json run = {{"name", names_[i]}};
        run.update(views_[i]->Summary());
        runs.push_back(std::move(run));
      }
      Answer(response, 200, {{"runs", std::move(runs)}});
    });
    server_.Get(R"(/v1/runs/([^/]+)/benchmarks/([^/]+))", [this](const Request& q, Response& r) {
      r.set_content(View(q.matches[1]).Benchmark(q.matches[2]), "application/json");
    });
    server_.Get(R"(/v1/runs/([^/]+)/benchmarks/([^/]+)/photo)", [this](const Request& q, Response& r) {
      Answer(r, 200, View(q.matches[1]).Photo(q.matches[2], ParameterOf(q, "id")));
    });
    server_.Get(R"(/v1/runs/([^/]+)/picture)", [this](const Request& q, Response& r) {
      const bool small = ParameterOf(q, "size") == "small";
      const auto image = View(q.matches[1])
                             .Picture(ParameterOf(q, "benchmark"), ParameterOf(q, "id"),
                                      ParameterOf(q, "kind") == "mask", small ? kThumbnailSide : kPhotoSide);
      r.set_content(image.bytes, image.type);
    });
  }

  RunView& View(const std::string& name) {
    const auto found = std::ranges::find(names_, name);
    if (found == names_.end()) throw InputError("no run '" + Printable(name, 60) + "'; there are: " + Join(names_));
    return *views_[static_cast<std::size_t>(found - names_.begin())];
  }

  // The bytes of the photo: the part `photo` of a form, or the body.
  static std::string_view PhotoOf(const Request& request, std::string& name) {
    name = ParameterOf(request, "name");
    if (!request.is_multipart_form_data()) return request.body;
    const auto part = request.files.find("photo");
    if (part == request.files.end()) return {};
    if (name.empty()) name = part->second.filename;
    return part->second.content;
  }

  void LocatePhoto(const Request& request, Response& response) {
    LocateOptions asked;
    try {
      asked.candidates = NumberOf(request, "candidates", 5, 1, kMostCandidates);
    } catch (const InputError& error) {
      return Refuse(response, 400, error.what());
    }
    const bool cells = ParameterOf(request, "cells") == "1";
    asked.view = ParameterOf(request, "view") == "1";
    asked.areas = true;
    std::string name;
    const std::string_view bytes = PhotoOf(request, name);
    if (bytes.empty()) return Refuse(response, 400, "no photo: send it as the body, or as the part 'photo' of a form");
    if (name.empty()) name = "photo";
    name = Printable(name, 200);
    double library_ms = 0;
    const Location location = model_.Do([&] {
      const auto begin = std::chrono::steady_clock::now();
      Location found = locator_->Locate(bytes, name, asked);
      library_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
      return found;
    });
    // W3C Server Timing: browsers show it beside the request's whole time.
    response.set_header("Server-Timing", fmt::format("locate;dur={:.2f}", library_ms));
    Json json = LocationJson(location, cells);
    if (!location.error.empty()) return Answer(response, 422, json);
    for (auto& candidate : json["candidates"]) {
      const std::string id = candidate["gallery_id"];
      if (!views_.front()->HasGalleryPhoto(id)) continue;
      candidate["photo"] = "/v1/runs/" + httplib::detail::encode_query_param(names_.front()) +
                           "/picture?size=small&id=" + httplib::detail::encode_query_param(id);
    }
    if (!location.view.mask_png.empty()) {
      json["mask"] = {{"png", "data:image/png;base64," + Base64(location.view.mask_png)},
                      {"text", location.view.mask_text}};
    }
    if (!options_.keep.empty()) Keep(bytes, json);
    Answer(response, 200, json);
  }

  // By the hash of its bytes: no name of the client's reaches the disk.
  void Keep(std::string_view bytes, const Json& answer) const {
    const std::string hash = Sha256(std::string(bytes));
    WriteFileAtomically(options_.keep / (hash + ".photo"), std::string(bytes));
    WriteFileAtomically(options_.keep / (hash + ".json"), answer.dump(2, ' ', false, Json::error_handler_t::replace));
  }

  using Server = httplib::Server;

  ServeOptions options_;
  Gate gate_;
  std::vector<std::string> names_;
  ModelThread model_;
  std::unique_ptr<Locator> locator_;  // used by the model's thread alone
  std::vector<std::unique_ptr<RunView>> views_;
  Server server_;
};

}  // namespace

void Serve(const ServeOptions& options, const std::function<void(const std::string&)>& ready) {
  CheckServeOptions(options);
  // A search tells its progress; of a photo at a time that is a line for each request.
  if (spdlog::get_level() == spdlog::level::info) spdlog::set_level(spdlog::level::warn);
  PhotoServer(options).Run(ready);
}

}  // namespace dualgeo
