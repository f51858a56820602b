// The photos of batches that go through the network in pieces (split_step.h): those of this process, batch by batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data/loader.h"
#include "runtime/process_place.h"

namespace dualgeo {

class PieceLoader {
 public:
  struct Piece {
    Batch batch;
    std::int64_t number = 0;  // among the chunks of the whole batch; without chunks: its first photo's place
  };

  // What opens a pass over these photos: order, batch size, options.
  using Open =
      std::function<std::unique_ptr<BatchReader>(std::vector<std::int64_t>, std::int64_t, const LoaderOptions&)>;

  // photos: of the set. order: whole batches of batch_size. share: of a batch's photos. Few photos are prepared ahead:
  // as many as a batch has of them.
  PieceLoader(std::int64_t photos, const std::vector<std::int64_t>& order, std::int64_t batch_size, Share share,
              std::int64_t chunk, const LoaderOptions& options, const Open& open);

  // The pieces of the next batch; none where none of its photos here could be read. Throws as Loader::Next.
  std::vector<Piece> Next();
  const BatchReader& reader() const { return *reader_; }

 private:
  std::int64_t batch_size_, chunk_;
  std::vector<std::int64_t> place_of_;  // of each photo, in `order`
  std::unique_ptr<BatchReader> reader_;
  std::optional<Batch> ahead_;  // of a later batch
  std::int64_t batch_ = 0;      // the next one
};

}  // namespace dualgeo
