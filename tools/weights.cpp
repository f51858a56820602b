#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "dualgeo/util/text.h"
#include "io/element_type.h"
#include "model/weight_summary.h"
#include "networks.h"

namespace dualgeo::tools {
namespace {

void PrintTable(const WeightSummary& summary) {
  const auto line = [](const char* label, const std::string& text) {
    if (!text.empty()) std::printf("%-10s %s\n", label, text.c_str());
  };
  line("file", summary.path.string());
  line("format", summary.format);
  line("names of", summary.names);
  line("note", summary.note);
  if (!summary.container.empty()) line("taken from", "\"" + summary.container + "\"");
  if (!summary.left_aside.empty()) line("left aside", Join(summary.left_aside));
  for (const auto& [key, value] : summary.metadata) line("metadata", Printable(key) + " = " + Printable(value, 200));
  line("tensors", std::to_string(summary.tensors.size()) + ", " + std::to_string(summary.parameters()) + " elements, " +
                      std::to_string(summary.bytes()) + " bytes");
  std::printf("\n");
  for (const auto& tensor : summary.tensors) {
    std::printf("%-5s %-22s %s\n", tensor.type.c_str(), ShapeText(tensor.shape).c_str(),
                Printable(tensor.name, 1000).c_str());
  }
}

void PrintJson(const WeightSummary& summary) {
  nlohmann::ordered_json json;
  json["file"] = summary.path.string();
  json["format"] = summary.format;
  json["family"] = summary.family_known ? nlohmann::ordered_json(summary.family) : nlohmann::ordered_json();
  json["prefixes"] = summary.prefixes;
  json["note"] = summary.note;
  json["container"] = summary.container;
  json["left_aside"] = summary.left_aside;
  json["metadata"] = summary.metadata;
  json["elements"] = summary.parameters();
  json["bytes"] = summary.bytes();
  json["tensors"] = nlohmann::ordered_json::array();
  for (const auto& tensor : summary.tensors) {
    json["tensors"].push_back({{"name", tensor.name}, {"dtype", tensor.type}, {"shape", tensor.shape}});
  }
  // A name in a pickle need not be UTF-8.
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

}  // namespace

void AddWeights(CLI::App& root) {
  auto* command = root.add_subcommand("weights", "look into weight files, or convert them to safetensors");
  command->require_subcommand(1);

  struct Arguments {
    std::filesystem::path in, out;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  const char* const kFile = "safetensors (also sharded: its .index.json), .pth, .pt, or a folder of weights";

  auto* inspect =
      command->add_subcommand("inspect", "names, shapes and types of a file's tensors; nothing is executed");
  inspect->add_option("file", arguments->in, kFile)->required();
  inspect->add_flag("--json", arguments->json, "for machines");
  inspect->callback(WithNetworks([arguments] {
    const WeightSummary summary = SummarizeWeights(arguments->in);
    arguments->json ? PrintJson(summary) : PrintTable(summary);
  }));

  auto* convert = command->add_subcommand("convert", "write the same tensors as safetensors");
  convert->add_option("in", arguments->in, kFile)->required();
  convert->add_option("out", arguments->out, "the file to write; ends in .safetensors")->required();
  convert->callback(WithNetworks([arguments] {
    ConvertWeights(arguments->in, arguments->out);
    spdlog::info("weights: {} -> {}", arguments->in.string(), arguments->out.string());
  }));
}

}  // namespace dualgeo::tools
