// Made by scripts/reproduce/rerank_defaults.sh from the fit of scripts/reproduce/reranking.sh (docs/reranking.md).
#include "dualgeo/refine/posterior_parameters.h"

namespace dualgeo {

const PosteriorParameters& DefaultPosteriorParameters() {
  static const PosteriorParameters parameters = [] {
    PosteriorParameters p;
    p.widths_km = {0.7, 10, 100, 1000};
    p.answer_widths_km = {0.4, 1.5, 10, 50, 250, 1000};
    p.rank_scale = 15;
    p.floor = 0.01;
    p.score.mean = 0;
    p.score.deviation = 1;
    p.score.gap = 1;
    p.gps_score.mean = 0;
    p.gps_score.deviation = 1;
    p.gps_score.gap = 1;
    p.list.constant = {-0.4645, -0.9899, -1.1502, 0.4862};
    p.list.log_rank = {-0.2448, -0.2957, -0.5282, -0.6452};
    p.list.support = {0.0683, 0.1164, 0.1364, -0.1089};
    p.list.wider_support = {1.344, 0.7267, 0.67, -0.1089};
    p.list.narrower_support = {0.0683, -0.607, -0.725, -0.7975};
    p.list_with_answers.constant = {1.3618, 0.3551, -0.3793, -0.2444, -2.0382, -2.4039};
    p.list_with_answers.log_rank = {-0.2721, -0.0852, -0.1922, -0.3021, -0.1908, -0.2734};
    p.list_with_answers.support = {0.2795, 0.0624, -0.0637, -0.1416, -0.2327, -0.0972};
    p.list_with_answers.wider_support = {0.6569, 0.584, 0.3195, 0.0076, 0.2016, -0.0972};
    p.list_with_answers.narrower_support = {0.2795, -0.4387, -0.1323, -0.2675, -0.2191, -0.2551};
    p.list_with_answers.answer_support = {-0.0825, 0.106, -0.103, 0.0231, -0.1967, -0.1268};
    p.list_with_answers.wider_answer_support = {0.6456, 0.5375, 0.3953, 0.5823, 0.1328, -0.1268};
    p.list_with_answers.narrower_answer_support = {-0.0825, -0.2181, -0.0513, -0.2413, -0.0943, -0.1655};
    p.answers.constant = {2.7919, 1.2514, 0.8479, -1.3999, 0.9009, 0.3507};
    p.answers.support = {0.1102, 0.0792, 0.0739, -0.1045, -0.0415, -0.0498};
    p.answers.wider_support = {0.3518, 0.1993, 0.0799, -0.1417, 0.2108, -0.0498};
    p.answers.narrower_support = {0.1102, -0.1263, -0.0965, -0.0771, -0.1351, -0.223};
    p.half = 0.4464;
    p.half_with_answers = 0.4355;
    p.probability.offset = {0.6479, 0.0444, 0.0755, 0.2028, 0.0793};
    p.probability.slope = {1.1742, 0.9532, 0.9994, 1.1124, 1.1052};
    p.probability_with_answers.offset = {0.0096, 0.1488, 0.3367, 0.3012, 0.224};
    p.probability_with_answers.slope = {0.9998, 1.1025, 1.1874, 1.2829, 1.3351};
    p.median_km = 180.5;
    p.median_km_with_answers = 81.3;
    p.conformal.half = 1.0866;
    p.conformal.most = 10.0279;
    p.conformal.rule = "draw";
    p.conformal.photographers = 101;
    p.conformal.photos = 1450;
    p.conformal_with_answers.half = 1.0479;
    p.conformal_with_answers.most = 10.6834;
    p.conformal_with_answers.rule = "draw";
    p.conformal_with_answers.photographers = 100;
    p.conformal_with_answers.photos = 1316;
    p.fitted_on = "4ddf3e1c1d3515ad";
    p.note = "rerank fit on 1450 real lists (G3 index, IM2GPS3k) and 1316 LMM answers; docs/reranking.md";
    return p;
  }();
  return parameters;
}

}  // namespace dualgeo
