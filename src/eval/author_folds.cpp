#include "eval/author_folds.h"

#include <algorithm>
#include <map>
#include <string>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"

namespace dualgeo {

std::vector<int> AuthorFolds(const PhotoTable& table, int folds, std::uint64_t seed) {
  std::map<std::string, std::vector<std::size_t>> rows_of;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto& row = table.rows[i];
    rows_of[row.author.empty() ? "photo " + row.id : "author " + row.author].push_back(i);
  }
  if (folds < 2 || rows_of.size() < static_cast<std::size_t>(folds)) {
    throw InputError(table.path.string() + ": " + std::to_string(rows_of.size()) + " photographers cannot make " +
                     std::to_string(folds) + " folds; give 2 or more folds and no more than photographers");
  }
  std::vector<const std::vector<std::size_t>*> groups;
  for (const auto& [author, rows] : rows_of) groups.push_back(&rows);
  Random random(DeriveSeed(seed, "author folds"));
  random.Shuffle(groups);
  std::stable_sort(groups.begin(), groups.end(), [](const auto* a, const auto* b) { return a->size() > b->size(); });

  std::vector<std::size_t> size(static_cast<std::size_t>(folds), 0);
  std::vector<int> fold(table.rows.size());
  for (const auto* rows : groups) {
    const auto smallest = static_cast<std::size_t>(std::min_element(size.begin(), size.end()) - size.begin());
    size[smallest] += rows->size();
    for (const std::size_t row : *rows) fold[row] = static_cast<int>(smallest);
  }
  return fold;
}

}  // namespace dualgeo
