// The photos that were answered best and worst, with what the answer was made from.

#include "dualgeo/util/text.h"
#include "html.h"
#include "report/map.h"
#include "report_sections.h"

namespace dualgeo {
namespace {

std::string Place(LatLon place) { return Decimals(place.lat, 4) + ", " + Decimals(place.lon, 4); }

std::string Image(const std::string& url, const std::string& alt, const std::string& absent) {
  if (url.empty()) return "<span class=\"missing\">" + EscapeHtml(absent) + "</span>";
  return "<img src=\"" + url + "\" alt=\"" + EscapeHtml(alt) + "\">";
}

std::string Fact(const std::string& name, const std::string& value) {
  return "<div><dt>" + EscapeHtml(name) + "</dt><dd>" + EscapeHtml(value) + "</dd></div>";
}

// A strip to look at, and a table to read.
std::string Candidates(const ReportPhoto& photo) {
  if (photo.candidates.empty()) return ParagraphHtml("No candidates.", "absent");
  std::string strip = "<p class=\"strip-head\">First candidates, and how far off they are</p>\n<ol class=\"strip\">";
  HtmlTable table{
      "Candidates of " + photo.result.id, {"rank", "off", "latitude, longitude", "score", "gallery item"}, {}, 1};
  for (const auto& shown : photo.candidates) {
    const Candidate& candidate = shown.candidate;
    strip += "<li>";
    if (!shown.thumbnail.empty()) strip += "<img src=\"" + shown.thumbnail + "\" alt=\"\">";
    strip += "<span>" + EscapeHtml(Kilometres(shown.error_km)) + "</span></li>";
    table.rows.push_back({std::to_string(candidate.rank), Kilometres(shown.error_km), Place(candidate.location),
                          candidate.score ? Decimals(*candidate.score, 3) : "-", candidate.gallery_id});
  }
  return strip + "</ol>\n" + DetailsHtml("Their places and scores", TableHtml(table));
}

std::string Photo(const ReportPhoto& photo, const std::string& land_id) {
  std::vector<LatLon> places;
  for (const auto& shown : photo.candidates) places.push_back(shown.candidate.location);
  const PhotoResult& result = photo.result;
  std::string html = "<article class=\"photo\"><h5>" + EscapeHtml(result.id, 120) + "</h5>\n<div class=\"pictures\">" +
                     Image(photo.photo, "The photo " + Printable(result.id, 120), "photo not found") +
                     Image(photo.mask, "Its segmentation: " + photo.mask_text, "no mask") +
                     PhotoMapSvg(result, places, land_id) + "</div>\n<dl>";
  html += Fact("error", Kilometres(*result.error_km));
  html += Fact("truth", Place(result.truth)) + Fact("answer", Place(*result.prediction));
  if (photo.confidence_km) html += Fact("stated radius", Kilometres(*photo.confidence_km));
  if (!photo.mask_text.empty()) html += Fact("mask", photo.mask_text);
  return html + "</dl>\n" + Candidates(photo) + "</article>\n";
}

std::string Photos(const std::string& title, const std::vector<ReportPhoto>& photos, const std::string& land_id) {
  if (photos.empty()) return "";
  std::string html = "<h4>" + EscapeHtml(title) + "</h4>\n<div class=\"photos\">";
  for (const auto& photo : photos) html += Photo(photo, land_id);
  return html + "</div>\n";
}

}  // namespace

std::string PhotosSection(const Report& report) {
  const std::string land = BenchmarkId("map", 0);
  std::string html;
  for (const auto& benchmark : report.benchmarks) {
    html += BenchmarkHeading(benchmark);
    if (benchmark.best.empty()) {
      html += AbsentHtml("No photo of this benchmark has an answer.");
      continue;
    }
    html += Photos("Best answers", benchmark.best, land) + Photos("Worst answers", benchmark.worst, land);
  }
  if (html.empty()) return AbsentHtml("No photos: the run has no BENCHMARK/errors.csv (step evaluate).");
  return ParagraphHtml(
             "At most one photo of a place is shown. In the small maps a ring is the truth, a cross the answer, "
             "dots are the candidates.",
             "note") +
         html;
}

}  // namespace dualgeo
