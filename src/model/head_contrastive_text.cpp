#include "head_contrastive_text.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "head_kinds.h"
#include "model/loss.h"

namespace dualgeo {
namespace {

std::vector<CaptionSentence> SentencesOf(const ModelOptions& model) {
  std::vector<CaptionSentence> sentences;
  for (const auto& text : model.contrastive_text.captions) {
    sentences.emplace_back(text, "model.contrastive_text.captions");
  }
  return sentences;
}

}  // namespace

std::vector<std::string> ContrastiveTextColumns(const ModelOptions& model) {
  std::vector<std::string> columns;
  for (const auto& sentence : SentencesOf(model)) {
    for (const auto& column : sentence.columns()) {
      if (std::ranges::find(columns, column) == columns.end()) columns.push_back(column);
    }
  }
  return columns;
}

ContrastiveTextHeadImpl::ContrastiveTextHeadImpl(const ModelOptions& model, const LossOptions& loss)
    : text_options_(model.text_encoder),
      options_(model.contrastive_text),
      weight_(loss.image_text),
      sentences_(SentencesOf(model)),
      tower_(Resolve(model.text_encoder, model.embed_dim)) {
  if (weight_ == 0) throw InputError("loss.image_text: is 0, so the head contrastive_text would learn nothing");
  register_module("text_model", tower_->text_model());
  register_module("text_projection", tower_->text_projection());
  if (text_options_.freeze) {
    for (auto& parameter : tower_->parameters()) parameter.set_requires_grad(false);
  }
  const int dim = model.embed_dim;
  vision_projection_else_1_ = register_module("vision_projection_else_1", ProjectionHead(dim, dim));
  text_projection_else_ = register_module("text_projection_else", ProjectionHead(tower_->sizes().projection_dim, dim));
  logit_scale_ = register_parameter("logit_scale_text", torch::tensor(static_cast<float>(loss.logit_scale_init)));
}

void ContrastiveTextHeadImpl::Initialise(std::uint64_t seed) {
  InitialisePart(seed, "text_encoder", tower_);
  InitialisePart(seed, "vision_projection_else_1", vision_projection_else_1_);
  InitialisePart(seed, "text_projection_else", text_projection_else_);
}

void ContrastiveTextHeadImpl::LoadPretrained() {
  if (text_options_.weights) LoadClipText(*tower_, *text_options_.weights);
}

const ClipTokenizer& ContrastiveTextHeadImpl::Tokenizer() {
  if (!tokenizer_) tokenizer_ = ReadTokenizer(text_options_);
  return *tokenizer_;
}

// kept [photos, sentences], bool; empty texts: photos without a caption.
std::vector<std::string> ContrastiveTextHeadImpl::Captions(const PhotoValues& columns, std::size_t photos,
                                                           const torch::Tensor& kept) const {
  const auto keeps = kept.accessor<bool, 2>();
  std::vector<std::string> captions(photos);
  for (std::size_t i = 0; i < photos; ++i) {
    std::vector<std::string> drawn, all;
    for (std::size_t s = 0; s < sentences_.size(); ++s) {
      const auto text = sentences_[s].Of([&](const std::string& column) { return columns.at(column).at(i); });
      if (text.empty()) continue;
      all.push_back(text);
      if (keeps[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(s)]) drawn.push_back(text);
    }
    captions[i] = Join(drawn.empty() ? all : drawn, " ");
  }
  return captions;
}

// What of a table's captions does not count.
void ContrastiveTextHeadImpl::Tell(const TableValues& table, const char* what) {
  const auto photos = table.lines.size();
  const auto all = torch::ones({static_cast<std::int64_t>(photos), std::ssize(sentences_)}, torch::kBool);
  const auto captions = Captions(table.columns, photos, all);
  std::size_t without = 0, cut = 0, first = 0;
  for (std::size_t i = 0; i < photos; ++i) {
    if (captions[i].empty() && without++ == 0) first = i;
    // A token is a byte at least.
    if (captions[i].size() <= static_cast<std::size_t>(kClipContext) - 2) continue;
    auto ids = Tokenizer().Encode(captions[i]);
    cut += CutToClipContext(ids) ? 1 : 0;
  }
  if (without == photos && photos > 0) {
    throw InputError(table.file + ": no photo has a caption: the columns of model.contrastive_text.captions are empty");
  }
  if (without > 0) {
    spdlog::warn(
        "contrastive_text: {} of {} {} photos have no caption and are left out of its loss (first: line {} of {})",
        without, photos, what, table.lines[first], table.file);
  }
  if (cut > 0) {
    spdlog::warn(
        "contrastive_text: {} of {} captions of {} photos have more than the {} tokens that CLIP takes and are cut",
        cut, photos, what, kClipContext - 2);
  }
}

void ContrastiveTextHeadImpl::Learn(const TableValues& train, const TableValues* validation) {
  Tokenizer();
  Tell(train, "training");
  if (validation != nullptr) Tell(*validation, "validation");
}

NamedTensors ContrastiveTextHeadImpl::Forward(const ViewFeatures& features, const Targets& targets) {
  const auto photo = PhotoVector(features, options_.vector);
  const auto photos = photo.size(0);
  auto kept = torch::ones({photos, std::ssize(sentences_)}, torch::kBool);
  if (is_training() && !options_.keep.empty()) {
    kept =
        torch::rand({photos, std::ssize(sentences_)}, torch::kFloat64) < torch::tensor(options_.keep, torch::kFloat64);
  }
  const auto captions = Captions(targets.columns, static_cast<std::size_t>(photos), kept);
  std::vector<std::vector<std::int64_t>> rows;
  auto captioned = torch::zeros({photos});
  for (const auto& caption : captions) {
    if (!caption.empty()) captioned[std::ssize(rows)] = 1;
    CutToClipContext(rows.emplace_back(Tokenizer().Encode(caption)));
  }
  torch::Tensor text;
  {
    const torch::AutoGradMode gradients(torch::GradMode::is_enabled() && !text_options_.freeze);
    text = tower_->Forward(MakeClipTextInput(Tokenizer(), rows));
  }
  return {{"image_text", Normalise(vision_projection_else_1_->Forward(photo))},
          {"caption", Normalise(text_projection_else_->Forward(text))},
          {"captioned", captioned.to(photo.device())}};
}

TrainingLoss ContrastiveTextHeadImpl::Loss(const NamedTensors& outputs, const Targets&) {
  const auto rows = Find(outputs, "captioned").nonzero().select(1, 0);
  const auto image = Find(outputs, "image_text"), caption = Find(outputs, "caption");
  const auto loss = rows.numel() == 0
                        ? (image.sum() + caption.sum()) * 0
                        : SymmetricInfoNce(image.index_select(0, rows), caption.index_select(0, rows), logit_scale_);
  return {weight_ * loss, NamedTensors{{"image_text", loss}}};
}

NamedTensors ContrastiveTextHeadImpl::PhotoVectors(const ViewFeatures& features) {
  return {{"image_text", Normalise(vision_projection_else_1_->Forward(PhotoVector(features, options_.vector)))}};
}

NamedTensors ContrastiveTextHeadImpl::TextVectors(const torch::Tensor& text) {
  if (text.size(1) != text_projection_else_->in()) return {};
  return {{"caption", Normalise(text_projection_else_->Forward(text))}};
}

std::shared_ptr<HeadImpl> MakeContrastiveTextHead(const ModelOptions& model, const LossOptions& loss) {
  return std::make_shared<ContrastiveTextHeadImpl>(model, loss);
}

}  // namespace dualgeo
