// Photos and captions in one space, trained by contrast (G3, arXiv 2405.14702: its image-text alignment; with several
// sentences, each kept with a probability, PIGEON's pretraining, arXiv 2307.05845). A caption is made of columns of the
// photo table (model/caption.h) and goes through CLIP's text tower, frozen or not.
//
//   vision_projection_else_1.…, text_projection_else.… (MLPs, as G3's checkpoint names them), text_model.…,
//   text_projection.weight (the tower), logit_scale_text.
#pragma once

#include "dualgeo/io/torch.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/io/clip_tokenizer.h"
#include "dualgeo/model/clip_text.h"
#include "dualgeo/model/head.h"
#include "dualgeo/model/layers.h"
#include "head_contrastive_gps.h"
#include "model/caption.h"

namespace dualgeo {

class ContrastiveTextHeadImpl : public HeadImpl {
 public:
  ContrastiveTextHeadImpl(const ModelOptions& model, const LossOptions& loss);
  void Initialise(std::uint64_t seed) override;
  void LoadPretrained() override;
  // Reads the vocabulary and tells how many photos have no caption and how many captions are cut. Throws InputError
  // when not one photo has a caption.
  void Learn(const TableValues& train, const TableValues* validation) override;

  // image_text, caption: [N, embed_dim], L2-normalised; captioned [N]: 1, or 0 where a photo has no caption. While
  // training, sentences are drawn from LibTorch's generator.
  NamedTensors Forward(const ViewFeatures& features, const Targets& targets) override;
  // Symmetric InfoNCE over the photos that have a caption, detail image_text; 0 when none has.
  TrainingLoss Loss(const NamedTensors& outputs, const Targets& targets) override;
  // image_text
  NamedTensors PhotoVectors(const ViewFeatures& features) override;
  // caption; nothing for vectors of another size than the tower's.
  NamedTensors TextVectors(const torch::Tensor& text) override;
  std::shared_ptr<ClipTextImpl> text_encoder() const override { return tower_.ptr(); }

 private:
  const ClipTokenizer& Tokenizer();
  std::vector<std::string> Captions(const PhotoValues& columns, std::size_t photos, const torch::Tensor& kept) const;
  void Tell(const TableValues& table, const char* what);

  TextEncoderOptions text_options_;
  ContrastiveTextOptions options_;
  double weight_;
  std::vector<CaptionSentence> sentences_;
  ClipText tower_;
  std::optional<ClipTokenizer> tokenizer_;  // read when it is first needed: not where photos alone are embedded
  ProjectionHead vision_projection_else_1_{nullptr};
  ProjectionHead text_projection_else_{nullptr};
  torch::Tensor logit_scale_;
};

}  // namespace dualgeo
