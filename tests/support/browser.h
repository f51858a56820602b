// Headless Chromium, driven through its debugging pipe (no port, no WebSocket): opens a page and evaluates JavaScript
// in it. Tests that need it skip where there is none.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace dualgeo {

// Its path, or empty.
inline std::string FindChromium() {
  if (const char* named = std::getenv("DUALGEO_CHROMIUM")) return named;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
      if (access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
    }
  }
  return "";
}

class Browser {
 public:
  explicit Browser(const std::string& chromium, int width = 1200, int height = 900, bool dark = false) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> arguments = {chromium,
                                          "--headless",
                                          "--no-sandbox",
                                          "--disable-gpu",
                                          "--no-first-run",
                                          "--disable-dev-shm-usage",
                                          "--disable-background-networking",
                                          "--disable-component-update",
                                          "--remote-debugging-pipe",
                                          "--user-data-dir=" + profile_.path().string(),
                                          "--window-size=" + std::to_string(width) + "," + std::to_string(height),
                                          std::string("--blink-settings=preferredColorScheme=") + (dark ? "0" : "1"),
                                          "about:blank"};
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = fork();
    if (child_ == 0) {
      setpgid(0, 0);
      // Its ends first out of the way of 3 and 4.
      const int in = fcntl(to[0], F_DUPFD, 20), out = fcntl(from[1], F_DUPFD, 20), null = open("/dev/null", O_RDWR);
      dup2(null, 0);
      dup2(null, 1);
      dup2(null, 2);
      dup2(in, 3);
      dup2(out, 4);
      for (int fd = 5; fd < 64; ++fd) close(fd);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    in_ = from[0];
    out_ = to[1];
    const auto targets = Call("Target.getTargets", {});
    for (const auto& target : targets["targetInfos"]) {
      if (target["type"] == "page")
        session_ = Call("Target.attachToTarget", {{"targetId", target["targetId"]}, {"flatten", true}})["sessionId"];
    }
    Call("Page.enable", {});
    Call("Runtime.enable", {});
    Call("Log.enable", {});
    Call("Emulation.setDeviceMetricsOverride",
         {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", false}});
  }
  ~Browser() {
    close(out_);
    close(in_);
    kill(-child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  void Open(const std::string& url) {
    Call("Page.navigate", {{"url", url}});
    Evaluate("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))");
  }

  // The value of an expression, awaited where it is a promise. What it throws: std::runtime_error.
  nlohmann::json Evaluate(const std::string& expression) {
    const auto result =
        Call("Runtime.evaluate", {{"expression", expression}, {"awaitPromise", true}, {"returnByValue", true}});
    if (result.contains("exceptionDetails")) throw std::runtime_error(expression + ": " + result.dump());
    return result["result"].value("value", nlohmann::json());
  }

  // Waits until an expression is true; what it is at the end of its patience.
  bool Await(const std::string& expression) {
    for (int i = 0; i < 200; ++i) {
      if (Evaluate("Boolean(" + expression + ")") == true) return true;
      usleep(50'000);
    }
    return false;
  }

  // A key, as a user presses it.
  void Press(const std::string& key) {
    Call("Input.dispatchKeyEvent", {{"type", "rawKeyDown"},
                                    {"key", key},
                                    {"code", key},
                                    {"windowsVirtualKeyCode", key == "Tab"     ? 9
                                                              : key == "Enter" ? 13
                                                                               : 0}});
    Call("Input.dispatchKeyEvent", {{"type", "keyUp"}, {"key", key}, {"code", key}});
  }

  // Errors of scripts, refused requests and violations of the page's policy.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  nlohmann::json Call(const std::string& method, const nlohmann::json& parameters) {
    nlohmann::json message = {
        {"id", ++id_}, {"method", method}, {"params", parameters.is_null() ? nlohmann::json::object() : parameters}};
    if (!session_.empty()) message["sessionId"] = session_;
    const std::string text = message.dump() + '\0';
    for (std::size_t at = 0; at < text.size();) {
      const auto n = write(out_, text.data() + at, text.size() - at);
      if (n <= 0) throw std::runtime_error("Chromium ended");
      at += static_cast<std::size_t>(n);
    }
    while (true) {
      const auto answer = Read();
      const std::string event = answer.value("method", "");
      if (event == "Runtime.exceptionThrown" || event == "Log.entryAdded")
        complaints_.push_back(answer["params"].dump());
      if (answer.value("id", 0) != id_) continue;
      if (answer.contains("error")) throw std::runtime_error(method + ": " + answer["error"].dump());
      return answer["result"];
    }
  }

  nlohmann::json Read() {
    while (true) {
      const auto end = buffer_.find('\0');
      if (end != std::string::npos) {
        auto answer = nlohmann::json::parse(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        return answer;
      }
      pollfd waiting = {in_, POLLIN, 0};
      if (poll(&waiting, 1, 60'000) <= 0) throw std::runtime_error("Chromium does not answer");
      char bytes[65536];
      const auto n = read(in_, bytes, sizeof bytes);
      if (n <= 0) throw std::runtime_error("Chromium ended");
      buffer_.append(bytes, static_cast<std::size_t>(n));
    }
  }

  TemporaryFolder profile_;
  pid_t child_ = -1;
  int in_ = -1, out_ = -1, id_ = 0;
  std::string session_, buffer_;
  std::vector<std::string> complaints_;
};

}  // namespace dualgeo
