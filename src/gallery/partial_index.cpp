#include "partial_index.h"

#include <faiss/Index.h>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "faiss_io.h"

namespace dualgeo {

PartialIndex::PartialIndex(const KeepIndex& keep, std::function<std::string()> made_from)
    : keep_(keep), made_from_(std::move(made_from)) {}

const std::filesystem::path& PartialIndex::File() {
  if (file_.empty()) file_ = keep_.stem.string() + "." + made_from_().substr(0, 16) + ".partial-index";
  return file_;
}

std::unique_ptr<faiss::Index> PartialIndex::Load() {
  namespace fs = std::filesystem;
  if (keep_.stem.empty()) return nullptr;
  // The hash of millions of vectors takes seconds: only where there is a file that may be theirs.
  std::error_code code;
  bool any = false;
  const fs::path folder = keep_.stem.has_parent_path() ? keep_.stem.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    any = any || (name.starts_with(keep_.stem.filename().string() + ".") && name.ends_with(".partial-index"));
  }
  if (!any || !fs::is_regular_file(File(), code)) return nullptr;
  try {
    auto index = ReadFaissIndex(File());
    spdlog::info("gallery: {} vectors were indexed before", index->ntotal);
    return index;
  } catch (const InputError& error) {
    spdlog::warn("{}; the index is built from the start", error.what());
    return nullptr;
  }
}

void PartialIndex::Save(const faiss::Index& index) {
  if (keep_.stem.empty() || std::chrono::steady_clock::now() - saved_ < keep_.interval) return;
  WriteFaissIndex(index, File());
  saved_ = std::chrono::steady_clock::now();
}

}  // namespace dualgeo
