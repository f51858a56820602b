// What `dualgeo rerank` and the config's `rerank` section take.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/util/field.h"
#include "geo/center.h"

namespace dualgeo {

const std::vector<std::string>& RerankerNames();
// size | weight | best_rank
const std::vector<std::string>& ClusterChoiceNames();
// center | rank
const std::vector<std::string>& ClusterOrderNames();
// auto | equal | rank | score | distance
const std::vector<std::string>& CandidateWeightNames();
// mean_accuracy | threshold | geoscore | median_km
const std::vector<std::string>& LossNames();
// point | candidate
const std::vector<std::string>& AnswerKindNames();
// Throws InputError, naming `key`, where a kind of evidence is no column of candidates that may be one.
void CheckEvidence(const std::string& key, const std::vector<std::string>& evidence);
// Of these the columns that are read by name (Candidate::more).
std::vector<std::string> EvidenceColumns(const std::vector<std::string>& evidence);

struct RerankOptions {
  std::string method = "bayes";           // one of RerankerNames()
  int top_k = 20;                         // similar candidates that take part; later ones are dropped
  double eps_km = 50;                     // dbscan: neighbours lie within this great-circle distance
  int min_samples = 2;                    // dbscan: neighbours, itself included, that make a candidate a core point
  std::string center = "spherical_mean";  // dbscan: one of CenterRuleNames()
  std::string cluster_choice = "size";    // dbscan: the cluster with most members, most weight, or the best rank
  std::string order = "center";           // dbscan: by distance to the centre, or the cluster's members by rank first
  // dbscan (cluster_choice weight), density, multiscale, kde: what a candidate counts. auto: equal for density, as in
  // its paper, distance for kde, rank for the others. rank: exp(-rank / rank_scale). score: score^score_power, 0 below
  // 0. distance: d^-distance_power, as a share of the nearest's; lists in which a candidate has no score fall back to
  // rank, for both.
  std::string weight = "auto";
  double rank_scale = 15;
  double score_power = 1;
  double distance_power = 10;
  // d^2 is 2 (same_score - score) for unit vectors: same_score is the score of a photo with itself, that is, 1 for a
  // cosine, the number of gallery.features for their summed inner products, 0 for gallery.metric l2 (whose factor of 2
  // changes no share).
  double same_score = 1;
  bool squared_distance = false;  // d is d^2, as FLANN gives it and so, probably, [L]kNN's code (not verified)
  double density_km = 4;          // density: standard deviation of the kernel
  std::vector<double> widths_km = {1, 25, 200, 750};  // multiscale: standard deviations of the kernels
  double bandwidth_km = 200;                          // mean_shift: radius of the window that shifts
  int min_members = 4;                                // mean_shift: modes of fewer candidates are dropped
  double sigma_deg = 4;                               // kde: standard deviation of the kernel
  double snap_km = 0;                                 // kde: see MakeKdeReranker; 0: the maximum itself
  double grid_deg = 0;                                // kde: 0: no grid, great circles; 1: [L]kNN's code
  double refine_deg = 0.1;                            // kde with a grid: of the second grid, round the maximum
  double window_deg = 20;                             // kde with a grid: the second one's reach on each side
  bool no_wrap = false;                               // kde with a grid: it ends at the date line
  bool clamp = false;                                 // kde with a grid: the second one stays on the map
  std::string metric = "mean_accuracy";               // bayes: the score whose expected value the answer maximises
  double threshold_km = 1;                            // bayes: the distance of metric threshold
  std::string answer = "point";                       // bayes: may the answer lie off the candidates?
  // bayes and mlp: what fits use beyond ranks and coordinates: score, gps_score, gallery (how well candidates of other
  // galleries agree), and any other column of numbers.
  std::vector<std::string> evidence = {"score", "gps_score"};
  bool areas = false;      // measure each answer's areas as well (PlaceAreas)
  std::string parameters;  // YAML file of `dualgeo rerank fit`; empty: the ones that ship

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("method", method, "how the candidates are put in a new order", OneOf{RerankerNames()});
    v.Field("top_k", top_k, "similar candidates that take part; later ones are dropped", Range{1, 1e6});
    v.Field("eps_km", eps_km, "neighbours lie within this great-circle distance", Range{0, 20100},
            For{"method", {"dbscan"}});
    v.Field("min_samples", min_samples, "neighbours, itself included, that make a candidate a core point",
            Range{1, 1e6}, For{"method", {"dbscan"}});
    v.Field("center", center, "centre of the cluster", OneOf{CenterRuleNames()}, For{"method", {"dbscan"}});
    v.Field("cluster_choice", cluster_choice, "the cluster with most members, most weight or the best rank",
            OneOf{ClusterChoiceNames()}, For{"method", {"dbscan"}});
    v.Field("order", order, "by distance to the centre, or the cluster's members by rank first",
            OneOf{ClusterOrderNames()}, For{"method", {"dbscan"}});
    v.Field("weight", weight, "what a candidate counts; auto: equal for density, distance for kde, rank for the others",
            OneOf{CandidateWeightNames()}, For{"method", {"dbscan", "density", "multiscale", "kde"}});
    v.Field("rank_scale", rank_scale, "weight rank is exp(-rank / rank_scale)", Range{1e-3, 1e6});
    v.Field("score_power", score_power, "weight score is score^score_power", Range{0, 1000});
    v.Field("distance_power", distance_power, "weight distance is d^-distance_power, d^2 being 2 (same_score - score)",
            Range{0, 1000}, Added{});
    v.Field("same_score", same_score,
            "the score of a photo with itself: 1 for a cosine, the number of gallery.features, 0 for gallery.metric l2",
            Range{0, 1000}, Added{});
    v.Field("squared_distance", squared_distance, "weight distance: of the squared distance, as in [L]kNN's code",
            Added{});
    v.Field("bandwidth_km", bandwidth_km, "radius of the window that shifts to the mean of what it holds",
            Range{1e-3, 10000}, For{"method", {"mean_shift"}}, Added{});
    v.Field("min_members", min_members, "modes of fewer candidates are dropped", Range{1, 1e6},
            For{"method", {"mean_shift"}}, Added{});
    v.Field("sigma_deg", sigma_deg, "standard deviation of the kernel in degrees", Range{1e-3, 20},
            For{"method", {"kde"}}, Added{});
    v.Field("snap_km", snap_km,
            "answer with the most similar candidate nearer than this to the maximum; 0: with the maximum itself",
            Range{0, 20100}, For{"method", {"kde"}}, Added{});
    v.Field("grid_deg", grid_deg,
            "0: the kernel goes by great circles; 1: [L]kNN's code, a grid of latitudes and longitudes", Range{0, 30},
            For{"method", {"kde"}}, Added{});
    v.Field("refine_deg", refine_deg, "with a grid: step of the second one, round the first one's maximum",
            Range{1e-2, 30}, For{"method", {"kde"}}, Added{});
    v.Field("window_deg", window_deg, "with a grid: how far the second one reaches on each side", Range{1e-2, 90},
            For{"method", {"kde"}}, Added{});
    v.Field("no_wrap", no_wrap, "with a grid: [L]kNN's code, whose map ends at the date line", For{"method", {"kde"}},
            Added{});
    v.Field("clamp", clamp, "with a grid: [L]kNN's code, whose second grid is moved until it lies on the map",
            For{"method", {"kde"}}, Added{});
    v.Field("density_km", density_km, "standard deviation of the kernel", Range{1e-3, 20100},
            For{"method", {"density"}});
    v.Field("widths_km", widths_km, "standard deviations of the kernels", Range{1e-3, 20100},
            For{"method", {"multiscale"}});
    v.Field("metric", metric, "the score whose expected value the answer maximises", OneOf{LossNames()},
            For{"method", {"bayes"}});
    v.Field("threshold_km", threshold_km, "the distance of metric threshold", Range{1e-2, 20100},
            For{"method", {"bayes"}});
    v.Field("answer", answer, "may the answer be a point between the candidates, or must it be one of them?",
            OneOf{AnswerKindNames()}, For{"method", {"bayes"}});
    v.Field(
        "evidence", evidence,
        "bayes and mlp, where parameters are fitted: what counts beyond ranks and coordinates: score, gps_score and "
        "gallery (agreement of candidates of other galleries) if the lists have it, and any column of numbers");
    v.Field("areas", areas, "measure the areas that hold half and 90 % of the posterior, and calibrated radii",
            Added{});
    v.Field("parameters", parameters, "bayes and every method's confidence: YAML of `rerank fit`; empty: what ships",
            Affects::kContent);
  }

  // Throws InputError naming field, value and what is allowed.
  void Validate() const;
};

}  // namespace dualgeo
