// Position embeddings of a vision transformer at another size of photo.
#pragma once

#include "dualgeo/io/torch.h"

#include <string>

namespace dualgeo {

// rows [1 + side^2, width]: the grid is resized to that of `like` bicubically (a = -0.75, no aligned corners, no
// antialiasing), the first row (the class token's) stays. Left alone where it fits, or is no square.
void ResizePositions(torch::Tensor& rows, const torch::Tensor& like, const std::string& source);

}  // namespace dualgeo
