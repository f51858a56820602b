#include <memory>

#include "commands.h"
#include "dualgeo/data/texts.h"
#include "embed_flags.h"
#include "networks.h"
#include "ranks.h"

namespace dualgeo::tools {
namespace {

struct EmbedArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path coordinates, texts, vocabulary, tokens, out;

  // Of the config, with --vocabulary in its place.
  ExperimentOptions WithVocabulary() const {
    auto options = model.Resolve();
    if (!vocabulary.empty()) options.model.text_encoder.vocabulary = vocabulary.string();
    return options;
  }
  std::vector<InputPath> TextInputs() const {
    return AllInputs({model.Inputs(WithVocabulary()), {{"--texts", texts}, {"--vocabulary", vocabulary}}});
  }
};

// Needs no network, so that it starts at once.
void WriteTokensOfTexts(const EmbedArguments& flags) {
  CheckOutputs({{"--tokens", flags.tokens}}, flags.TextInputs());
  const auto vocabulary = flags.WithVocabulary().model.text_encoder.vocabulary;
  if (!vocabulary) {
    throw InputError("--vocabulary is needed: CLIP's tokenizer.json, vocab.json or bpe_simple_vocab_16e6.txt.gz");
  }
  const auto texts = ReadTexts(flags.texts);
  WriteTokens(flags.tokens, texts, TokenizeTexts(ClipTokenizer::Read(*vocabulary), texts));
  spdlog::info("embed: tokens of {} texts -> {}", texts.rows.size(), flags.tokens.string());
}

void Report(const EmbedReport& report, const std::filesystem::path& out) {
  std::vector<std::string> features;
  for (const auto& [name, columns] : report.columns) features.push_back(name + " [" + std::to_string(columns) + "]");
  spdlog::info("embed: {} rows of {} -> {}", report.rows, Join(features), out.string());
}

}  // namespace

void AddEmbed(CLI::App& root) {
  auto* command = root.add_subcommand("embed", "turn photos, coordinates or texts into features");
  command->require_subcommand(1);

  auto* photos = command->add_subcommand("photos", "features of photos");
  const auto flags = std::make_shared<EmbedArguments>();
  flags->model.Add(*photos);
  flags->photos.Add(*photos)->required();
  photos->add_option("--out", flags->out, "features (safetensors)")->required();
  photos->callback(WithNetworks(OnAllRanks([flags] {
    const auto options = flags->model.Resolve();
    CheckOutputs({{"--out", flags->out}}, AllInputs({flags->model.Inputs(options), flags->photos.Inputs()}));
    const auto report = EmbedFromConfig(options, flags->photos.Set(true), flags->model.Checkpoint(options), flags->out);
    Report(report, flags->out);
    spdlog::info("embed: {:.2f} photos/s", report.photos_per_second);
  })));

  auto* gps = command->add_subcommand("gps", "GPS embeddings of coordinates");
  const auto gps_flags = std::make_shared<EmbedArguments>();
  gps_flags->model.Add(*gps);
  gps->add_option("--coordinates", gps_flags->coordinates, "CSV with LAT, LON (and IMG_ID, if there are names)")
      ->required();
  gps->add_option("--out", gps_flags->out, "features (safetensors, tensor gps)")->required();
  gps->callback(WithNetworks([gps_flags] {
    const auto options = gps_flags->model.Resolve();
    CheckOutputs({{"--out", gps_flags->out}},
                 AllInputs({gps_flags->model.Inputs(options), {{"--coordinates", gps_flags->coordinates}}}));
    const auto coordinates = ReadCoordinates(gps_flags->coordinates);
    const EmbedModel model = ModelFromConfig(options, gps_flags->model.Checkpoint(options));
    Report(EmbedCoordinatesToFile(model, coordinates, gps_flags->out), gps_flags->out);
  }));

  auto* text = command->add_subcommand("text", "features, or tokens, of texts");
  const auto text_flags = std::make_shared<EmbedArguments>();
  text_flags->model.Add(*text);
  text->add_option("--texts", text_flags->texts, "CSV with columns id and text")->required();
  text->add_option("--vocabulary", text_flags->vocabulary,
                   "CLIP's vocabulary: tokenizer.json, vocab.json, bpe_simple_vocab_16e6.txt.gz or their folder "
                   "(default: model.text_encoder.vocabulary)");
  text->add_option("--out", text_flags->out, "features (safetensors, tensor text)");
  text->add_option("--tokens", text_flags->tokens, "CSV id,ids of the texts' tokens; needs no model");
  const auto embed_texts = WithNetworks([text_flags] {
    const auto options = text_flags->WithVocabulary();
    CheckOutputs({{"--out", text_flags->out}, {"--tokens", text_flags->tokens}}, text_flags->TextInputs());
    const auto texts = ReadTexts(text_flags->texts);
    const EmbedModel model = ModelFromConfig(options, text_flags->model.Checkpoint(options));
    Report(EmbedTextsToFile(model, texts, text_flags->out), text_flags->out);
  });
  text->callback([text_flags, embed_texts] {
    if (text_flags->out.empty() && text_flags->tokens.empty()) throw InputError("give --out, --tokens or both");
    if (!text_flags->out.empty()) embed_texts();
    if (!text_flags->tokens.empty()) WriteTokensOfTexts(*text_flags);
  });
}

}  // namespace dualgeo::tools
