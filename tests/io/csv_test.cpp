#include "io/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Csv : public ::testing::Test {
 protected:
  CsvTable Read(const std::string& content) {
    std::istringstream stream(content);
    return CsvTable::Read(stream, "t.csv");
  }
  // The message of the InputError that reading must throw.
  std::string ErrorOf(const std::string& content) {
    try {
      Read(content);
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    ADD_FAILURE() << "no InputError for " << content.substr(0, 100);
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(Csv, ReadsHeaderRowsAndLines) {
  const CsvTable table = Read("a,b\n1,2\n3,4\n");
  EXPECT_THAT(table.header(), ElementsAre("a", "b"));
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.Cell(1, 0), "3");
  EXPECT_EQ(table.Line(1), 3);
  EXPECT_EQ(table.Number(1, 1), 4);
}

// Found by tests/fuzz/csv_fuzz.cpp: a table whose first name began with a second mark was read back without it.
TEST_F(Csv, ByteOrderMarksAreNoPartOfTheFirstName) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_THAT(Read(mark + mark + "id,lat\n1,2\n").header(), ElementsAre("id", "lat"));
  std::stringstream stream;
  CsvWriter(stream, {mark + "id", "lat"});
  EXPECT_THAT(CsvTable::Read(stream, "t.csv").header(), ElementsAre(mark + "id", "lat"));
}

// Found by tests/fuzz/csv_fuzz.cpp.
TEST_F(Csv, AColumnNameWithALineBreakStaysOneLineOfAMessage) {
  const CsvTable table = Read("\"a\nb\",c\nx,1\n");
  for (const bool whole : {false, true}) {
    try {
      whole ? static_cast<double>(table.Integer(0, 0)) : table.Number(0, 0);
      ADD_FAILURE();
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  }
}

TEST_F(Csv, LineEndsBomAndMissingLastLineEnd) {
  for (const std::string content : {"a,b\r\n1,2\r\n\r\n3,4\r\n", "a,b\r1,2\r\r3,4\r",
                                    "\xEF\xBB\xBF"
                                    "a,b\n1,2\n\n3,4"}) {
    const CsvTable table = Read(content);
    EXPECT_THAT(table.header(), ElementsAre("a", "b"));
    ASSERT_EQ(table.rows(), 2U);
    EXPECT_EQ(table.Cell(0, 1), "2");
    EXPECT_EQ(table.Cell(1, 1), "4");
    EXPECT_EQ(table.Line(0), 2);
    EXPECT_EQ(table.Line(1), 4);
  }
}

TEST_F(Csv, QuotedCommasQuotesAndLineBreaks) {
  const CsvTable table = Read("id,\"the \"\"name\"\"\"\n1,\"a, b\"\n2,\"two\r\nlines\nthree\"\n3,\"\"\n4,x\n");
  EXPECT_EQ(table.header()[1], "the \"name\"");
  EXPECT_EQ(table.Cell(0, 1), "a, b");
  EXPECT_EQ(table.Cell(1, 1), "two\r\nlines\nthree");
  EXPECT_EQ(table.Cell(2, 1), "");
  EXPECT_EQ(table.Line(1), 3);
  EXPECT_EQ(table.Line(2), 6);
  EXPECT_EQ(table.Line(3), 7);
}

TEST_F(Csv, BlanksAroundFieldsAreNotPartOfThem) {
  const CsvTable table = Read("id , lat\n a.jpg ,\t1.5 \n\" b\",2\n");
  EXPECT_THAT(table.header(), ElementsAre("id", "lat"));
  EXPECT_EQ(table.Cell(0, 0), "a.jpg");
  EXPECT_EQ(table.Number(0, 1), 1.5);
  EXPECT_EQ(table.Cell(1, 0), " b");
}

TEST_F(Csv, RaggedRowsNameTheLine) {
  EXPECT_THAT(ErrorOf("a,b\n1,2\n\n3\n"), AllOf(HasSubstr("t.csv:4: "), HasSubstr("1 fields"), HasSubstr("has 2")));
  EXPECT_THAT(ErrorOf("a,b\n1,2,3\n"), HasSubstr("t.csv:2: 3 fields"));
}

TEST_F(Csv, MisplacedAndUnclosedQuotes) {
  EXPECT_THAT(ErrorOf("a,b\n1,2\n5\" gun,4\n"), AllOf(HasSubstr("t.csv:3: "), HasSubstr("quotation mark")));
  EXPECT_THAT(ErrorOf("a,b\n1,2\n3,\"open\n4,5\n"), AllOf(HasSubstr("t.csv:3: "), HasSubstr("never closed")));
}

TEST_F(Csv, NulBytesAndUtf16) {
  EXPECT_THAT(ErrorOf(std::string("a,b\n1,\0x\n", 9)), AllOf(HasSubstr("t.csv:2: "), HasSubstr("NUL")));
  EXPECT_THAT(ErrorOf(std::string("\xFF\xFE"
                                  "a\0,\0b\0\n\0",
                                  10)),
              HasSubstr("UTF-16"));
}

TEST_F(Csv, FieldsWithoutEndAreStopped) {
  const std::string error = ErrorOf("a,b\n1,\"" + std::string(CsvTable::kMaxFieldBytes + 4096, 'x') + "\"\n");
  EXPECT_THAT(error, AllOf(HasSubstr("t.csv:2: "), HasSubstr("longer than")));
  EXPECT_LT(error.size(), 300U);
}

TEST_F(Csv, FilesThatCannotBeRead) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("is empty"));
  EXPECT_THAT(ErrorOf("\n\n\r\n"), HasSubstr("is empty"));
  EXPECT_EQ(CsvTable::Read(folder_.Write("f.csv", "a\n1\n")).rows(), 1U);
  EXPECT_THROW(CsvTable::Read(folder_ / "absent.csv"), InputError);
  EXPECT_THROW(CsvTable::Read(folder_.path()), InputError);
}

TEST_F(Csv, RequireNamesTheColumnsThereAre) {
  const CsvTable table = Read("IMG_ID,LAT,LONG\n1,2,3\n");
  EXPECT_EQ(table.Require("LAT"), 1U);
  EXPECT_EQ(table.Find("x"), std::nullopt);
  try {
    table.Require("LON");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("t.csv:1: no column LON"), HasSubstr("did you mean LONG?"),
                                    HasSubstr("IMG_ID, LAT, LONG")));
  }
}

TEST_F(Csv, ARepeatedColumnMattersOnlyWhenAsked) {
  const CsvTable table = Read("id,LAT,,,LAT\n1,2,3,4,5\n");
  EXPECT_EQ(table.Require("id"), 0U);
  EXPECT_THROW(table.Find("LAT"), InputError);
}

TEST_F(Csv, NumbersNameFileLineColumnAndValue) {
  const CsvTable table = Read("id,LAT\n1,\n2,12a\n3,nan\n4,inf\n5,1e3\n6,7\n");
  const auto error_of = [&](std::size_t row) -> std::string {
    try {
      table.Number(row, 1);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(error_of(0), HasSubstr("t.csv:2: LAT is empty"));
  EXPECT_THAT(error_of(1), HasSubstr("t.csv:3: LAT is '12a'"));
  EXPECT_THAT(error_of(2), HasSubstr("t.csv:4: LAT is 'nan'"));
  EXPECT_THAT(error_of(3), HasSubstr("t.csv:5: LAT is 'inf'"));
  EXPECT_EQ(table.Number(4, 1), 1000);
  EXPECT_EQ(table.Integer(5, 1), 7);
  EXPECT_THROW(table.Integer(4, 1), InputError);
}

TEST_F(Csv, WriterQuotesOnlyWhatItMust) {
  std::ostringstream out;
  CsvWriter writer(out, {"a", "b"});
  writer.Row({"plain text", "1.5"});
  writer.Row({"a,b", "say \"x\""});
  writer.Row({"", " edge"});
  EXPECT_EQ(out.str(), "a,b\nplain text,1.5\n\"a,b\",\"say \"\"x\"\"\"\n,\" edge\"\n");
  EXPECT_THROW(writer.Row({"only one"}), std::invalid_argument);
}

TEST_F(Csv, WhatIsWrittenReadsBack) {
  Random random(6);
  const std::string alphabet =
      ",,\"\"\r\n \t;'abcé\xF0\x9F\x8C\x8D"
      "0-.\\|\x01\xFF";
  for (int round = 0; round < 300; ++round) {
    const auto columns = 1 + random.Below(5);
    const auto text = [&] {
      std::string field;
      for (auto n = random.Below(8); n > 0; --n) field += alphabet[random.Below(alphabet.size())];
      return field;
    };
    std::vector<std::vector<std::string>> rows(1 + random.Below(6));
    for (auto& row : rows) {
      for (std::uint64_t i = 0; i < columns; ++i) row.push_back(text());
    }
    std::vector<std::string> header;
    for (std::uint64_t i = 0; i < columns; ++i) header.push_back("c" + std::to_string(i));
    std::ostringstream out;
    CsvWriter writer(out, header);
    for (const auto& row : rows) writer.Row(row);
    const CsvTable table = Read(out.str());
    ASSERT_EQ(table.header(), header);
    ASSERT_EQ(table.rows(), rows.size()) << out.str();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t c = 0; c < columns; ++c) ASSERT_EQ(table.Cell(r, c), rows[r][c]) << out.str();
    }
  }
}

TEST_F(Csv, AnyBytesAreReadOrRefused) {
  Random random(7);
  const std::string alphabet = ",\"\r\n a1\xEF\xBB\xBF";
  for (int round = 0; round < 3000; ++round) {
    std::string content;
    for (auto n = random.Below(40); n > 0; --n) {
      content += random.Chance(0.02) ? '\0' : alphabet[random.Below(alphabet.size())];
    }
    try {
      const CsvTable table = Read(content);
      for (std::size_t row = 0; row < table.rows(); ++row) {
        for (std::size_t column = 0; column < table.header().size(); ++column) (void)table.Cell(row, column);
      }
    } catch (const InputError&) {
    }
  }
}

TEST_F(Csv, BuffersDoNotShow) {
  // Longer than the reading buffer, with quotes and line ends at every offset of its edge.
  std::string content = "id,text\r\n";
  for (int i = 0; i < 20000; ++i) content += std::to_string(i) + ",\"x, \"\"" + std::to_string(i) + "\"\"\r\n y\"\r\n";
  const CsvTable table = Read(content);
  ASSERT_EQ(table.rows(), 20000U);
  for (std::size_t i = 0; i < table.rows(); ++i) {
    ASSERT_EQ(table.Cell(i, 1), "x, \"" + std::to_string(i) + "\"\r\n y");
    ASSERT_EQ(table.Line(i), 2 + 2 * static_cast<int>(i));
  }
}

TEST_F(Csv, TabsAndSemicolonsAreTakenFromTheHeader) {
  for (const std::string content :
       {"IMG_ID\tLAT\tnote\na b.jpg\t48.5\tx, y; z\n", "IMG_ID;LAT;note\na b.jpg;48.5;x, y\n",
        "sep=;\r\nIMG_ID;LAT;note\r\na b.jpg;48.5;x, y\r\n", "\n  \nIMG_ID;LAT;note\na b.jpg;48.5;x, y\n",
        "IMG_ID;LAT;\"note\"\na b.jpg;\"48.5\";\"x, y; z\"\n", "IMG_ID\tLAT\tnote\na b.jpg\t48,5\t\n"}) {
    const CsvTable table = Read(content);
    EXPECT_THAT(table.header(), ElementsAre("IMG_ID", "LAT", "note")) << content;
    ASSERT_EQ(table.rows(), 1U);
    EXPECT_EQ(table.Cell(0, 0), "a b.jpg");
    EXPECT_EQ(table.Number(0, 1), 48.5) << content;
  }
  // An index column of pandas has no name.
  EXPECT_THAT(Read("\tid\tlat\n0\ta\t1\n").header(), ElementsAre("", "id", "lat"));
  // More tabs than commas, and names between all of them.
  EXPECT_THAT(Read("id\tplace, country\tlat\na\tb, c\t1\n").header(), ElementsAre("id", "place, country", "lat"));
}

TEST_F(Csv, CommasStayCommas) {
  EXPECT_THAT(Read("id ,\tlat\na,1\n").header(), ElementsAre("id", "lat"));
  EXPECT_THAT(Read("id,a;b,c\n1,2,3\n").header(), ElementsAre("id", "a;b", "c"));
  EXPECT_THAT(Read("\"a;b\"\n1\n").header(), ElementsAre("a;b"));
  EXPECT_THAT(Read("id,\t\tlat\na,1\n").header(), ElementsAre("id", "lat"));
  std::stringstream written;
  CsvWriter(written, {"a;b"});
  EXPECT_THAT(CsvTable::Read(written, "t.csv").header(), ElementsAre("a;b"));
}

TEST_F(Csv, TheMissingColumnOfATableByTabsNamesThem) {
  try {
    Read("photo\tLATITUDE\nx\t1\n").Require("IMG_ID");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("photo, LATITUDE"), HasSubstr("tabs")));
  }
}

TEST_F(Csv, DecimalCommasAreReadOrNamed) {
  EXPECT_EQ(Read("LAT;LON\n48,8584;-2,29\n").Number(0, 1), -2.29);
  EXPECT_EQ(Read("LAT;LON\n48,858;1\n").Number(0, 0), 48.858);
  EXPECT_EQ(Read("LAT,LON\n\"48,8584\",2\n").Number(0, 0), 48.8584);
  EXPECT_EQ(Read("LAT,LON\n\"0,123\",2\n").Number(0, 0), 0.123);
  const auto error_of = [&](const std::string& content) -> std::string {
    try {
      Read(content).Number(0, 0);
    } catch (const InputError& error) {
      return error.what();
    }
    return "read";
  };
  // A thousand and more, or three decimals?
  EXPECT_THAT(error_of("LAT,LON\n\"48,858\",2\n"),
              AllOf(HasSubstr("t.csv:2: LAT is '48,858'"), HasSubstr("decimal comma")));
  EXPECT_THAT(error_of("LAT,LON\n\"1.234,5\",2\n"), HasSubstr("decimal comma"));
  EXPECT_THAT(error_of("LAT;LON\n1,2,3;2\n"), HasSubstr("decimal comma"));
  EXPECT_THAT(ErrorOf("id,LAT,LON\na,48,8584,2,2945\n"), AllOf(HasSubstr("5 fields"), HasSubstr("decimal comma")));
  EXPECT_THAT(ErrorOf("id,LAT,LON\na,48.8584,2.2945,7\n"), ::testing::Not(HasSubstr("decimal comma")));
}

TEST_F(Csv, WholeNumbersAsPandasWritesThem) {
  const CsvTable table = Read("n\n1.0\n-1.00\n2.5\n1e3\n.0\n3.\n");
  EXPECT_EQ(table.Integer(0, 0), 1);
  EXPECT_EQ(table.Integer(1, 0), -1);
  EXPECT_EQ(table.Integer(5, 0), 3);
  for (const std::size_t row : {2U, 3U, 4U}) EXPECT_THROW(table.Integer(row, 0), InputError) << row;
}

TEST_F(Csv, WordsForNothingInNumericColumns) {
  for (const char* word : {"", "nan", "NaN", "NA", "<NA>", "N/A", "None", "null", "NULL", "-nan"}) {
    EXPECT_TRUE(Read("id,x\n1," + std::string(word) + "\n").Missing(0, 1)) << word;
  }
  for (const char* word : {"0", "nano", "inf", "n", "-1", "none of it"}) {
    EXPECT_FALSE(Read("id,x\n1," + std::string(word) + "\n").Missing(0, 1)) << word;
  }
  EXPECT_EQ(Read("id,x\n1,nan\n").Text(0, 1), "");
  EXPECT_EQ(Read("id,x\n1,Nan\n").Text(0, 1), "Nan");  // a name
}

TEST_F(Csv, ReadsYfcc4ksHeader) {
  SHARED_PATH_OR_SKIP(path, "data/benchmarks/yfcc4k_places365.csv");
  const CsvTable table = CsvTable::Read(path);
  EXPECT_EQ(table.rows(), 4536U);
  EXPECT_EQ(table.header().size(), 25U);
  EXPECT_EQ(table.Cell(0, table.Require("IMG_ID")), "10201275523.jpg");
  EXPECT_EQ(table.Number(0, table.Require("LAT")), 43.649708);
}

}  // namespace
}  // namespace dualgeo
