// A step of training whose batch goes through the network in pieces: chunks of train.chunk_size photos, so that memory
// holds the activations of one, and several processes, each with its part of the batch.
//
// Exact for any loss over the outputs of the whole batch (Gao et al., Scaling Deep Contrastive Learning Batch Size
// under Memory Limited Setup, RepL4NLP 2021, "GradCache"): 1. every piece's outputs, whose graph is dropped where there
// is more than one (made with it, since networks take other kernels without, which round otherwise); 2. those of all
// processes; 3. the loss of them all, and its gradients with respect to the outputs, the same on every process; 4. each
// piece once more, now with its graph, with the same random numbers, into which the gradients of its outputs go; 5. the
// sum of all processes' gradients. What the loss itself learns (logit scales) and what belongs to no photo (a queue)
// counts on rank 0 alone.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader.h"
#include "runtime/processes.h"
#include "train/train_loop.h"

namespace dualgeo {

class SplitStep {
 public:
  struct Piece {
    Batch batch;
    std::uint64_t seed = 0;  // of what is random in it
  };

  // pieces: this process's, in the order of the batch; none where none of its photos could be read. step_seed: of what
  // is random and no photo's. The gradients are zero or undefined.
  SplitStep(TrainTask& task, Processes& all, std::vector<Piece> pieces, std::uint64_t step_seed);

  // Of the whole batch: 1 to 3.
  TrainingLoss Loss();
  // loss: its total, scaled or not. 3 to 5.
  void Backward(const torch::Tensor& loss);

  // Photos of the whole batch, after Loss.
  std::int64_t photos() const { return static_cast<std::int64_t>(photos_.indices.size()); }

 private:
  using Outputs = std::vector<NamedTensors>;  // of each head

  Outputs RunPiece(const Piece& piece);
  void GatherPhotos();
  Outputs GatherOutputs();
  void SumGradients();

  TrainTask& task_;
  Processes& all_;
  std::vector<Piece> pieces_;
  std::uint64_t step_seed_;
  BatchPhotos photos_;
  std::vector<Outputs> made_;                     // of each piece; with their graph where there is one
  Outputs leaves_;                                // of the whole batch
  std::vector<std::vector<std::int64_t>> first_;  // row of each leaf at which this process's begin
  Outputs step_outputs_, step_leaves_;
};

}  // namespace dualgeo
