// CSV tables as spreadsheets, pandas and benchmark authors write them: RFC 4180 with LF, CRLF or CR line ends, an
// optional UTF-8 BOM, quoted commas, quotes and line breaks. The first row is the header. Blank lines are skipped;
// blanks around an unquoted field are not part of it. Where the header is separated by tabs or semicolons instead of
// commas (or a first line says sep=;), so is the table. The file may be compressed with gzip, or a stream
// (io/input_file.h).
//
// Errors are InputErrors of one line, "photos.csv:17: ...", for: a missing, unreadable or empty file, one of another
// kind (io/file_kind.h), a row with more or fewer fields than the header, a NUL byte (UTF-16 perhaps), stray or
// unclosed quotation marks, a field over kMaxFieldBytes.
//
// Why not a library: libcsv, which was here before, calls back for every field; a table of two million rows took five
// times as long, and every cell was copied.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

// Empty, or one of the words that other programs write for nothing in a column of numbers (nan, NA, <NA>, N/A, None,
// null in any case).
bool MeansNothing(std::string_view cell);

class CsvTable {
 public:
  static constexpr std::size_t kMaxFieldBytes = std::size_t{1} << 20;

  static CsvTable Read(const std::filesystem::path& path);
  // From a stream opened in binary mode; `name` stands for the file in messages.
  static CsvTable Read(std::istream& stream, const std::filesystem::path& name);
  // From a file's text.
  static CsvTable Parse(std::string text, const std::filesystem::path& name);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<std::string>& header() const { return header_; }
  // Number of rows below the header.
  std::size_t rows() const { return lines_.size(); }

  // Index of the column of that name; nothing when there is none. InputError when the name stands twice in the header
  // (a repeated name is harmless while nobody asks for it).
  std::optional<std::size_t> Find(std::string_view name) const;
  // The same; InputError naming the columns there are, and the nearest, when there is none.
  std::size_t Require(std::string_view name) const;

  // Valid as long as the table.
  std::string_view Cell(std::size_t row, std::size_t column) const {
    const std::uint64_t cell = cells_[row * header_.size() + column];
    return {text_.data() + (cell >> kLengthBits), static_cast<std::size_t>(cell & kLengthMask)};
  }
  // 1-based line of the file on which the row begins, the header's being 1.
  int Line(std::size_t row) const { return lines_[row]; }

  // Whether the cell holds no value in a column of numbers (MeansNothing).
  bool Missing(std::size_t row, std::size_t column) const { return MeansNothing(Cell(row, column)); }
  // The cell's text; empty for nan, NaN and <NA>, which pandas writes for nothing.
  std::string_view Text(std::size_t row, std::size_t column) const;

  // The cell as a finite number; InputError naming file:line, column and value otherwise. A decimal comma (48,8584) is
  // read, but for what might as well be thousands (48,858 in a table separated by commas), which is an error.
  double Number(std::size_t row, std::size_t column) const;
  // The same; nothing where the cell is no finite number.
  std::optional<double> NumberIfAny(std::size_t row, std::size_t column) const;
  // A whole number; also one that is written with zeros behind its point (3.0).
  std::int64_t Integer(std::size_t row, std::size_t column) const;

  // "photos.csv:17: " + what, to throw for a row.
  std::string At(std::size_t row, std::string_view what) const;

 private:
  static_assert(kMaxFieldBytes <= std::size_t{1} << 20);
  static constexpr int kLengthBits = 21;
  static constexpr std::uint64_t kLengthMask = (std::uint64_t{1} << kLengthBits) - 1;

  friend class CsvParser;

  std::filesystem::path path_;
  char separator_ = ',';
  std::vector<std::string> header_;
  std::optional<int> header_line_;
  std::string text_;                  // the file; of quoted cells, unquoted in place
  std::vector<std::uint64_t> cells_;  // where each begins in text_, and its length in the last kLengthBits
  std::vector<int> lines_;
};

// A column that a user may name: what it is for ("lat"), and its name.
struct NamedColumn {
  const char* role;
  std::string* name;
};

// Takes the names of columns from "photo,y,x", the value of `flag`: at least the first `least`, in their order. An
// empty text leaves all as they are. Throws InputError naming the flag and what is expected.
void ParseColumnNames(const std::string& flag, const std::string& text, const std::vector<NamedColumn>& columns,
                      std::size_t least = 3);

// Rows as text: fields are quoted only where they must be; lines end in LF.
class CsvRows {
 public:
  void Field(std::string_view field);
  void Number(double value);
  void Number(std::int64_t value);
  // A column's name: quoted also where a reader could take a part of it for a separator.
  void Name(std::string_view name);
  void EndRow();

  // What was added so far.
  std::string text;

 private:
  void Separate();
  void Quoted(std::string_view field);

  std::size_t row_begin_ = 0;  // in text
  std::size_t fields_ = 0;     // of the row so far
};

// Writes a header and rows as CsvRows gives them.
class CsvWriter {
 public:
  CsvWriter(std::ostream& out, const std::vector<std::string>& header);
  // As many fields as the header (std::invalid_argument otherwise).
  void Row(const std::vector<std::string>& fields);

 private:
  std::ostream& out_;
  std::size_t columns_;
  CsvRows row_;
};

}  // namespace dualgeo
