#include "dualgeo/refine/posterior_area.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/util/random.h"
#include "tests/refine/lists.h"

namespace dualgeo {
namespace {

// A posterior of one width, all of whose weight is on the candidates.
PlacePosterior OneWidth(double km) {
  PosteriorParameters parameters;
  parameters.widths_km = {km};
  parameters.list.constant = {30};
  return PlacePosterior(parameters);
}

PlacePosterior::Distribution Conditioned(const PlacePosterior& posterior, const std::vector<LatLon>& places) {
  PlacePosterior::Distribution distribution;
  const CandidateList list = ListOf(places);
  posterior.Condition({list.candidates, {}}, distribution);
  return distribution;
}

// A place drawn from a distribution.
LatLon Drawn(const PlacePosterior& posterior, const PlacePosterior::Distribution& distribution, Random& random) {
  double rest = random.Uniform() - distribution.nowhere;
  const auto normal = [&] { return UnitVector{random.Normal(), random.Normal(), random.Normal()}; };
  if (rest < 0) return ToLatLon(normal());
  const std::vector<double>& widths = posterior.widths_km();
  std::size_t i = 0;
  while (i + 1 < distribution.weights.size() && rest >= distribution.weights[i]) rest -= distribution.weights[i++];
  const UnitVector& at = distribution.places[i / widths.size()];
  const double width = widths[i % widths.size()] / kEarthRadiusKm, kappa = 1 / (width * width);
  // The angle by its inverse distribution function, in a random direction.
  const double cosine = 1 + std::log1p(random.Uniform() * std::expm1(-2 * kappa)) / kappa;
  UnitVector side = normal();
  const double along = side.x * at.x + side.y * at.y + side.z * at.z;
  side = {side.x - along * at.x, side.y - along * at.y, side.z - along * at.z};
  const double scale = std::sqrt(std::max(0.0, 1 - cosine * cosine)) / std::sqrt(SquaredChord(side, {}));
  return ToLatLon({cosine * at.x + scale * side.x, cosine * at.y + scale * side.y, cosine * at.z + scale * side.z});
}

TEST(PosteriorArea, OfOneGaussianIsItsDisc) {
  for (const double width : {0.5, 10.0, 300.0}) {
    const PlacePosterior posterior = OneWidth(width);
    for (const LatLon place : {LatLon{48.86, 2.35}, LatLon{0.02, 179.999}, LatLon{-89.99, 60}}) {
      const PosteriorCells cells(posterior, Conditioned(posterior, {place}));
      for (const double share : {0.5, 0.9}) {
        const PosteriorArea area = cells.Smallest(share);
        // What holds a share s of a Gaussian is the disc of radius^2 = -2 width^2 log(1 - s).
        const double disc = -2 * std::numbers::pi * width * width * std::log(1 - area.probability);
        EXPECT_NEAR(area.km2 / disc, 1, 0.03) << width << " km, " << share;
        EXPECT_GE(area.probability, share);
        EXPECT_LT(area.probability, share + 0.03);
      }
    }
  }
}

TEST(PosteriorArea, HoldsWhatThePosteriorSays) {
  const PlacePosterior& posterior = DefaultPosterior();
  Random random(5);
  for (int round = 0; round < 5; ++round) {
    std::vector<LatLon> places;
    const LatLon city{random.Uniform(-60, 60), random.Uniform(-170, 170)};
    for (int i = 0; i < 20; ++i) {
      if (i % 3 == 0) {
        places.push_back({random.Uniform(-80, 80), random.Uniform(-180, 180)});
      } else {
        places.push_back({city.lat + 0.2 * random.Normal(), city.lon + 0.2 * random.Normal()});
      }
    }
    const auto distribution = Conditioned(posterior, places);
    const PosteriorCells cells(posterior, distribution);
    double sum = 0, earth = 0;
    for (const AreaCell& cell : cells.cells()) {
      sum += cell.probability;
      earth += cell.km2;
    }
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_NEAR(earth / (4 * std::numbers::pi * kEarthRadiusKm * kEarthRadiusKm), 1, 1e-9);
    EXPECT_LT(cells.cells().size(), 60000U);
    // The same distribution's share of discs.
    for (const double km : {5.0, 60.0, 700.0, 4000.0}) {
      double within = 0;
      for (const AreaCell& cell : cells.cells()) {
        if (GreatCircleKm(cell.cell.Center(), city) < km) within += cell.probability;
      }
      EXPECT_NEAR(within, posterior.ShareWithin(distribution, city, km), 0.015) << km;
    }
  }
}

TEST(PosteriorArea, OfAShareHoldsThatShareOfDraws) {
  const PlacePosterior& posterior = DefaultPosterior();
  Random random(11);
  int draws = 0, half = 0, most = 0;
  for (int round = 0; round < 30; ++round) {
    std::vector<LatLon> places;
    for (int i = 0; i < 8; ++i) places.push_back({random.Uniform(40, 50), random.Uniform(-5, 15)});
    const auto distribution = Conditioned(posterior, places);
    const PosteriorCells cells(posterior, distribution);
    for (int i = 0; i < 100; ++i, ++draws) {
      const double share = cells.ShareReaching(Drawn(posterior, distribution, random));
      half += share <= 0.5 ? 1 : 0;
      most += share <= 0.9 ? 1 : 0;
    }
  }
  EXPECT_NEAR(half / static_cast<double>(draws), 0.5, 3 * std::sqrt(0.25 / draws) + 0.005);
  EXPECT_NEAR(most / static_cast<double>(draws), 0.9, 3 * std::sqrt(0.09 / draws) + 0.005);
}

TEST(PosteriorArea, MayBeOfSeveralParts) {
  const PlacePosterior posterior = OneWidth(5);
  const PosteriorCells cells(posterior, Conditioned(posterior, {{48.86, 2.35}, {40.71, -74.01}}));
  const PosteriorArea area = cells.Smallest(0.9);
  EXPECT_NEAR(area.km2 / (2 * -2 * std::numbers::pi * 25 * std::log(0.1)), 1, 0.1);
  for (const AreaCell& cell : area.cells) {
    EXPECT_LT(
        std::min(GreatCircleKm(cell.cell.Center(), {48.86, 2.35}), GreatCircleKm(cell.cell.Center(), {40.71, -74.01})),
        5 * 2.5);
  }
  EXPECT_LT(cells.ShareReaching({48.86, 2.35}), 0.1);
  EXPECT_GT(cells.ShareReaching({-30, 100}), 0.99);
}

TEST(PosteriorArea, MergedIsTheSameArea) {
  const PlacePosterior posterior = OneWidth(100);
  const PosteriorCells cells(posterior, Conditioned(posterior, {{48.86, 2.35}, {50, 8}}));
  const PosteriorArea area = cells.Smallest(0.9);
  const auto merged = Merged(area.cells);
  EXPECT_LT(merged.size(), area.cells.size() / 2);
  EXPECT_TRUE(std::ranges::is_sorted(merged));
  for (const AreaCell& cell : area.cells) {
    EXPECT_EQ(std::ranges::count_if(merged, [&](S2Cell m) { return m.Contains(cell.cell); }), 1);
  }
  EXPECT_EQ(Merged(cells.cells()).size(), 6U) << "the Earth is its six faces";
}

TEST(PosteriorArea, OfAnEmptyListIsTheEarth) {
  const PlacePosterior& posterior = DefaultPosterior();
  const PosteriorCells cells(posterior, Conditioned(posterior, {}));
  EXPECT_NEAR(cells.Smallest(0.9).probability, 1, 0.17);  // six cells
  EXPECT_THROW(cells.Smallest(0), std::invalid_argument);
  EXPECT_THROW(cells.Smallest(1.5), std::invalid_argument);
}

}  // namespace
}  // namespace dualgeo
