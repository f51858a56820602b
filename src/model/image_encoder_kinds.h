// What each file of an image encoder defines.
#pragma once

#include "dualgeo/model/image_encoder.h"
#include "dualgeo/model/kinds.h"

namespace dualgeo {

#define DECLARE(name, input, make)                      \
  PhotoInput input(const ImageEncoderOptions& options); \
  std::shared_ptr<ImageEncoderImpl> make(const ImageEncoderOptions& options, int embed_dim);
DUALGEO_IMAGE_ENCODERS(DECLARE)
#undef DECLARE

}  // namespace dualgeo
