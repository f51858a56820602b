// Radii that hold a given share of new photos' truths, whatever the posterior is worth (split conformal prediction:
// Papadopoulos et al. 2002; Vovk, Gammerman, Shafer 2005; normalised scores: Lei et al. 2018).
//
// A calibration photo's score is its error over its stated radius confidence_km. The radius of a new photo is its own
// confidence_km times a factor: a quantile of the scores, a little above the share so that the new photo counts too.
// What is guaranteed rests on one assumption: calibration and new photos could have been exchanged. Photos of one
// photographer are alike, and of new photographers; so it is photographers that are exchangeable, not photos:
//
//   draw          One photo is drawn from each of G photographers, and the factor is the ceil(share (G + 1))-th
//   smallest
//                 of their scores: a new photographer's photo is then held with a probability in [share, share +
//                 1 / (G + 1)]. It hangs on the draw, so it is the median over all draws, exactly (a Poisson-binomial
//                 distribution). For photographers of one photo each this is plain split conformal, guarantee and all;
//                 else the median has it within a factor of two of the misses, and in practice to about a point
//                 (docs/reranking.md). The default.
//   photographer  Each photographer weighs the same, and one of infinite scores is added (hierarchical conformal
//                 prediction: Lee, Barber, Willett 2023; Dunn, Wasserman, Ramdas 2022). The guarantee holds as it
//                 stands; where a photographer's photos differ much it is wider than need be, by up to share / G.
//   photo         As if all photos were exchangeable: holds where they are, and not for new photographers.
//
// Which photographers a share is of: a photo of a new photographer, each of whom counts the same, however many photos.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dualgeo/data/photo_table.h"

namespace dualgeo {

// draw | photographer | photo
const std::vector<std::string>& ConformalRuleNames();

struct ConformalScores {
  std::vector<double> score;                // error over stated radius
  std::vector<std::uint32_t> photographer;  // of each, 0 .. photographers - 1, each of which has a photo
  std::uint32_t photographers = 0;
};

// Numbers the authors of some rows of a table; a photo without an author is its own.
ConformalScores ConformalScoresOf(const PhotoTable& table, const std::vector<std::size_t>& rows,
                                  std::vector<double> score);

// The factor; infinite where there are too few photographers (photos) to promise anything: below share / (1 - share).
// share lies in (0, 1), rule is one of the names (std::invalid_argument). At least one score.
double ConformalFactor(const ConformalScores& scores, double share, const std::string& rule);

// What halves of the photographers promise about the other halves.
struct ConformalCoverage {
  std::string rule;
  double share = 0;
  double factor = 0;                 // of all photographers
  double photos = 0, photos_sd = 0;  // mean and standard deviation over the splits of the share held, percent
  double photographers = 0;          // the same, each photographer counting the same
  int splits = 0;
};
ConformalCoverage TryConformal(const ConformalScores& scores, double share, const std::string& rule, int splits,
                               std::uint64_t seed);

}  // namespace dualgeo
