#include "processes_c10d.h"

#include <torch/version.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#if defined(USE_C10D_NCCL) && __has_include(<nccl.h>)
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#define DUALGEO_NCCL
#endif

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

using RankClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kBeat{500};          // between two signs of life
constexpr milliseconds kBrokenAfter{3000};  // the same as `timeout` once a connection has broken
constexpr milliseconds kGrace{2000};        // for a thread that finds out by itself
constexpr std::int64_t kBucket = 1 << 24;   // elements summed at once
const char* const kFailed = "failed";
const char* const kBroken = "broken";
const char* const kDone = "done";

#if TORCH_VERSION_MAJOR >= 2
using Group = c10d::Backend;
#else
using Group = c10d::ProcessGroup;
#endif
using StorePointer = c10::intrusive_ptr<c10d::TCPStore>;

std::vector<std::uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

// LibTorch's messages carry stack traces after the first line.
std::string FirstLine(const std::string& text) { return Printable(text.substr(0, text.find('\n')), 300); }

std::string RankName(int rank) { return "rank " + std::to_string(rank); }

class C10dProcesses : public Processes {
 public:
  C10dProcesses(const ProcessPlace& place, LostRank lost) : Processes(place), on_lost_(std::move(lost)) {
    const milliseconds timeout = place_.timeout;
    store_ = Open(first(), timeout);
    Store("beat/" + std::to_string(rank()), "0");
    AwaitAll();
    beats_ = Open(false, timeout);
    last_answer_ = RankClock::now();
    watch_ = std::thread([this] { Watch(); });
    if (!first()) guard_ = std::thread([this] { Guard(); });
    try {
      Collective([this] { OpenGroups(); });
    } catch (...) {
      StopWatching();
      throw;
    }
  }

  ~C10dProcesses() override { StopWatching(); }

  void Sum(const std::vector<torch::Tensor>& tensors) override {
    const c10::InferenceMode normal(false);  // Gloo writes from threads of its own
    const torch::NoGradGuard no_grad;
    for (std::size_t begin = 0; begin < tensors.size();) {
      std::size_t end = begin;
      std::int64_t elements = 0;
      while (end < tensors.size() && elements < kBucket && tensors[end].scalar_type() == tensors[begin].scalar_type() &&
             tensors[end].device() == tensors[begin].device()) {
        elements += tensors[end++].numel();
      }
      SumBucket(
          {tensors.begin() + static_cast<std::ptrdiff_t>(begin), tensors.begin() + static_cast<std::ptrdiff_t>(end)});
      begin = end;
    }
  }

  torch::Tensor Gather(const torch::Tensor& rows) override {
    const c10::InferenceMode normal(false);  // Gloo writes from threads of its own
    const torch::NoGradGuard no_grad;
    const auto own = Carried(rows.detach()).contiguous();
    const auto counts = torch::cat(AllGather(torch::tensor({own.size(0)}, torch::kInt64)));
    const auto most = counts.max().item<std::int64_t>();
    if (most == 0) return rows.detach();
    auto padded = own;
    if (own.size(0) < most) {
      auto sizes = own.sizes().vec();
      sizes[0] = most - own.size(0);
      padded = torch::cat({own, torch::zeros(sizes, own.options())});
    }
    auto parts = AllGather(padded);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i] = parts[i].narrow(0, 0, counts[static_cast<std::int64_t>(i)].item<std::int64_t>());
    }
    return torch::cat(parts).to(rows.device());
  }

  void Barrier() override {
    Collective([this] { gloo_->barrier()->wait(); });
  }

  void Finish() override {
    Barrier();
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    Store("beat/" + std::to_string(rank()), kDone);
    if (first()) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !lost_.empty() || std::ssize(done_) + 1 == size(); });
    }
    StopWatching();
    gloo_.reset();
  }

  void Fail(const std::string& why) override {
    ending_ = true;
    try {
      // The first one's reason is the job's.
      if (!beats_->check({kFailed})) Store(kFailed, RankName(rank()) + " failed: " + why);
    } catch (const std::exception&) {  // rank 0 is gone
    }
    // Rank 0 has what tells the others.
    if (first()) std::this_thread::sleep_for(3 * kBeat);
  }

 private:
  std::string Endpoint() const { return place_.address + ":" + std::to_string(place_.port); }

  StorePointer Open(bool server, milliseconds timeout) const {
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(place_.port);
    options.isServer = server;
    options.numWorkers = static_cast<std::size_t>(place_.size);
    options.waitWorkers = false;
    options.timeout = timeout;
    try {
      return c10::make_intrusive<c10d::TCPStore>(place_.address, options);
    } catch (const std::exception& error) {
      const std::string what = error.what();
      if (server) {
        const bool used = what.find("errno: 98") != std::string::npos || what.find("EADDRINUSE") != std::string::npos;
        throw InputError("MASTER_PORT: " + std::to_string(place_.port) + ": rank 0 cannot listen there: " +
                         (used ? "the port is in use on this machine; choose another" : FirstLine(what)));
      }
      throw Error(RankName(rank()) + ": rank 0 does not answer at " + Endpoint() +
                  " (MASTER_ADDR, MASTER_PORT) within " + std::to_string(place_.timeout.count()) +
                  " s: " + FirstLine(what));
    }
  }

  void Store(const std::string& key, const std::string& value) { store_->set(key, Bytes(value)); }

  static std::string Get(const StorePointer& store, const std::string& key) {
    const auto bytes = store->get(key);
    return {bytes.begin(), bytes.end()};
  }

  // Until every rank is there: the one that is missing is named.
  void AwaitAll() {
    const auto until = RankClock::now() + place_.timeout;
    for (int other = 0; other < size(); ++other) {
      const auto left = std::chrono::duration_cast<milliseconds>(until - RankClock::now());
      try {
        store_->wait({"beat/" + std::to_string(other)}, std::max(left, milliseconds(1)));
      } catch (const std::exception&) {
        throw Error(RankName(other) + " of " + std::to_string(size()) + " did not come to " + Endpoint() + " within " +
                    std::to_string(place_.timeout.count()) + " s (DUALGEO_RANK_TIMEOUT)");
      }
    }
  }

  void OpenGroups() {
    auto options = c10d::ProcessGroupGloo::Options::create();
    options->timeout =
        std::chrono::hours(24 * 365);  // a slow rank is waited for; one that is gone is found by its beats
    const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
    if (interface != nullptr && *interface != '\0') {
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(interface));
    } else if (place_.address == "localhost" || place_.address.starts_with("127.")) {
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
    } else {
      options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    }
    gloo_ = c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store_), rank(),
                                                        size(), options);
#ifdef DUALGEO_NCCL
    if (torch::cuda::is_available()) {
      nccl_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store_),
                                                          rank(), size());
    }
#endif
  }

  // What carries such a tensor.
  Group& GroupOf(const torch::Tensor& tensor) {
#ifdef DUALGEO_NCCL
    if (nccl_ && tensor.is_cuda()) return *nccl_;
#endif
    static_cast<void>(tensor);
    return *gloo_;
  }
  // On a device that the groups reach.
  torch::Tensor Carried(const torch::Tensor& tensor) const {
#ifdef DUALGEO_NCCL
    if (nccl_) return tensor;
#endif
    return tensor.cpu();
  }

  void SumBucket(const std::vector<torch::Tensor>& tensors) {
    std::vector<torch::Tensor> flat;
    for (const auto& tensor : tensors) flat.push_back(tensor.detach().reshape({-1}));
    std::vector<torch::Tensor> all = {Carried(torch::cat(flat))};
    Collective([&] { GroupOf(all.front()).allreduce(all)->wait(); });
    std::int64_t at = 0;
    for (const auto& tensor : tensors) {
      const c10::InferenceMode as_made(tensor.is_inference());
      tensor.detach().copy_(all.front().narrow(0, at, tensor.numel()).view(tensor.sizes()));
      at += tensor.numel();
    }
  }

  std::vector<torch::Tensor> AllGather(const torch::Tensor& tensor) {
    std::vector<torch::Tensor> input = {tensor};
    std::vector<std::vector<torch::Tensor>> output(1);
    for (int i = 0; i < size(); ++i) output[0].push_back(torch::empty_like(tensor));
    Collective([&] { GroupOf(tensor).allgather(output, input)->wait(); });
    return output[0];
  }

  // Turns what c10d throws into a line that names the rank.
  template <class Call>
  void Collective(const Call& call) {
    try {
      call();
    } catch (const std::exception& error) {
      throw Error(Reason(error.what()));
    }
  }

  std::string Reason(const std::string& what) {
    ending_ = true;
    broken_ = true;
    try {
      Store(kBroken, "1");
    } catch (const std::exception&) {  // rank 0 is gone; the watch finds out
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kBrokenAfter + 5 * kGrace, [this] { return !lost_.empty(); });
    return lost_.empty() ? "the connection between the ranks broke: " + FirstLine(what) : lost_;
  }

  bool Sleep(milliseconds time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [this] { return stop_; });
  }

  void Lost(const std::string& line) {
    {
      const std::lock_guard lock(mutex_);
      if (!lost_.empty()) return;
      lost_ = line;
    }
    changed_.notify_all();
    if (first()) {
      try {
        if (!beats_->check({kFailed})) beats_->set(kFailed, Bytes(line));
      } catch (const std::exception&) {
      }
    }
    const bool goes_on = Sleep(kGrace);
    if (goes_on && !ending_ && !finished_ && on_lost_) on_lost_(line);
  }

  // A thread: gives signs of life, and on rank 0 looks for those of the others.
  void Watch() {
    std::map<int, std::pair<std::string, RankClock::time_point>> seen;
    for (std::int64_t beat = 1; Sleep(kBeat); ++beat) {
      std::string line;
      try {
        if (!finished_) beats_->set("beat/" + std::to_string(rank()), Bytes(std::to_string(beat)));
        if (beats_->check({kFailed})) line = Get(beats_, kFailed);
        if (first() && line.empty()) line = Silent(seen);
        last_answer_ = RankClock::now();
      } catch (const std::exception&) {
        line = "rank 0 (" + Endpoint() + ") is gone";
      }
      if (line.empty()) continue;
      Lost(line);
      return;
    }
  }

  // On rank 0: a line for a rank without a sign of life.
  std::string Silent(std::map<int, std::pair<std::string, RankClock::time_point>>& seen) {
    if (!broken_ && beats_->check({kBroken})) broken_ = true;
    for (int other = 1; other < size(); ++other) {
      const std::string beat = Get(beats_, "beat/" + std::to_string(other));
      const auto now = RankClock::now();
      auto& [last, when] = seen[other];
      if (beat != last) {
        last = beat;
        when = now;
      }
      if (beat == kDone) {
        const std::lock_guard lock(mutex_);
        done_.insert(other);
        changed_.notify_all();
        continue;
      }
      const auto silent = std::chrono::duration_cast<milliseconds>(now - when);
      if (broken_ && silent > kBrokenAfter) return RankName(other) + " is gone: its connection broke";
      if (silent > place_.timeout) {
        return RankName(other) + " gave no sign of life for " + std::to_string(place_.timeout.count()) +
               " s (DUALGEO_RANK_TIMEOUT)";
      }
    }
    return {};
  }

  // A thread of ranks that are not the first: whether rank 0's store still answers.
  void Guard() {
    while (Sleep(kBeat)) {
      if (RankClock::now() - last_answer_.load() <= place_.timeout) continue;
      Lost("rank 0 (" + Endpoint() + ") gave no sign of life for " + std::to_string(place_.timeout.count()) +
           " s (DUALGEO_RANK_TIMEOUT)");
      return;
    }
  }

  void StopWatching() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (watch_.joinable()) watch_.join();
    if (guard_.joinable()) guard_.join();
  }

  LostRank on_lost_;
  StorePointer store_;
  StorePointer beats_;  // a connection of the watch alone: a wait on the other would keep it
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
#ifdef DUALGEO_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl_;
#endif
  std::thread watch_, guard_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::string lost_;
  std::set<int> done_;
  std::atomic<bool> ending_ = false;    // the thread that computes knows that all is over
  std::atomic<bool> finished_ = false;  // all is done
  std::atomic<bool> broken_ = false;
  std::atomic<RankClock::time_point> last_answer_{};
};

}  // namespace

std::unique_ptr<Processes> ConnectC10d(const ProcessPlace& place, LostRank lost) {
  return std::make_unique<C10dProcesses>(place, std::move(lost));
}

}  // namespace dualgeo
