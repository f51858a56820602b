#include "faiss_edit.h"

#include <faiss/IndexFlatCodes.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexRefine.h>
#include <faiss/invlists/InvertedLists.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <utility>

#include "dualgeo/util/error.h"
#include "faiss_io.h"

namespace dualgeo {
namespace {

// Where the vectors of an index stand.
struct IndexLevels {
  std::vector<faiss::Index*> all;  // each of which counts its vectors
  std::vector<faiss::IndexFlatCodes*> codes;
  std::vector<faiss::IndexIVF*> lists;
};

void FindLevels(faiss::Index& index, const std::string& what, IndexLevels& levels) {
  levels.all.push_back(&index);
  if (auto* outer = dynamic_cast<faiss::IndexPreTransform*>(&index)) {
    FindLevels(*outer->index, what, levels);
  } else if (auto* refined = dynamic_cast<faiss::IndexRefine*>(&index)) {
    FindLevels(*refined->base_index, what, levels);
    FindLevels(*refined->refine_index, what, levels);
  } else if (auto* ivf = dynamic_cast<faiss::IndexIVF*>(&index)) {
    levels.lists.push_back(ivf);
  } else if (auto* codes = dynamic_cast<faiss::IndexFlatCodes*>(&index)) {
    levels.codes.push_back(codes);
  } else {
    throw InputError(what + "its index is a graph, which can neither lose vectors nor take another's; build it again");
  }
}

IndexLevels LevelsOf(faiss::Index& index, const std::string& what) {
  IndexLevels levels;
  FindLevels(index, what, levels);
  return levels;
}

// All but the vectors, in FAISS's format.
std::string TrainedPart(faiss::Index& index, IndexLevels& levels) {
  using Codes = decltype(faiss::IndexFlatCodes::codes);
  std::vector<Codes> codes(levels.codes.size());
  std::vector<faiss::InvertedLists*> lists;
  std::vector<std::unique_ptr<faiss::ArrayInvertedLists>> empty;
  const auto rows = index.ntotal;
  for (auto* level : levels.all) level->ntotal = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) std::swap(codes[i], levels.codes[i]->codes);
  for (auto* ivf : levels.lists) {
    lists.push_back(ivf->invlists);
    empty.push_back(std::make_unique<faiss::ArrayInvertedLists>(ivf->nlist, ivf->code_size));
    ivf->invlists = empty.back().get();
  }
  std::ostringstream text;
  WriteFaissIndex(index, text);
  for (auto* level : levels.all) level->ntotal = rows;
  for (std::size_t i = 0; i < codes.size(); ++i) std::swap(codes[i], levels.codes[i]->codes);
  for (std::size_t i = 0; i < lists.size(); ++i) levels.lists[i]->invlists = lists[i];
  return text.str();
}

}  // namespace

void AppendIndex(faiss::Index& index, faiss::Index& other, const std::string& what) {
  IndexLevels to = LevelsOf(index, what), from = LevelsOf(other, what);
  if (TrainedPart(index, to) != TrainedPart(other, from)) {
    throw InputError(
        what +
        "its index was trained on other vectors, so that its codes and lists mean something else; build one "
        "gallery of all features");
  }
  for (std::size_t i = 0; i < to.codes.size(); ++i) {
    const std::size_t before = to.codes[i]->codes.size(), more = from.codes[i]->codes.size();
    to.codes[i]->codes.resize(before + more);
    std::copy_n(from.codes[i]->codes.data(), more, to.codes[i]->codes.data() + before);
  }
  for (std::size_t i = 0; i < to.lists.size(); ++i) {
    for (std::size_t list = 0; list < to.lists[i]->nlist; ++list) {
      const faiss::InvertedLists& more = *from.lists[i]->invlists;
      const std::size_t count = more.list_size(list);
      if (count == 0) continue;
      std::vector<std::int64_t> ids(more.get_ids(list), more.get_ids(list) + count);
      for (auto& id : ids) id += index.ntotal;
      to.lists[i]->invlists->add_entries(list, count, ids.data(), more.get_codes(list));
    }
  }
  const auto rows = index.ntotal + other.ntotal;
  for (auto* level : to.all) level->ntotal = rows;
}

void RemoveRows(faiss::Index& index, const std::vector<char>& marked, const std::string& what) {
  const IndexLevels levels = LevelsOf(index, what);
  std::vector<std::int64_t> row(marked.size(), -1);  // of the rows that stay
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < marked.size(); ++i) {
    if (marked[i] == 0) row[i] = rows++;
  }
  for (auto* flat : levels.codes) {
    std::uint8_t* to = flat->codes.data();
    for (std::size_t i = 0; i < marked.size(); ++i) {
      if (marked[i] == 0) to = std::copy_n(flat->codes.data() + i * flat->code_size, flat->code_size, to);
    }
    flat->codes.resize(static_cast<std::size_t>(rows) * flat->code_size);
  }
  for (auto* ivf : levels.lists) {
    auto kept = std::make_unique<faiss::ArrayInvertedLists>(ivf->nlist, ivf->code_size);
    for (std::size_t list = 0; list < ivf->nlist; ++list) {
      const auto* ids = ivf->invlists->get_ids(list);
      const auto* codes = ivf->invlists->get_codes(list);
      for (std::size_t i = 0; i < ivf->invlists->list_size(list); ++i) {
        const std::int64_t id = row[static_cast<std::size_t>(ids[i])];
        if (id >= 0) kept->add_entries(list, 1, &id, codes + i * ivf->code_size);
      }
    }
    ivf->replace_invlists(kept.release(), true);
  }
  for (auto* level : levels.all) level->ntotal = rows;
}

}  // namespace dualgeo
