#include "piece_loader.h"

#include <algorithm>

namespace dualgeo {
namespace {

// Photos `begin` to `end` - 1 of a batch.
Batch Slice(const Batch& batch, std::int64_t begin, std::int64_t end) {
  Batch part;
  if (batch.pixels.defined()) part.pixels = batch.pixels.slice(0, begin, end);
  if (batch.tokens.defined()) part.tokens = batch.tokens.slice(0, begin, end);
  if (batch.mask.defined()) part.mask = batch.mask.slice(0, begin, end);
  part.normalization = batch.normalization;
  part.latlon = batch.latlon.slice(0, begin, end);
  part.indices.assign(batch.indices.begin() + begin, batch.indices.begin() + end);
  return part;
}

}  // namespace

PieceLoader::PieceLoader(std::int64_t photos, const std::vector<std::int64_t>& order, std::int64_t batch_size,
                         Share share, std::int64_t chunk, const LoaderOptions& options, const Open& open)
    : batch_size_(batch_size), chunk_(chunk), place_of_(static_cast<std::size_t>(photos), -1) {
  std::vector<std::int64_t> own;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    place_of_[static_cast<std::size_t>(order[i])] = place;
    if (place % batch_size >= share.begin && place % batch_size < share.end) own.push_back(order[i]);
  }
  // Loaded in chunks where they come out even: then only as many as a batch has are there ahead of it.
  const std::int64_t load = share.size() % chunk == 0 ? chunk : share.size();
  LoaderOptions ahead = options;
  if (load < share.size()) ahead.prefetch = static_cast<int>(share.size() / load);
  reader_ = open(std::move(own), load, ahead);
}

std::vector<PieceLoader::Piece> PieceLoader::Next() {
  std::vector<Piece> pieces;
  for (;; ahead_.reset()) {
    if (!ahead_) ahead_ = reader_->Next();
    if (!ahead_) break;
    const auto place = place_of_[static_cast<std::size_t>(ahead_->indices.front())];
    if (place / batch_size_ != batch_) break;
    for (std::int64_t begin = 0; begin < std::ssize(ahead_->indices); begin += chunk_) {
      const auto end = std::min<std::int64_t>(begin + chunk_, std::ssize(ahead_->indices));
      Piece& piece = pieces.emplace_back();
      piece.batch = Slice(*ahead_, begin, end);
      const auto first = place_of_[static_cast<std::size_t>(piece.batch.indices.front())];
      piece.number = chunk_ < batch_size_ ? first % batch_size_ / chunk_ : first % batch_size_;
    }
  }
  ++batch_;
  return pieces;
}

}  // namespace dualgeo
