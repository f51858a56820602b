#include "search_share.h"

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "runtime/processes.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// Queries that are searched together (gallery/search.cpp): a share is of whole blocks.
constexpr std::int64_t kSearchBlock = 1024;

FeatureSet RowsOf(const FeatureSet& set, const Share& rows) {
  const auto slice = [&](const auto& all) {
    using List = std::decay_t<decltype(all)>;
    return all.empty() ? List() : List(all.begin() + rows.begin, all.begin() + rows.end);
  };
  FeatureSet part;
  part.kind = set.kind;
  part.model = set.model;
  part.ids = slice(set.ids);
  part.locations = slice(set.locations);
  part.photo_sha256 = slice(set.photo_sha256);
  for (const auto& [name, matrix] : set.features) {
    Matrix& own = part.features[name] = Matrix(rows.size(), matrix.columns);
    own.values.assign(matrix.values.begin() + rows.begin * matrix.columns,
                      matrix.values.begin() + rows.end * matrix.columns);
  }
  return part;
}

// Tables one behind the other, under one header.
void JoinTables(const std::vector<fs::path>& tables, const fs::path& out) {
  AtomicFile file(out);
  std::string header;
  for (const fs::path& table : tables) {
    const std::string text = ReadFile(table);
    const auto rows = text.find('\n') + 1;
    if (header.empty()) file.stream() << (header = text.substr(0, rows));
    if (text.substr(0, rows) != header) throw Error(table.string() + ": has other columns than " + tables[0].string());
    file.stream() << text.substr(rows);
  }
  file.Commit();
}

}  // namespace

void SearchInShares(const fs::path& out, const FeatureSet& queries, const std::string& what, const SearchFor& search,
                    const std::function<void(const fs::path& out)>& remove_parts) {
  Processes& all = AllProcesses();
  std::string ids;
  for (const auto& id : queries.ids) ids += id + "\n";
  all.RequireSame("search", what + "queries: " + Sha256(ids) + "\n");
  const auto own_file = [&](int rank) {
    fs::path file = out;
    return file += ".rank-" + std::to_string(rank) + "-of-" + std::to_string(all.size());
  };
  const Share share = ShareOf(queries.size(), kSearchBlock, all.rank(), all.size());
  if (share.size() > 0) {
    const fs::path own = own_file(all.rank());
    WriteCandidates(own, search(RowsOf(queries, share), KeepPartsOf(own)));
  }
  all.Barrier();
  if (all.first()) {
    std::vector<fs::path> tables;
    for (int rank = 0; rank < all.size(); ++rank) {
      if (ShareOf(queries.size(), kSearchBlock, rank, all.size()).size() > 0) tables.push_back(own_file(rank));
    }
    JoinTables(tables, out);
    for (const fs::path& table : tables) fs::remove(table);
  }
  all.Barrier();
  remove_parts(own_file(all.rank()));
}

}  // namespace dualgeo
