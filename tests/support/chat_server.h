// An HTTP server in this process that speaks the chat-completions protocol over real sockets, with faults on demand.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace dualgeo {

struct ChatRequest {
  int number = 0;  // 0, 1, ... in order of arrival
  std::string line;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::chrono::steady_clock::time_point arrival;

  nlohmann::json json() const { return nlohmann::json::parse(body); }
  std::string prompt() const { return json()["messages"][0]["content"][0]["text"]; }
  std::string image() const { return json()["messages"][0]["content"][1]["image_url"]["url"]; }
};

struct ChatServerReply {
  int status = 200;
  std::string body;
  std::vector<std::string> headers = {};
  double delay_seconds = 0;
  std::size_t cut_at = std::string::npos;  // close after so many bytes of the body
  bool hang_up = false;                    // close without a word
};

// The body of a chat completion.
inline std::string Completion(const std::string& content, int prompt_tokens = 100, int completion_tokens = 20) {
  nlohmann::json json;
  json["id"] = "chatcmpl-1";
  json["object"] = "chat.completion";
  json["model"] = "test-model";
  json["choices"][0]["index"] = 0;
  json["choices"][0]["finish_reason"] = "stop";
  json["choices"][0]["message"]["role"] = "assistant";
  json["choices"][0]["message"]["content"] = content;
  json["usage"]["prompt_tokens"] = prompt_tokens;
  json["usage"]["completion_tokens"] = completion_tokens;
  json["usage"]["total_tokens"] = prompt_tokens + completion_tokens;
  return json.dump();
}

class ChatServer {
 public:
  using Handler = std::function<ChatServerReply(const ChatRequest&)>;

  // port 0: any free one.
  explicit ChatServer(Handler handler, int port = 0) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 64) != 0) {
      throw std::runtime_error("test server cannot listen");
    }
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~ChatServer() { Die(); }
  ChatServer(const ChatServer&) = delete;
  ChatServer& operator=(const ChatServer&) = delete;

  int port() const { return port_; }
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  int requests() const { return requests_; }

  // Closes every connection and the port, as a killed process does.
  void Die() {
    Close();
    if (acceptor_.joinable()) acceptor_.join();
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (auto& thread : threads) thread.join();
    const int listener = listener_.exchange(-1);
    if (listener >= 0) close(listener);
  }
  // The same from within a handler.
  void Close() {
    stopping_ = true;
    const int listener = listener_;
    if (listener >= 0) shutdown(listener, SHUT_RDWR);
    const std::lock_guard lock(mutex_);
    for (const int connection : connections_) shutdown(connection, SHUT_RDWR);
  }

 private:
  void Accept() {
    while (!stopping_) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        close(connection);
        return;
      }
      connections_.insert(connection);
      threads_.emplace_back([this, connection] {
        Serve(connection);
        const std::lock_guard closing(mutex_);
        connections_.erase(connection);
        close(connection);
      });
    }
  }

  static bool Send(int connection, const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<std::size_t>(n);
    }
    return true;
  }

  void Serve(int connection) {
    std::string buffer;
    char bytes[16384];
    const auto receive = [&] {
      const ssize_t n = recv(connection, bytes, sizeof bytes, 0);
      if (n > 0) buffer.append(bytes, static_cast<std::size_t>(n));
      return n > 0;
    };
    while (!stopping_) {
      std::size_t head_end;
      while ((head_end = buffer.find("\r\n\r\n")) == std::string::npos) {
        if (!receive()) return;
      }
      ChatRequest request;
      request.arrival = std::chrono::steady_clock::now();
      std::size_t at = buffer.find("\r\n");
      request.line = buffer.substr(0, at);
      while (at < head_end) {
        const std::size_t next = buffer.find("\r\n", at + 2);
        const std::string line = buffer.substr(at + 2, next - at - 2);
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos) {
          std::string name = line.substr(0, colon);
          for (char& c : name) c = static_cast<char>(std::tolower(c));
          request.headers[name] = line.substr(line.find_first_not_of(' ', colon + 1));
        }
        at = next;
      }
      const std::size_t length = std::stoul(request.headers["content-length"]);
      while (buffer.size() < head_end + 4 + length) {
        if (!receive()) return;
      }
      request.body = buffer.substr(head_end + 4, length);
      buffer.erase(0, head_end + 4 + length);
      request.number = requests_++;

      const ChatServerReply reply = handler_(request);
      if (reply.delay_seconds > 0) std::this_thread::sleep_for(std::chrono::duration<double>(reply.delay_seconds));
      if (reply.hang_up || stopping_) return;
      std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Status\r\nContent-Type: application/json\r\n";
      for (const auto& header : reply.headers) head += header + "\r\n";
      head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
      if (!Send(connection, head + reply.body.substr(0, reply.cut_at))) return;
      if (reply.cut_at != std::string::npos) return;
    }
  }

  Handler handler_;
  std::atomic<int> listener_{-1};
  int port_ = 0;
  std::atomic<int> requests_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::set<int> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace dualgeo
