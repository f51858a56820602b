// DualGeo's dual-view contrastive loss: L = w_i L(image, GPS) + w_s L(segmentation, GPS), each a symmetric InfoNCE over
// the batch (CLIP's) with its own learnable scale. GeoCLIP's (Vivanco et al., NeurIPS 2023) has one direction, in which
// a photo finds its place, and further places to tell it from.
#pragma once

#include "dualgeo/io/torch.h"

#include "dualgeo/model/options.h"

namespace dualgeo {

// Scalars. A term whose view is off, or whose weight is 0, is undefined and left out of the total.
struct LossTerms {
  torch::Tensor total;
  torch::Tensor image_gps;
  torch::Tensor segmentation_gps;
};

// a, b [N, D], L2-normalised, row i of a belongs to row i of b; log_scale: natural logarithm of the factor on the
// cosines, one element. Mean of the two cross-entropies (a finds b, b finds a).
torch::Tensor SymmetricInfoNce(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& log_scale);

// Mean cross-entropy of each row of a finding its own row among those of b and of negatives [M, D] (undefined: none).
torch::Tensor InfoNce(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& log_scale,
                      const torch::Tensor& negatives = {});

// image or segmentation may be undefined. The terms are unweighted; total is weighted. negatives: vectors of further
// places, which photos are told from; with loss.direction both, places find their photos among those of the batch.
LossTerms DualViewLoss(const torch::Tensor& image, const torch::Tensor& segmentation, const torch::Tensor& gps,
                       const torch::Tensor& log_scale_image, const torch::Tensor& log_scale_segmentation,
                       const LossOptions& options, const torch::Tensor& negatives = {});

}  // namespace dualgeo
