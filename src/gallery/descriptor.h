// Features -> the one vector per photo or point that a gallery indexes and a search asks with.
//
// Images: the L2-normalised features one after the other; the released code's descriptor is [fused_image, image]
// (1536-d for ViT-L/14). The inner product of two descriptors is then the sum of the features' cosines. It is not
// normalised again, so a score lies in [-F, F] for F features. Without normalize they are the vectors as the networks
// give them (tensors NAME_raw), and a score is any number (Img2Loc, arXiv 2403.19584).
//
// GPS: the gallery holds projected_gps; a photo asks with the mean of its projected views (projected_image,
// projected_segmentation, those that there are). The inner product is then the mean of the views' cosines with the
// point, which is what the dual-view loss raises for the true one (both views weigh the same, as in the loss).
//
// Texts ask a GPS gallery with projected_text, a gallery of the one feature image with text (both are CLIP's), and one
// of image_text with caption.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/gallery/features.h"

namespace dualgeo {

// [N, sum of D]. Throws InputError when a feature is not in the set.
Matrix ImageDescriptors(const FeatureSet& set, const std::vector<std::string>& features, bool normalize = true);

// [N, D] of a set of kind gps. Throws InputError when projected_gps is missing.
Matrix GpsDescriptors(const FeatureSet& set);

// [N, D]: what photos ask a GPS gallery with. Throws InputError when the set has no projected view.
Matrix GpsQueries(const FeatureSet& photos);

// [N, D]: what texts ask a gallery of this kind and of these features with. Throws InputError when there is no such
// way.
Matrix TextQueries(const FeatureSet& texts, const std::string& kind, const std::vector<std::string>& features);

}  // namespace dualgeo
