// An index of which a part of the vectors is in, kept beside the gallery that it will become, so that hours of building
// a graph are not lost with the process.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "dualgeo/gallery/index.h"

namespace faiss {
struct Index;
}

namespace dualgeo {

class PartialIndex {
 public:
  // made_from: names all that the index depends on; asked at most once, since that is a hash of all vectors. What
  // stands under another name is another index's and left alone.
  PartialIndex(const KeepIndex& keep, std::function<std::string()> made_from);

  // Null when there is none; one that is damaged is as good as none.
  std::unique_ptr<faiss::Index> Load();
  // Once in keep.interval.
  void Save(const faiss::Index& index);
  // The file that was looked for or written; empty: neither.
  const std::filesystem::path& kept() const { return file_; }

 private:
  const std::filesystem::path& File();

  KeepIndex keep_;
  std::function<std::string()> made_from_;
  std::filesystem::path file_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace dualgeo
