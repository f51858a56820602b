#include "dualgeo/model/image_encoder.h"

#include "dualgeo/util/kinds.h"
#include "image_encoder_kinds.h"

namespace dualgeo {
namespace {

struct ImageEncoderKind {
  const char* name;
  PhotoInput (*input)(const ImageEncoderOptions&);
  std::shared_ptr<ImageEncoderImpl> (*make)(const ImageEncoderOptions&, int);
};

const ImageEncoderKind& KindOf(const ImageEncoderOptions& options) {
  static constexpr ImageEncoderKind kKinds[] = {DUALGEO_IMAGE_ENCODERS(DUALGEO_KIND_ENTRY)};
  return FindKind(kKinds, options.type, "model.image_encoder.type");
}

}  // namespace

PhotoInput ImageEncoderInput(const ImageEncoderOptions& options) { return KindOf(options).input(options); }

std::shared_ptr<ImageEncoderImpl> MakeImageEncoder(const ImageEncoderOptions& options, int embed_dim) {
  return KindOf(options).make(options, embed_dim);
}

}  // namespace dualgeo
