// Texts through CLIP's text tower, and on into the spaces of the model's heads.
#include <algorithm>
#include <cmath>
#include <memory>

#include "dualgeo/model/clip_text.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "gallery/embed.h"
#include "runtime/runtime.h"
#include "util/output_path.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

// The model's own, else what the options name.
ClipText TextTower(const DualGeoModel& model, const torch::Device& device) {
  for (const auto& head : model->heads()) {
    if (const auto own = head->text_encoder()) return ClipText(own);
  }
  const ModelOptions& options = model->options();
  if (!options.text_encoder.weights) {
    throw InputError(
        "model.text_encoder.weights: no file is named, and the model has no text tower of its own (head "
        "contrastive_text)");
  }
  ClipText tower(Resolve(options.text_encoder, options.embed_dim));
  LoadClipText(*tower, *options.text_encoder.weights);
  tower->to(device);
  tower->eval();
  for (auto& parameter : tower->parameters()) parameter.set_requires_grad(false);
  return tower;
}

void AppendTextRows(const std::string& name, const torch::Tensor& vectors, std::vector<std::string> ids,
                    FeatureSet& set) {
  const auto unit = torch::nn::functional::normalize(vectors.to(torch::kFloat32),
                                                     torch::nn::functional::NormalizeFuncOptions().dim(1))
                        .cpu()
                        .contiguous();
  const auto finite = torch::isfinite(unit).all(1);
  for (std::int64_t i = 0; i < unit.size(0); ++i) {
    if (!finite[i].item<bool>()) {
      throw Error("embedding '" + Printable(ids.at(static_cast<std::size_t>(i))) + "': " + name +
                  " is not finite; are the weights damaged, or is the precision too low?");
    }
  }
  Matrix& matrix = set.features[name];
  matrix.columns = unit.size(1);
  matrix.rows += unit.size(0);
  matrix.values.insert(matrix.values.end(), unit.data_ptr<float>(), unit.data_ptr<float>() + unit.numel());
}

}  // namespace

EmbedReport EmbedTextsToFile(const EmbedModel& options, const Texts& texts, const std::filesystem::path& out) {
  CheckOutputs({{"--out", out}}, {{"--texts", texts.path}, {"--checkpoint", options.checkpoint}});
  // Before a large model is loaded.
  const ClipTokenizer tokenizer = ReadTokenizer(options.model.text_encoder);
  const auto tokens = TokenizeTexts(tokenizer, texts);
  const auto device = SetupRuntime(options.runtime);
  const torch::InferenceMode inference;
  auto model = LoadEmbedModel(options, device);
  ClipText tower = TextTower(model, device);
  FeatureSet set;
  set.kind = "texts";
  set.model = ModelFingerprint(model);
  const AutocastGuard autocast(device, options.runtime.precision);
  constexpr std::size_t kBatch = 64;
  Progress progress("embed", static_cast<std::int64_t>(tokens.size()), "texts");
  for (std::size_t begin = 0; begin < tokens.size(); begin += kBatch) {
    ThrowIfStopped();
    const auto rows = std::span(tokens).subspan(begin, std::min(kBatch, tokens.size() - begin));
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < rows.size(); ++i) ids.push_back(texts.rows[begin + i].id);
    set.ids.insert(set.ids.end(), ids.begin(), ids.end());
    const auto text = tower->Forward(MakeClipTextInput(tokenizer, rows));
    AppendTextRows("text", text, ids, set);
    for (const auto& head : model->heads()) {
      for (const auto& [name, vectors] : head->TextVectors(text)) AppendTextRows(name, vectors, ids, set);
    }
    progress.Update(static_cast<std::int64_t>(begin + rows.size()));
  }
  progress.Finish();
  if (model->has_gps() && !set.features.contains("projected_text")) {
    spdlog::warn(
        "embed: no projected_text, by which texts find GPS points: the model's photos get there through a fusion or "
        "another encoder than CLIP's, or model.text_encoder.projection_dim is not model.embed_dim");
  }
  WriteFeatures(out, set);
  EmbedReport report;
  report.rows = set.size();
  for (const auto& [name, matrix] : set.features) report.columns[name] = matrix.columns;
  return report;
}

}  // namespace dualgeo
