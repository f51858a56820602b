// The finder `cells`: what a classifier says of the cells of one partition or of several becomes lists of candidates,
// as a search in a gallery gives them. A candidate is a cell: its gallery_id is its token (the first, where it is a
// union of S2 cells; of CPlaNet's combinations, that of each partition, joined by "+"), its place, by `answer`,
//
//   mean     that of the photos that it was made of (ISNs, TransLocator, CPlaNet)
//   centre   the middle of its S2 cell, of several the centre of their area; not of combinations (PlaNet)
//   member   the training photo in it that is nearest to the mean; the mean where none is
//
// (which of the three it became, Candidate::rule tells), and its score
//
//   last     the probability of the cell in the last partition (PlaNet; ISNs' single partitions)
//   product  times those of the cells of the others that hold it (ISNs' f*); 0 where one of them holds it not
//   sum      of a combination of cells, one of each partition, that training photos are in: the mean of their
//            probabilities (CPlaNet; how it normalises is not published); its place is the mean of these photos
//
// Each partition's probabilities are a softmax of their own, or one of all partitions (search.cells_softmax): that
// gives each photo the same order, unless probabilities of several crops were pooled.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/matrix.h"
#include "dualgeo/geo/partition.h"

namespace dualgeo {

// The token by which a candidate names a cell: the first of its area.
std::string CellToken(const PartitionCell& cell);

// The middle of its S2 cell to the digit; of several, that of their centres, weighted by their areas.
LatLon AreaCentre(const PartitionCell& cell);

class CellFinder {
 public:
  // rule: last | product | sum. answer: mean | centre | member. photos: the training photos' places, for sum and
  // member alone. Throws InputError when there is nothing to find: no cell that all partitions hold, or no photo in a
  // cell of each; std::invalid_argument for the centres of combinations.
  CellFinder(std::vector<Partition> partitions, const std::string& rule, const std::vector<LatLon>& photos = {},
             const std::string& answer = "mean");

  // One list of the best top_k (equals in the partition's order) for each row. probabilities: [photos, cells] of each
  // partition. Throws InputError when they are not as many as the cells, or not
  // finite.
  std::vector<CandidateList> Find(const std::vector<std::string>& ids, const std::vector<Matrix>& probabilities,
                                  int top_k) const;

 private:
  struct Class {
    std::vector<std::size_t> cells;  // of each partition that counts
    std::string token;
    LatLon place;
    CellAnswer rule = CellAnswer::kMean;
  };
  void AnswerWithMembers(const std::vector<LatLon>& photos);

  std::vector<Partition> partitions_;
  std::string rule_;
  std::vector<Class> classes_;
};

}  // namespace dualgeo
