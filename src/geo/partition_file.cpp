#include <algorithm>
#include <string_view>

#include "dualgeo/geo/partition.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "io/input_file.h"
#include "token_damage.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

// "num_images: 4723695" before the header becomes an empty line, so that rows keep their numbers.
void BlankNotes(std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    if (!line.empty() && (line.find(':') == line.npos || line.find_first_of(",;\t\"") != line.npos)) return;
    text.erase(begin, end - begin);
    while (begin < text.size() && (text[begin] == '\r' || text[begin] == '\n')) ++begin;
  }
}

class PartitionReader {
 public:
  explicit PartitionReader(const CsvTable& table)
      : table_(table),
        label_(table.Require("class_label")),
        token_(table.Require("hex_id")),
        count_(table.Require("imgs_per_cell")),
        lat_(table.Require("latitude_mean")),
        lon_(table.Require("longitude_mean")),
        name_(table.Find("name")) {}

  PartitionCell Row(std::size_t row) const {
    PartitionCell cell;
    cell.label = table_.Integer(row, label_);
    cell.count = table_.Integer(row, count_);
    if (cell.count < 0) {
      throw InputError(table_.At(row, "imgs_per_cell is " + std::to_string(cell.count) + "; allowed are 0, 1, ..."));
    }
    cell.mean = Mean(row);
    std::string_view rest = table_.Cell(row, token_);
    while (!rest.empty()) {
      const std::string_view token = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), token.size() + 1));
      if (const auto part = S2Cell::FromToken(token)) cell.area.push_back(*part);
    }
    if (name_) cell.name = table_.Text(row, *name_);
    return cell;
  }

  // What is wrong with the tokens of a row; empty: nothing. One token must hold the mean; of several, it may lie
  // between them.
  std::string Fault(std::size_t row) const {
    std::string_view rest = table_.Cell(row, token_);
    const bool several = rest.find(' ') != rest.npos;
    if (rest.empty()) return "hex_id is empty";
    while (!rest.empty()) {
      const std::string_view token = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), token.size() + 1));
      if (several && (token.empty() || S2Cell::FromToken(token))) continue;
      const std::string damage = TokenDamage(token, Mean(row));
      if (!damage.empty()) return "hex_id " + damage;
    }
    return "";
  }

 private:
  LatLon Mean(std::size_t row) const {
    const LatLon mean{table_.Number(row, lat_), table_.Number(row, lon_)};
    if (!IsValid(mean)) {
      throw InputError(table_.At(row, "latitude_mean, longitude_mean are " + FormatDouble(mean.lat) + ", " +
                                          FormatDouble(mean.lon) + "; allowed are [-90, 90], [-180, 180]"));
    }
    return mean;
  }

  const CsvTable& table_;
  std::size_t label_, token_, count_, lat_, lon_;
  std::optional<std::size_t> name_;
};

}  // namespace

Partition Partition::Read(const std::filesystem::path& path) {
  std::string text = ReadInput(path);
  BlankNotes(text);
  const CsvTable table = CsvTable::Parse(std::move(text), path);
  const PartitionReader reader(table);
  std::string fault;
  std::size_t damaged = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string what = reader.Fault(row);
    if (!what.empty() && damaged++ == 0) fault = table.At(row, what);
  }
  if (damaged > 1)
    fault += " (and " + std::to_string(damaged - 1) + " more of " + std::to_string(table.rows()) + " rows)";
  if (damaged > 0) throw InputError(fault);
  std::vector<PartitionCell> cells;
  std::vector<int> lines;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    cells.push_back(reader.Row(row));
    lines.push_back(table.Line(row));
  }
  return Partition(std::move(cells), InputName(path), std::move(lines));
}

void Partition::Write(const std::filesystem::path& path) const {
  const bool named = std::ranges::any_of(cells_, [](const PartitionCell& cell) { return !cell.name.empty(); });
  CsvRows rows;
  for (const char* column : {"class_label", "hex_id", "imgs_per_cell", "latitude_mean", "longitude_mean"}) {
    rows.Name(column);
  }
  if (named) rows.Name("name");
  rows.EndRow();
  for (const auto& cell : cells_) {
    std::string tokens;
    for (const S2Cell part : cell.area) tokens += (tokens.empty() ? "" : " ") + part.Token();
    rows.Number(cell.label);
    rows.Field(tokens);
    rows.Number(cell.count);
    rows.Number(cell.mean.lat);
    rows.Number(cell.mean.lon);
    if (named) rows.Field(cell.name);
    rows.EndRow();
  }
  WriteFileAtomically(path, rows.text);
}

}  // namespace dualgeo
