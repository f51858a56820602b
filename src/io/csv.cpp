#include "dualgeo/io/csv.h"

#include <csv.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void* BoundedRealloc(void* memory, std::size_t size) {
  // libcsv takes nothing for "out of memory", which is how a field that never ends is stopped.
  if (size > CsvTable::kMaxFieldBytes) return nullptr;
  return std::realloc(memory, size);
}

// Turns libcsv's calls for fields and line ends into rows with line numbers.
class RowReader {
 public:
  virtual ~RowReader() = default;

  static void OnField(void* data, std::size_t size, void* self) {
    static_cast<RowReader*>(self)->Field({static_cast<const char*>(data), size});
  }
  static void OnLineEnd(int character, void* self) { static_cast<RowReader*>(self)->LineEnd(character); }

  // Line of the field being read.
  int line() const { return line_; }

  // Throws what Row threw.
  void Rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 protected:
  // ends: where each field ends in `text`.
  virtual void Row(std::string_view text, const std::vector<std::size_t>& ends, int line) = 0;

 private:
  void Field(std::string_view field) {
    if (ends_.empty()) row_line_ = line_;
    for (std::size_t i = 0; i < field.size(); ++i) {
      const bool crlf = field[i] == '\r' && i + 1 < field.size() && field[i + 1] == '\n';
      if (field[i] == '\n' || (field[i] == '\r' && !crlf)) ++line_;
    }
    text_.append(field);
    ends_.push_back(text_.size());
    after_cr_ = false;
  }

  void LineEnd(int character) {
    if (character == '\n' && after_cr_) {  // the second half of CRLF
      after_cr_ = false;
      return;
    }
    after_cr_ = character == '\r';
    if (!ends_.empty() && !error_) {
      try {
        Row(text_, ends_, row_line_);
      } catch (...) {
        error_ = std::current_exception();  // an exception must not pass through libcsv, which is C
      }
    }
    text_.clear();
    ends_.clear();
    ++line_;
  }

  std::string text_;
  std::vector<std::size_t> ends_;
  int line_ = 1;
  int row_line_ = 1;
  bool after_cr_ = false;
  std::exception_ptr error_;
};

std::string Place(const std::filesystem::path& path, int line) {
  return path.string() + ":" + std::to_string(line) + ": ";
}

void Parse(std::istream& stream, const std::filesystem::path& path, RowReader& reader) {
  csv_parser parser;
  csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
  const std::unique_ptr<csv_parser, void (*)(csv_parser*)> owner(&parser, csv_free);
  csv_set_realloc_func(&parser, BoundedRealloc);

  std::vector<char> buffer(std::size_t{1} << 16);
  int lines_before = 0;  // line feeds before this buffer
  bool first = true;
  while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || stream.gcount() > 0) {
    std::string_view text(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    // More than one: some programs add theirs to what has one.
    while (first && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    first = false;
    const auto line_at = [&](std::size_t position) {
      return lines_before + 1 +
             static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
    };
    if (const auto nul = text.find('\0'); nul != text.npos) {
      throw InputError(Place(path, line_at(nul)) + "holds a NUL byte; expected UTF-8 text (UTF-16 must be converted)");
    }
    const std::size_t done =
        csv_parse(&parser, text.data(), text.size(), RowReader::OnField, RowReader::OnLineEnd, &reader);
    reader.Rethrow();
    if (done != text.size()) {
      const int error = csv_error(&parser);
      if (error == CSV_ENOMEM || error == CSV_ETOOBIG) {
        throw InputError(Place(path, reader.line()) + "a field is longer than " +
                         std::to_string(CsvTable::kMaxFieldBytes) +
                         " bytes; is a quotation mark missing, or is this not a CSV file?");
      }
      throw InputError(Place(path, line_at(done)) +
                       "misplaced quotation mark; a field with quotes is written \"like \"\"this\"\"\"");
    }
    lines_before = line_at(text.size()) - 1;
  }
  if (stream.bad()) throw InputError(path.string() + ": cannot be read");
  const int finished = csv_fini(&parser, RowReader::OnField, RowReader::OnLineEnd, &reader);
  reader.Rethrow();
  if (finished != 0) {
    throw InputError(Place(path, reader.line()) + "a quoted field that begins here is never closed");
  }
}

std::string FieldText(std::string_view field, bool only) {
  const bool blank_end =
      !field.empty() && (field.front() == ' ' || field.front() == '\t' || field.back() == ' ' || field.back() == '\t');
  // A row of one empty field would be a blank line.
  const bool quote = blank_end || (only && field.empty()) || field.find_first_of(",\"\r\n") != field.npos ||
                     field.starts_with(kByteOrderMark);
  if (!quote) return std::string(field);
  std::string text = "\"";
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

void WriteFields(std::ostream& out, const std::vector<std::string>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out << ',';
    out << FieldText(fields[i], fields.size() == 1);
  }
  out << '\n';
}

}  // namespace

CsvTable CsvTable::Read(const std::filesystem::path& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) throw InputError(path.string() + ": no such file");
  if (std::filesystem::is_directory(status)) throw InputError(path.string() + ": is a folder, not a CSV file");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw InputError(path.string() + ": cannot be read: " + std::generic_category().message(errno));
  return Read(stream, path);
}

CsvTable CsvTable::Read(std::istream& stream, const std::filesystem::path& name) {
  class Reader : public RowReader {
   public:
    explicit Reader(CsvTable& table) : table_(table) {}

   protected:
    void Row(std::string_view text, const std::vector<std::size_t>& ends, int line) override {
      if (!table_.header_line_) {
        std::size_t begin = 0;
        for (const std::size_t end : ends) {
          table_.header_.emplace_back(text.substr(begin, end - begin));
          begin = end;
        }
        table_.header_line_ = line;
        return;
      }
      if (ends.size() != table_.header_.size()) {
        throw InputError(Place(table_.path_, line) + std::to_string(ends.size()) + " fields where the header has " +
                         std::to_string(table_.header_.size()));
      }
      const std::uint64_t begin = table_.text_.size();
      table_.text_.append(text);
      for (const std::size_t end : ends) table_.ends_.push_back(begin + end);
      table_.lines_.push_back(line);
    }

   private:
    CsvTable& table_;
  };

  CsvTable table;
  table.path_ = name;
  Reader reader(table);
  Parse(stream, name, reader);
  if (!table.header_line_) throw InputError(name.string() + ": is empty; expected a CSV file with a header");
  return table;
}

std::optional<std::size_t> CsvTable::Find(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) return std::nullopt;
  const auto again = std::find(found + 1, header_.end(), name);
  if (again != header_.end()) {
    throw InputError(Place(path_, *header_line_) + "column " + Printable(name) + " stands twice in the header, as " +
                     std::to_string(found - header_.begin() + 1) + " and " +
                     std::to_string(again - header_.begin() + 1) + " of " + std::to_string(header_.size()));
  }
  return static_cast<std::size_t>(found - header_.begin());
}

std::size_t CsvTable::Require(std::string_view name) const {
  if (const auto found = Find(name)) return *found;
  std::string message = Place(path_, *header_line_) + "no column " + Printable(name);
  if (const auto nearest = Nearest(name, header_)) message += ", did you mean " + Printable(*nearest) + "?";
  std::string columns;
  for (const auto& column : header_) columns += (columns.empty() ? "" : ", ") + Printable(column);
  throw InputError(message + " (columns: " + Printable(columns, 300) + ")");
}

double CsvTable::Number(std::size_t row, std::size_t column) const {
  const std::string_view cell = Cell(row, column);
  const auto value = ParseDouble(cell);
  if (!value || !std::isfinite(*value)) {
    const std::string what = cell.empty() ? "is empty" : "is '" + Printable(cell) + "'";
    throw InputError(At(row, Printable(header_[column]) + " " + what + "; expected a number"));
  }
  return *value;
}

std::int64_t CsvTable::Integer(std::size_t row, std::size_t column) const {
  const std::string_view cell = Cell(row, column);
  const auto value = ParseInteger(cell);
  if (!value) {
    const std::string what = cell.empty() ? "is empty" : "is '" + Printable(cell) + "'";
    throw InputError(At(row, Printable(header_[column]) + " " + what + "; expected a whole number"));
  }
  return *value;
}

std::string CsvTable::At(std::size_t row, std::string_view what) const {
  return Place(path_, lines_[row]) + std::string(what);
}

CsvWriter::CsvWriter(std::ostream& out, const std::vector<std::string>& header) : out_(out), columns_(header.size()) {
  WriteFields(out_, header);
}

void CsvWriter::Row(const std::vector<std::string>& fields) {
  if (fields.size() != columns_) throw std::invalid_argument("a CSV row must have as many fields as the header");
  WriteFields(out_, fields);
}

}  // namespace dualgeo
