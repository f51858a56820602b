// CSV tables as spreadsheets, pandas and benchmark authors write them: RFC 4180 with LF, CRLF or CR line ends, an
// optional UTF-8 BOM, quoted commas, quotes and line breaks. The first row is the header. Blank lines are skipped;
// blanks around an unquoted field are not part of it.
//
// Errors are InputErrors of one line, "photos.csv:17: ...", for: a missing, unreadable or empty file, a row with more
// or fewer fields than the header, a NUL byte (UTF-16 perhaps), stray or unclosed quotation marks, a field over
// kMaxFieldBytes.
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

class CsvTable {
 public:
  static constexpr std::size_t kMaxFieldBytes = std::size_t{1} << 20;

  static CsvTable Read(const std::filesystem::path& path);
  // From a stream opened in binary mode; `name` stands for the file in messages.
  static CsvTable Read(std::istream& stream, const std::filesystem::path& name);

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
    const std::size_t i = row * header_.size() + column;
    return std::string_view(text_).substr(ends_[i], ends_[i + 1] - ends_[i]);
  }
  // 1-based line of the file on which the row begins, the header's being 1.
  int Line(std::size_t row) const { return lines_[row]; }

  // The cell as a finite number; InputError naming file:line, column and value otherwise.
  double Number(std::size_t row, std::size_t column) const;
  std::int64_t Integer(std::size_t row, std::size_t column) const;

  // "photos.csv:17: " + what, to throw for a row.
  std::string At(std::size_t row, std::string_view what) const;

 private:
  std::filesystem::path path_;
  std::vector<std::string> header_;
  std::optional<int> header_line_;
  std::string text_;                    // all cells, one after the other: millions of rows without millions of strings
  std::vector<std::uint64_t> ends_{0};  // cell i is text_[ends_[i], ends_[i + 1])
  std::vector<int> lines_;
};

// Writes a header and rows; fields are quoted only where they must be; lines end in LF.
class CsvWriter {
 public:
  CsvWriter(std::ostream& out, const std::vector<std::string>& header);
  // As many fields as the header (std::invalid_argument otherwise).
  void Row(const std::vector<std::string>& fields);

 private:
  std::ostream& out_;
  std::size_t columns_;
};

}  // namespace dualgeo
