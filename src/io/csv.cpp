#include "io/csv.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <stdexcept>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "io/input_file.h"

namespace dualgeo {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string CsvPlace(const std::filesystem::path& path, int line) {
  return InputName(path) + ":" + std::to_string(line) + ": ";
}

// How often each of , tab ; stands in a header line outside of quotes.
std::array<int, 3> CountSeparators(std::string_view header) {
  std::array<int, 3> counts = {};
  bool quoted = false;
  for (const char c : header) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    counts[0] += c == ',' ? 1 : 0;
    counts[1] += c == '\t' ? 1 : 0;
    counts[2] += c == ';' ? 1 : 0;
  }
  return counts;
}

bool NamesAreFilled(std::string_view header, char separator) {
  for (std::size_t begin = 0;;) {
    const std::size_t end = header.find(separator, begin);
    const std::string_view name = header.substr(begin, end - begin);
    if (name.find_first_not_of(" \t") == name.npos) return false;
    if (end == header.npos) return true;
    begin = end + 1;
  }
}

// Commas, unless the header has none, or has more of another separator and a name between any two of them.
char SeparatorOf(std::string_view header) {
  const auto counts = CountSeparators(header);
  const int best = counts[1] >= counts[2] ? 1 : 2;
  const char other = best == 1 ? '\t' : ';';
  if (counts[static_cast<std::size_t>(best)] == 0) return ',';
  if (counts[0] == 0) return other;
  return counts[static_cast<std::size_t>(best)] > counts[0] && NamesAreFilled(header, other) ? other : ',';
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "-48,8584": the number with a point; nothing when it is not one with a decimal comma.
std::optional<double> DecimalComma(std::string_view cell) {
  const std::size_t comma = cell.find(',');
  if (comma == cell.npos || cell.find_first_of(",.", comma + 1) != cell.npos) return std::nullopt;
  if (cell.substr(0, comma).find('.') != cell.npos) return std::nullopt;
  std::string text(cell);
  text[comma] = '.';
  const auto value = ParseDouble(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

// "48,858", "1,234": as likely a thousand and more as a number with three decimals.
bool MayBeThousands(std::string_view cell) {
  if (!cell.empty() && (cell.front() == '-' || cell.front() == '+')) cell.remove_prefix(1);
  const std::size_t comma = cell.find(',');
  return comma != cell.npos && comma >= 1 && comma <= 3 && cell.front() != '0' && IsDigits(cell.substr(0, comma)) &&
         cell.size() - comma == 4 && IsDigits(cell.substr(comma + 1));
}

}  // namespace

// Cuts a text into rows and cells, in one pass.
class CsvParser {
 public:
  CsvParser(CsvTable& table) : table_(table), data_(table.text_.data()), size_(table.text_.size()) {}

  void Parse() {
    if (const auto other = DescribeOtherFile(table_.text_, FileUse::kTable)) {
      throw InputError(InputName(table_.path_) + ": " + *other);
    }
    if (const void* nul = std::memchr(data_, '\0', size_)) {
      const auto lines = std::count(data_, data_ + (static_cast<const char*>(nul) - data_), '\n');
      Fail(static_cast<int>(lines) + 1, "holds a NUL byte; expected UTF-8 text (UTF-16 must be converted)");
    }
    // More than one mark: some programs add theirs to what has one.
    while (std::string_view(data_ + at_, size_ - at_).starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
    FindSeparator();
    ReadRows();
    if (!table_.header_line_) {
      throw InputError(InputName(table_.path_) + ": is empty; expected a CSV file with a header");
    }
  }

 private:
  [[noreturn]] void Fail(int line, const std::string& what) const {
    throw InputError(CsvPlace(table_.path_, line) + what);
  }

  bool IsBlank(char c) const { return c == ' ' || (c == '\t' && separator_ != '\t'); }
  static bool IsLineEnd(char c) { return c == '\n' || c == '\r'; }

  // From the first line that is not blank, or from Excel's own "sep=;" before it.
  void FindSeparator() {
    const std::string_view rest(data_ + at_, size_ - at_);
    const std::size_t filled = std::min(rest.find_first_not_of(" \t\r\n"), rest.size());
    const std::size_t line_end = rest.substr(0, filled).find_last_of("\r\n");
    const std::size_t begin = at_ + (line_end == rest.npos ? 0 : line_end + 1);
    const std::string_view first =
        rest.substr(begin - at_, std::min(rest.find_first_of("\r\n", filled), rest.size()) - (begin - at_));
    if (first.size() == 5 && first.starts_with("sep=") && std::string_view(",;\t").find(first[4]) != first.npos) {
      for (std::size_t i = at_; i < begin; ++i) CountLine(i);
      separator_ = first[4];
      at_ = begin + first.size();
    } else {
      separator_ = SeparatorOf(first);
    }
    table_.separator_ = separator_;
    for (const char c : {',', '\t', ';'}) ends_field_[static_cast<unsigned char>(c)] = c == separator_;
    for (const char c : {'\n', '\r', '"', '\0'}) ends_field_[static_cast<unsigned char>(c)] = true;
  }

  void CountLine(std::size_t i) { line_ += data_[i] == '\n' || (data_[i] == '\r' && data_[i + 1] != '\n') ? 1 : 0; }

  // Past one line end: CR, LF or both.
  void SkipLineEnd() {
    if (data_[at_] == '\r' && data_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  void ReadRows() {
    for (;;) {
      while (at_ < size_ && IsBlank(data_[at_])) ++at_;
      if (at_ == size_) return;
      if (IsLineEnd(data_[at_])) {
        SkipLineEnd();
        continue;
      }
      const int line = line_;
      const std::size_t first = table_.cells_.size();
      for (;;) {
        ReadField();
        if (at_ == size_ || data_[at_] != separator_) break;
        ++at_;
      }
      if (at_ < size_) SkipLineEnd();
      EndRow(first, line);
    }
  }

  void ReadField() {
    while (IsBlank(data_[at_])) ++at_;
    if (data_[at_] == '"') {
      ReadQuoted();
      return;
    }
    const std::size_t begin = at_;
    while (!ends_field_[static_cast<unsigned char>(data_[at_])]) ++at_;  // the text's final NUL ends it
    if (data_[at_] == '"') MisplacedQuote();
    std::size_t end = at_;
    while (end > begin && IsBlank(data_[end - 1])) --end;
    Add(begin, end, line_);
  }

  void ReadQuoted() {
    const int line = line_;
    const std::size_t begin = ++at_;
    std::size_t end = begin;  // of what is unquoted so far
    for (;;) {
      const void* const found = std::memchr(data_ + at_, '"', size_ - at_);
      const std::size_t quote =
          found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - data_) : size_;
      for (std::size_t i = at_; i < quote; ++i) CountLine(i);
      if (end != at_) std::memmove(data_ + end, data_ + at_, quote - at_);
      end += quote - at_;
      if (end - begin > CsvTable::kMaxFieldBytes) TooLong(line);
      if (found == nullptr) Fail(line, "a quoted field that begins here is never closed");
      at_ = quote + 1;
      if (data_[at_] != '"') break;
      data_[end++] = '"';
      ++at_;
    }
    Add(begin, end, line);
    while (IsBlank(data_[at_])) ++at_;
    if (at_ < size_ && data_[at_] != separator_ && !IsLineEnd(data_[at_])) MisplacedQuote();
  }

  [[noreturn]] void MisplacedQuote() const {
    Fail(line_, "misplaced quotation mark; a field with quotes is written \"like \"\"this\"\"\"");
  }

  [[noreturn]] void TooLong(int line) const {
    Fail(line, "a field is longer than " + std::to_string(CsvTable::kMaxFieldBytes) +
                   " bytes; is a quotation mark missing, or is this not a CSV file?");
  }

  void Add(std::size_t begin, std::size_t end, int line) {
    if (end - begin > CsvTable::kMaxFieldBytes) TooLong(line);
    table_.cells_.push_back(std::uint64_t{begin} << CsvTable::kLengthBits | (end - begin));
  }

  std::string_view View(std::size_t cell) const {
    const std::uint64_t place = table_.cells_[cell];
    return {data_ + (place >> CsvTable::kLengthBits), static_cast<std::size_t>(place & CsvTable::kLengthMask)};
  }

  void EndRow(std::size_t first, int line) {
    const std::size_t fields = table_.cells_.size() - first;
    if (!table_.header_line_) {
      for (std::size_t i = first; i < table_.cells_.size(); ++i) table_.header_.emplace_back(View(i));
      table_.header_line_ = line;
      table_.cells_.clear();
      const auto lines = static_cast<std::size_t>(std::count(data_ + at_, data_ + size_, '\n')) + 1;
      table_.lines_.reserve(lines);
      // A few bytes a cell at least, so that a hostile header cannot ask for more than the file is worth.
      table_.cells_.reserve(std::min(lines * fields, (size_ - at_) / 2 + fields));
      return;
    }
    if (fields != table_.header_.size()) Ragged(first, line);
    table_.lines_.push_back(line);
  }

  [[noreturn]] void Ragged(std::size_t first, int line) const {
    const std::size_t fields = table_.cells_.size() - first;
    std::string message =
        std::to_string(fields) + " fields where the header has " + std::to_string(table_.header_.size());
    // "48,8584,2,2945": two numbers, and a comma in each.
    std::size_t halves = 0;
    for (std::size_t i = first; separator_ == ',' && i + 1 < table_.cells_.size(); ++i) {
      std::string_view whole = View(i);
      if (whole.starts_with('-')) whole.remove_prefix(1);
      if (!IsDigits(whole) || whole.size() > 3 || !IsDigits(View(i + 1))) continue;
      ++halves;
      ++i;
    }
    if (fields > table_.header_.size() && halves >= fields - table_.header_.size()) {
      message += "; a number with a decimal comma is written with a point (48.8584) or in quotes";
    }
    Fail(line, message);
  }

  CsvTable& table_;
  char* data_;
  std::size_t size_;
  std::size_t at_ = 0;
  int line_ = 1;
  char separator_ = ',';
  std::array<bool, 256> ends_field_ = {};
};

CsvTable CsvTable::Read(const std::filesystem::path& path) { return Parse(ReadInput(path), path); }

CsvTable CsvTable::Read(std::istream& stream, const std::filesystem::path& name) {
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) throw InputError(name.string() + ": cannot be read");
  return Parse(std::move(text), name);
}

CsvTable CsvTable::Parse(std::string text, const std::filesystem::path& name) {
  CsvTable table;
  table.path_ = name;
  table.text_ = std::move(text);
  CsvParser(table).Parse();
  return table;
}

std::optional<std::size_t> CsvTable::Find(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) return std::nullopt;
  const auto again = std::find(found + 1, header_.end(), name);
  if (again != header_.end()) {
    throw InputError(CsvPlace(path_, *header_line_) + "column " + Printable(name) + " stands twice in the header, as " +
                     std::to_string(found - header_.begin() + 1) + " and " +
                     std::to_string(again - header_.begin() + 1) + " of " + std::to_string(header_.size()));
  }
  return static_cast<std::size_t>(found - header_.begin());
}

std::size_t CsvTable::Require(std::string_view name) const {
  if (const auto found = Find(name)) return *found;
  std::string message = CsvPlace(path_, *header_line_) + "no column " + Printable(name);
  if (const auto nearest = Nearest(name, header_)) message += ", did you mean " + Printable(*nearest) + "?";
  std::string columns;
  for (const auto& column : header_) columns += (columns.empty() ? "" : ", ") + Printable(column);
  message += " (columns: " + Printable(columns, 300) + ")";
  if (separator_ == '\t') message += "; the header was read as separated by tabs";
  if (separator_ == ';') message += "; the header was read as separated by semicolons";
  throw InputError(message);
}

bool MeansNothing(std::string_view cell) {
  if (cell.empty()) return true;
  if (cell.size() > 4 || (cell.front() >= '0' && cell.front() <= '9')) return false;
  std::string word(cell);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array<std::string_view, 9> kNothing = {"nan",  "-nan", "na",  "<na>", "n/a",
                                                        "none", "null", "nat", "#n/a"};
  return std::find(kNothing.begin(), kNothing.end(), word) != kNothing.end();
}

std::string_view CsvTable::Text(std::size_t row, std::size_t column) const {
  const std::string_view cell = Cell(row, column);
  return cell == "nan" || cell == "NaN" || cell == "<NA>" ? std::string_view() : cell;
}

std::optional<double> CsvTable::NumberIfAny(std::size_t row, std::size_t column) const {
  const std::string_view cell = Cell(row, column);
  double exact = 0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), exact);
  if (code == std::errc() && end == cell.data() + cell.size() && std::isfinite(exact)) return exact;
  if (const auto value = ParseDouble(cell); value && std::isfinite(*value)) return value;
  const auto value = DecimalComma(cell);
  if (value && separator_ == ',' && MayBeThousands(cell)) {
    throw InputError(At(row, Printable(header_[column]) + " is '" + Printable(cell) +
                                 "'; a number with a decimal comma, or thousands? Write it with a point (48.858)"));
  }
  return value;
}

double CsvTable::Number(std::size_t row, std::size_t column) const {
  if (const auto value = NumberIfAny(row, column)) return *value;
  const std::string_view cell = Cell(row, column);
  const std::string what = cell.empty() ? "is empty" : "is '" + Printable(cell) + "'";
  const bool comma = cell.find(',') != cell.npos;
  throw InputError(At(row, Printable(header_[column]) + " " + what + "; expected a number" +
                               (comma ? ", with a point and not a decimal comma" : "")));
}

std::int64_t CsvTable::Integer(std::size_t row, std::size_t column) const {
  std::string_view cell = Cell(row, column);
  // "3.0", and "3,0" where that is how numbers are written here
  if (const std::size_t point = cell.find_first_of(".,"); point != cell.npos && point > 0) {
    const std::string_view zeros = cell.substr(point + 1);
    if (zeros.find_first_not_of('0') == zeros.npos && !(cell[point] == ',' && MayBeThousands(cell))) {
      cell = cell.substr(0, point);
    }
  }
  if (const auto value = ParseInteger(cell)) return *value;
  cell = Cell(row, column);
  const std::string what = cell.empty() ? "is empty" : "is '" + Printable(cell) + "'";
  throw InputError(At(row, Printable(header_[column]) + " " + what + "; expected a whole number"));
}

std::string CsvTable::At(std::size_t row, std::string_view what) const {
  return CsvPlace(path_, lines_[row]) + std::string(what);
}

void ParseColumnNames(const std::string& flag, const std::string& text, const std::vector<NamedColumn>& columns,
                      std::size_t least) {
  if (text.empty()) return;
  std::vector<std::string> names(1);
  for (const char c : text) {
    if (c == ',') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  const bool unnamed = std::ranges::any_of(names, [](const std::string& name) { return name.empty(); });
  if (unnamed || names.size() < least || names.size() > columns.size()) {
    std::string expected;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      expected += i < least ? (i == 0 ? "" : ",") : "[,";
      expected += columns[i].role;
    }
    throw InputError(flag + " '" + Printable(text) + "': expected names of columns, " + expected +
                     std::string(columns.size() - least, ']'));
  }
  for (std::size_t i = 0; i < names.size(); ++i) *columns[i].name = names[i];
}

void CsvRows::Separate() {
  if (fields_++ > 0) text += ',';
}

void CsvRows::Quoted(std::string_view field) {
  text += '"';
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  text += '"';
}

void CsvRows::Field(std::string_view field) {
  Separate();
  if (field.empty()) return;
  static constexpr auto kSpecial = [] {
    std::array<bool, 256> special = {};
    for (const char c : {',', '"', '\r', '\n'}) special[static_cast<unsigned char>(c)] = true;
    return special;
  }();
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool quote =
      is_blank(field.front()) || is_blank(field.back()) || field.starts_with(kByteOrderMark) ||
      std::any_of(field.begin(), field.end(), [](char c) { return kSpecial[static_cast<unsigned char>(c)]; });
  if (quote) {
    Quoted(field);
  } else {
    text += field;
  }
}

void CsvRows::Name(std::string_view name) {
  if (name.find_first_of(";\t") == name.npos && !name.starts_with("sep=")) return Field(name);
  Separate();
  Quoted(name);
}

void CsvRows::Number(double value) {
  char buffer[32];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value);
  static_cast<void>(code);
  Separate();
  text.append(buffer, end);
}

void CsvRows::Number(std::int64_t value) {
  char buffer[24];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value);
  static_cast<void>(code);
  Separate();
  text.append(buffer, end);
}

void CsvRows::EndRow() {
  // A row of one empty field would be a blank line.
  if (fields_ == 1 && text.size() == row_begin_) text += "\"\"";
  text += '\n';
  row_begin_ = text.size();
  fields_ = 0;
}

CsvWriter::CsvWriter(std::ostream& out, const std::vector<std::string>& header) : out_(out), columns_(header.size()) {
  CsvRows names;
  for (const auto& name : header) names.Name(name);
  names.EndRow();
  out_ << names.text;
}

void CsvWriter::Row(const std::vector<std::string>& fields) {
  if (fields.size() != columns_) throw std::invalid_argument("a CSV row must have as many fields as the header");
  row_ = CsvRows();
  for (const auto& field : fields) row_.Field(field);
  row_.EndRow();
  out_ << row_.text;
}

}  // namespace dualgeo
