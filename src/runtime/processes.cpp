#include "runtime/processes.h"

#include <cstring>
#include <set>
#include <sstream>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "processes_c10d.h"

namespace dualgeo {
namespace {

class OneProcess : public Processes {
 public:
  OneProcess() : Processes(ProcessPlace()) {}
  void Sum(const std::vector<torch::Tensor>&) override {}
  torch::Tensor Gather(const torch::Tensor& rows) override { return rows.detach(); }
  void Barrier() override {}
};

// Never destroyed: LibTorch's threads outlive the order of destruction at exit.
Processes*& TheProcesses() {
  static Processes* processes = new OneProcess;
  return processes;
}

std::set<std::string> LinesOf(const std::string& text) {
  std::set<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

// Up to three lines of `a` that `b` does not have.
std::string Beyond(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::vector<std::string> lines;
  for (const auto& line : a) {
    if (!b.contains(line) && lines.size() < 3) lines.push_back(Printable(line, 120));
  }
  return lines.empty() ? "nothing of it" : Join(lines, "; ");
}

}  // namespace

std::vector<std::string> Processes::GatherText(const std::string& text) {
  if (!several()) return {text};
  const auto sizes = Gather(torch::tensor({static_cast<std::int64_t>(text.size())}, torch::kInt64));
  auto bytes = torch::empty({static_cast<std::int64_t>(text.size())}, torch::kUInt8);
  if (!text.empty()) std::memcpy(bytes.data_ptr(), text.data(), text.size());
  const auto all = Gather(bytes);
  const auto* at = reinterpret_cast<const char*>(all.data_ptr<std::uint8_t>());
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < sizes.size(0); ++i) {
    const auto count = sizes[i].item<std::int64_t>();
    texts.emplace_back(at, static_cast<std::size_t>(count));
    at += count;
  }
  return texts;
}

bool Processes::Any(bool here) {
  if (!several()) return here;
  const auto flag = torch::tensor({here ? 1.0F : 0.0F});
  Sum({flag});
  return flag.item<float>() > 0;
}

void Processes::RequireSame(const std::string& what, const std::string& text) {
  if (!several()) return;
  const std::string first = FromFirst(text);
  if (first == text) return;
  const auto own = LinesOf(text), others = LinesOf(first);
  throw InputError("rank " + std::to_string(rank()) + " was started with another " + what + " than rank 0: here " +
                   Beyond(own, others) + ", there " + Beyond(others, own));
}

std::unique_ptr<Processes> Connect(const ProcessPlace& place, LostRank lost) {
  if (place.size == 1) return std::make_unique<OneProcess>();
  return ConnectC10d(place, std::move(lost));
}

Alone::Alone() : others_(std::exchange(TheProcesses(), new OneProcess)) {}
Alone::~Alone() { delete std::exchange(TheProcesses(), others_); }

Processes& AllProcesses() { return *TheProcesses(); }

Processes& StartProcesses(const ProcessPlace& place, LostRank lost) {
  TheProcesses() = Connect(place, std::move(lost)).release();
  return AllProcesses();
}

}  // namespace dualgeo
