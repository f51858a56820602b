// Any bytes give either a table or one line, and a table that is written and read again is the same table.
#include <sstream>
#include <string>
#include <vector>

#include "fuzz_support.h"
#include "io/csv.h"

using dualgeo::CsvTable;
using dualgeo::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dualgeo::ExpectInputErrorOrNone([&] {
    std::istringstream stream(std::string(reinterpret_cast<const char*>(data), size));
    const CsvTable table = CsvTable::Read(stream, "x.csv");
    std::stringstream written;
    dualgeo::CsvWriter writer(written, table.header());
    for (std::size_t row = 0; row < table.rows(); ++row) {
      std::vector<std::string> cells;
      for (std::size_t column = 0; column < table.header().size(); ++column) {
        cells.emplace_back(table.Cell(row, column));
        dualgeo::ExpectInputErrorOrNone([&] { table.Number(row, column); });
        dualgeo::ExpectInputErrorOrNone([&] { table.Integer(row, column); });
      }
      writer.Row(cells);
    }
    const CsvTable again = CsvTable::Read(written, "y.csv");
    Require(again.header() == table.header() && again.rows() == table.rows());
    for (std::size_t row = 0; row < table.rows(); ++row) {
      for (std::size_t column = 0; column < table.header().size(); ++column) {
        Require(again.Cell(row, column) == table.Cell(row, column));
      }
    }
  });
  return 0;
}
