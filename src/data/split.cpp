#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

PhotoSplit SplitByAuthor(const PhotoTable& table, double fraction, std::uint64_t seed) {
  if (!(fraction >= 0.0 && fraction < 1.0)) {
    throw InputError("validation fraction " + FormatDouble(fraction) + " given; 0 to below 1 is allowed");
  }
  PhotoSplit split{{table.path, {}, table.columns}, {table.path, {}, table.columns}};
  if (fraction == 0.0) {
    split.train.rows = table.rows;
    return split;
  }
  // Keyed by what the photo or author is called, not by row, so that the order of the table does not matter.
  std::map<std::pair<bool, std::string>, std::vector<std::size_t>> by_author;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const PhotoRow& row = table.rows[i];
    by_author[{row.author.empty(), row.author.empty() ? row.id : row.author}].push_back(i);
  }
  if (by_author.size() < 2) {
    throw InputError(table.path.string() + ": " + std::to_string(table.rows.size()) + " photos by " +
                     std::to_string(by_author.size()) +
                     " author cannot be split by author; give data.validation its own csv, or set its fraction to 0");
  }
  std::vector<const std::vector<std::size_t>*> authors;
  for (const auto& [key, rows] : by_author) authors.push_back(&rows);
  Random random(DeriveSeed(seed, "validation split"));
  random.Shuffle(authors);

  const auto target = std::max<std::size_t>(
      1, static_cast<std::size_t>(std::llround(fraction * static_cast<double>(table.rows.size()))));
  std::vector<bool> held_out(table.rows.size(), false);
  std::size_t count = 0;
  for (const auto* rows : authors) {
    if (count + rows->size() > target) continue;  // a prolific author would tip the share over
    for (const auto row : *rows) held_out[row] = true;
    count += rows->size();
  }
  if (count == 0) {
    const auto* fewest = *std::min_element(authors.begin(), authors.end(),
                                           [](const auto* a, const auto* b) { return a->size() < b->size(); });
    for (const auto row : *fewest) held_out[row] = true;
  }
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    (held_out[i] ? split.validation : split.train).rows.push_back(table.rows[i]);
  }
  return split;
}

}  // namespace dualgeo
