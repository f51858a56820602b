#include "dualgeo/data/texts.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "io/input_file.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

// Stands for NUL, which tables may not hold, while one is parsed: no byte of UTF-8.
constexpr char kNulStandIn = '\xff';

std::string WithoutNuls(std::string text) {
  if (text.find(kNulStandIn) == std::string::npos) std::ranges::replace(text, '\0', kNulStandIn);
  return text;
}

}  // namespace

Texts ReadTexts(const std::filesystem::path& path) {
  const CsvTable csv = CsvTable::Parse(WithoutNuls(ReadInput(path)), InputName(path));
  const std::size_t id_column = csv.Require("id");
  const std::size_t text_column = csv.Require("text");
  if (csv.rows() == 0) throw InputError(InputName(path) + ": has a header but no rows");
  Texts table{path, {}};
  table.rows.reserve(csv.rows());
  std::unordered_map<std::string_view, int> line_of_id;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string_view id = csv.Cell(row, id_column);
    if (id.empty()) throw InputError(csv.At(row, "id is empty"));
    const auto [first, added] = line_of_id.emplace(id, csv.Line(row));
    if (!added) {
      throw InputError(
          csv.At(row, "id '" + Printable(id) + "' stands in line " + std::to_string(first->second) + ", too"));
    }
    std::string text(csv.Cell(row, text_column));
    std::ranges::replace(text, kNulStandIn, '\0');
    table.rows.push_back({std::string(id), std::move(text), csv.Line(row)});
  }
  return table;
}

std::vector<std::vector<std::int64_t>> TokenizeTexts(const ClipTokenizer& tokenizer, const Texts& table) {
  std::vector<std::vector<std::int64_t>> tokens;
  tokens.reserve(table.rows.size());
  std::size_t cut = 0, empty = 0;
  std::string first_cut, first_empty;
  for (const auto& row : table.rows) {
    const std::string place = InputName(table.path) + ":" + std::to_string(row.line);
    try {
      tokens.push_back(tokenizer.Encode(row.text));
    } catch (const InputError& error) {
      throw InputError(place + ": " + error.what());
    }
    if (tokens.back().empty() && empty++ == 0) first_empty = place;
    if (CutToClipContext(tokens.back()) && cut++ == 0) first_cut = place;
  }
  if (cut > 0) {
    spdlog::warn("{} of {} texts have more than the {} tokens that CLIP takes and are cut (first: {})", cut,
                 table.rows.size(), kClipContext - 2, first_cut);
  }
  if (empty > 0) spdlog::warn("{} of {} texts are empty (first: {})", empty, table.rows.size(), first_empty);
  return tokens;
}

void WriteTokens(const std::filesystem::path& path, const Texts& table,
                 const std::vector<std::vector<std::int64_t>>& tokens) {
  AtomicFile file(path);
  CsvWriter writer(file.stream(), {"id", "ids"});
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    std::vector<std::string> ids;
    for (const auto id : tokens.at(i)) ids.push_back(std::to_string(id));
    writer.Row({table.rows[i].id, Join(ids, " ")});
  }
  file.Commit();
}

}  // namespace dualgeo
