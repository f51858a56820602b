#include "lmm/lmm_prompt.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "built_in_prompts.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

const BuiltInPrompt* BuiltInNamed(const std::string& name) {
  const auto* found = std::ranges::find(kBuiltInPrompts, name, &BuiltInPrompt::name);
  return found == std::end(kBuiltInPrompts) ? nullptr : found;
}

int LineOf(const std::string& text, std::size_t at) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

}  // namespace

PromptPlaces ReadPlaceNames(const std::filesystem::path& path) {
  const CsvTable csv = CsvTable::Read(path);
  const auto gallery_id = csv.Find("gallery_id");
  const std::size_t id = gallery_id ? *gallery_id : csv.Require("IMG_ID");
  const std::size_t place = csv.Require("place");
  PromptPlaces names;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    if (!csv.Cell(row, place).empty()) names[std::string(csv.Cell(row, id))] = Printable(csv.Cell(row, place), 200);
  }
  return names;
}

std::vector<std::string> PromptTemplate::BuiltIns() {
  std::vector<std::string> names;
  for (const BuiltInPrompt& prompt : kBuiltInPrompts) names.emplace_back(prompt.name);
  return names;
}

bool PromptTemplate::IsBuiltIn(const std::string& name) { return BuiltInNamed(name) != nullptr; }

PromptTemplate PromptTemplate::Load(const std::string& name_or_path) {
  if (const BuiltInPrompt* prompt = BuiltInNamed(name_or_path)) return Parse(prompt->text, prompt->name);
  const std::filesystem::path path = name_or_path;
  if (!std::filesystem::exists(path)) {
    throw InputError("predict.lmm.prompt is '" + Printable(name_or_path) + "': neither built in (" + Join(BuiltIns()) +
                     ") nor a file");
  }
  return Parse(ReadFile(path, std::size_t{1} << 20), path.string());
}

PromptTemplate PromptTemplate::Parse(const std::string& text, const std::string& name) {
  PromptTemplate result;
  result.name_ = std::filesystem::path(name).stem().string();
  const auto fail = [&](std::size_t at, const std::string& what) {
    throw InputError(name + ":" + std::to_string(LineOf(text, at)) + ": " + what);
  };
  const auto add_text = [&](std::string piece, Kind section) {
    if (!piece.empty()) result.pieces_.push_back({Kind::kText, std::move(piece), section});
  };
  Kind section = Kind::kText;
  std::size_t section_begin = 0;
  std::size_t at = 0;
  for (std::size_t open; (open = text.find("{{", at)) != std::string::npos;) {
    const std::size_t close = text.find("}}", open);
    if (close == std::string::npos) fail(open, "'{{' without '}}'");
    std::string tag = text.substr(open + 2, close - open - 2);
    const char mark = !tag.empty() && (tag[0] == '#' || tag[0] == '/') ? tag[0] : '\0';
    if (mark != '\0') tag.erase(0, 1);
    const std::optional<Kind> kind = tag == "similar"      ? std::optional(Kind::kSimilar)
                                     : tag == "dissimilar" ? std::optional(Kind::kDissimilar)
                                                           : std::nullopt;
    if (!kind)
      fail(open, "unknown tag {{" + Printable(tag) + "}}; there are similar and dissimilar, and # and / before");
    std::size_t begin = open;
    std::size_t end = close + 2;
    // A section's tag alone on its line leaves no empty line behind.
    const bool starts_line = open == 0 || text[open - 1] == '\n';
    if (mark != '\0' && starts_line && end < text.size() && text[end] == '\n') ++end;
    add_text(text.substr(at, begin - at), section);
    if (mark == '#') {
      if (section != Kind::kText) fail(open, "a section within a section");
      section = *kind;
      section_begin = open;
    } else if (mark == '/') {
      if (section != *kind) fail(open, "{{/" + tag + "}} closes no section");
      section = Kind::kText;
    } else {
      result.pieces_.push_back({*kind, "", section});
    }
    at = end;
  }
  if (section != Kind::kText) fail(section_begin, "section without its end");
  add_text(text.substr(at), section);
  if (result.pieces_.empty()) throw InputError(name + ": the prompt template is empty");
  return result;
}

PromptTemplate::Prompt PromptTemplate::Render(const CandidateList& list, int positives, bool negatives,
                                              const PromptPlaces& places) const {
  Prompt prompt;
  std::string similar;
  std::string dissimilar;
  for (const auto& candidate : list.candidates) {
    int& count = candidate.similar ? prompt.similar : prompt.dissimilar;
    if (count >= positives || (!candidate.similar && !negatives)) continue;
    ++count;
    std::string& lines = candidate.similar ? similar : dissimilar;
    if (!lines.empty()) lines += '\n';
    lines += "- " + ToString(candidate.location);
    const auto name = places.find(candidate.gallery_id);
    if (name != places.end()) lines += " (" + name->second + ")";
  }
  for (const auto& piece : pieces_) {
    if (piece.section == Kind::kSimilar && prompt.similar == 0) continue;
    if (piece.section == Kind::kDissimilar && prompt.dissimilar == 0) continue;
    prompt.text += piece.kind == Kind::kText ? piece.text : piece.kind == Kind::kSimilar ? similar : dissimilar;
  }
  return prompt;
}

}  // namespace dualgeo
