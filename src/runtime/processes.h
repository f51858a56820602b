// The processes of one job, that train or make files together: ranks 0 to N - 1, started by torchrun, srun, mpirun or
// scripts/launch-local.sh (runtime/process_place.h). Without a launcher there is one.
//
// With several, LibTorch's c10d carries tensors: Gloo on CPUs, NCCL between GPUs where LibTorch was built with it
// (elsewhere tensors of GPUs go through Gloo). All ranks call the same functions in the same order. Each gives a sign
// of life twice a second; whoever fails says so. A rank that is gone, hangs, or failed ends the others: with an Error
// from the function in which they wait, else by the handler of lost ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dualgeo/io/torch.h"

#include "runtime/process_place.h"

namespace dualgeo {

class Processes {
 public:
  virtual ~Processes() = default;
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  int rank() const { return place_.rank; }
  int size() const { return place_.size; }
  // Rank 0: it writes checkpoints, logs and records.
  bool first() const { return place_.rank == 0; }
  bool several() const { return place_.size > 1; }

  // In place: the sum over all ranks, the same bits on each. Tensors of the same types and shapes on all ranks.
  virtual void Sum(const std::vector<torch::Tensor>& tensors) = 0;
  // The rows of all ranks, one behind the other in the order of ranks: [n_r, ...] -> [sum of n_r, ...]. Without
  // gradients: whoever needs them makes the result a leaf, and sends the gradient of its own rows back into what made
  // them (train/split_step.h).
  virtual torch::Tensor Gather(const torch::Tensor& rows) = 0;
  virtual void Barrier() = 0;

  // Each rank's text.
  std::vector<std::string> GatherText(const std::string& text);
  // Rank 0's text, on all.
  std::string FromFirst(const std::string& text) { return GatherText(text).front(); }
  // Is it so on any rank?
  bool Any(bool here);
  // Refuses ranks that were started with something else: `text` is lines ("train.lr: 0.001"). Throws InputError on a
  // rank whose lines are not rank 0's, naming the first few that differ.
  void RequireSame(const std::string& what, const std::string& text);

  // At the end, when all is done: rank 0 stays until the others have come here, too.
  virtual void Finish() {}
  // This rank cannot go on: tells the others, who end with it. Best effort.
  virtual void Fail(const std::string& /*why*/) {}

 protected:
  explicit Processes(ProcessPlace place) : place_(std::move(place)) {}
  ProcessPlace place_;
};

// `lost` is called, in a thread of its own, when another rank is gone, hangs or failed and this one does not find out
// in a function of Processes: with a line that names it. It ends the process.
using LostRank = std::function<void(const std::string& line)>;

// Waits for all ranks of the job. Throws InputError (the port is in use, the address is not known), Error (a rank does
// not come within place.timeout: names it).
std::unique_ptr<Processes> Connect(const ProcessPlace& place, LostRank lost);

// Those of this program's job. OneProcess unless StartProcesses was called.
Processes& AllProcesses();
// While it lives AllProcesses() is one process: for what rank 0 does while the others wait.
class Alone {
 public:
  Alone();
  ~Alone();
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  Processes* others_;
};

// Once, before anything else is computed; place: of several.
Processes& StartProcesses(const ProcessPlace& place, LostRank lost);

}  // namespace dualgeo
