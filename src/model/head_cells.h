// Which cell of the Earth is the photo in? One linear classifier for each partition (PlaNet; several: CPlaNet, ISNs;
// smoothed labels: PIGEON).
//
//   cells_0.weight [cells, embed_dim], cells_0.bias, and cells_0_ids: the first S2 cell of each class, by which a
//   checkpoint and a partition that do not belong together are told.
#pragma once

#include "dualgeo/io/torch.h"

#include <string>
#include <vector>

#include "dualgeo/geo/partition.h"
#include "dualgeo/model/head.h"
#include "dualgeo/model/layers.h"

namespace dualgeo {

class CellsHeadImpl : public HeadImpl {
 public:
  // Reads the partitions. Throws InputError as Partition::Read.
  explicit CellsHeadImpl(const ModelOptions& model);
  void Initialise(std::uint64_t seed) override;

  // cells_0, cells_1 ...: logits, [N, cells of the partition].
  NamedTensors Forward(const ViewFeatures& features, const Targets& targets) override;
  // Cross-entropy over the photos that are in a cell of the partition, details under the outputs' names; a photo in no
  // cell counts 0. Smoothed labels are PIGEON's: exp(-(d - d0) / tau), great circles, not normalised, where d0 is the
  // distance of the nearest mean (its code) or of the own cell's (its paper).
  TrainingLoss Loss(const NamedTensors& outputs, const Targets& targets) override;
  // The vector that is classified, as it is (not normalised).
  torch::Tensor Kept(const ViewFeatures& features) override;
  // A softmax for each partition.
  std::vector<torch::Tensor> PlaceScores(const torch::Tensor& kept) override;
  // The mean of the best cell of the last partition.
  NamedTensors Places(const NamedTensors& outputs, const Targets& targets) override;

  // Throws InputError when the weights that are loaded were trained on other cells.
  void CheckLoaded() const override;

 private:
  torch::Tensor Labels(std::size_t partition, const torch::Tensor& latlon) const;
  torch::Tensor SmoothLabels(std::size_t partition, const torch::Tensor& latlon, const torch::Tensor& own) const;

  CellsOptions options_;
  std::vector<Partition> partitions_;
  std::vector<Linear> classifiers_;
  std::vector<torch::Tensor> ids_;    // buffers
  std::vector<torch::Tensor> means_;  // [cells, 2] degrees, on the CPU
};

}  // namespace dualgeo
