// Where the photo may have been taken, as an area: the smallest part of the Earth that holds a given share of a
// posterior over places (its region of highest density), in cells of the S2 grid. The answer's radius is a circle about
// one place; an area may be of several parts, and says so.
//
// The Earth is divided as finely as the posterior changes: about a candidate the cells' edges are at most 0.6 of the
// narrowest width that matters there, down to some hundred metres, and far from all they are hundreds of km long. A
// cell holds its area times the density in its middle, all together 1. The lightest components, half a percent together
// at most, are left out. Thousands of cells and some milliseconds for a list of 20.
#pragma once

#include <span>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "dualgeo/geo/s2_cell.h"
#include "dualgeo/refine/place_posterior.h"

namespace dualgeo {

struct AreaCell {
  S2Cell cell;
  double probability = 0;
  double km2 = 0;
};

struct PosteriorArea {
  double share = 0;                 // that was asked for
  double km2 = 0;                   // of its cells together
  double probability = 0;           // that they hold: the share or a little more, cells being whole
  std::span<const AreaCell> cells;  // of the PosteriorCells it is of; densest first
};

class PosteriorCells {
 public:
  // `distribution` as `posterior` made it (PlacePosterior::Condition).
  PosteriorCells(const PlacePosterior& posterior, const PlacePosterior::Distribution& distribution);

  // The whole Earth, densest first.
  const std::vector<AreaCell>& cells() const { return cells_; }

  // The fewest of the densest cells that hold the share, which lies in (0, 1] (std::invalid_argument).
  PosteriorArea Smallest(double share) const;
  // The share at which the smallest area comes to hold the place: an area of share s holds it where this is at most s.
  // For truths that the posterior describes well it is uniform on [0, 1].
  double ShareReaching(LatLon place) const;

 private:
  std::vector<AreaCell> cells_;
  std::vector<double> held_;  // by the cells up to each, itself included
};

// The cells, four of a parent taken together as often as they are all there: the same area in fewer pieces, by id.
std::vector<S2Cell> Merged(std::span<const AreaCell> cells);

}  // namespace dualgeo
