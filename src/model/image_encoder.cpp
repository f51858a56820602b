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

PhotoInput ImageEncoderInput(const ImageEncoderOptions& options) {
  PhotoInput input = KindOf(options).input(options);
  const std::vector<std::string> names = {"one", "strip", "five", "ten"};
  input.crops = static_cast<Crops>(FindName(names, options.crops, "model.image_encoder.crops"));
  if (input.crops == Crops::kStrip) input.framing.edge = 1;
  if (input.crops == Crops::kFive || input.crops == Crops::kTen) {
    input.framing.edge = 8.0 / 7;
    input.framing.half_to_even = true;
    input.framing.squash = options.crops_resize == "squash";
  }
  return input;
}

bool WantsMasks(const ModelOptions& options) {
  return options.has_segmentation() || KindOf(options.image_encoder).input(options.image_encoder).wants_mask;
}

std::shared_ptr<ImageEncoderImpl> MakeImageEncoder(const ImageEncoderOptions& options, int embed_dim) {
  return KindOf(options).make(options, embed_dim);
}

}  // namespace dualgeo
