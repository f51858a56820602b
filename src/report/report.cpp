#include "report/report.h"

#include "dualgeo/util/hash.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"
#include "dualgeo/util/version.h"
#include "html.h"
#include "report/map.h"
#include "report_sections.h"
#include "report_style.h"
#include "svg_chart.h"
#include "util/base64.h"

namespace dualgeo {
namespace {

struct Section {
  const char* id;
  const char* title;
  std::string (*html)(const Report&);
};

constexpr Section kSections[] = {DUALGEO_REPORT_SECTIONS(DUALGEO_KIND_ENTRY)};

// "sha256-...": lets a Content-Security-Policy allow exactly this style and no other.
std::string CspHash(const std::string& text) {
  const std::string hex = Sha256(text);
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return "sha256-" + Base64(bytes);
}

bool IsSynthetic(const Report& report) {
  bool synthetic =
      (report.robustness && report.robustness->synthetic) || (report.ablation && report.ablation->synthetic);
  for (const auto& benchmark : report.benchmarks) {
    synthetic = synthetic || benchmark.evaluations.front().subject.note == "synthetic";
  }
  return synthetic;
}

}  // namespace

std::string ThresholdName(double km) { return FormatDouble(km) + " km"; }

std::string BenchmarkId(const std::string& section, std::size_t index) { return section + "-" + std::to_string(index); }

std::string BenchmarkHeading(const ReportBenchmark& benchmark) {
  const std::string& note = benchmark.evaluations.front().subject.note;
  return "<h3>" + EscapeHtml(benchmark.name) + (note.empty() ? "" : " (" + EscapeHtml(note) + ")") + "</h3>\n";
}

std::string ReportHtml(const Report& report) {
  const std::string style = MapCss() + ChartCss() + kReportStyle;
  const std::string title = EscapeHtml(report.title);
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src '" +
      CspHash(style) +
      "'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
      title + " - dualgeo report</title>\n<style>" + style + "</style>\n</head>\n<body>\n";
  html += "<a class=\"skip\" href=\"#main\">Skip to the results</a>\n<header><h1>" + title + "</h1>\n";
  html += ParagraphHtml("Where were these photos taken? What a DualGeo run answered, and how far off it was.", "quiet");
  if (IsSynthetic(report)) {
    html += ParagraphHtml(
        "Numbers marked synthetic come from the rendered world: a laboratory, not evidence about real photos.",
        "synthetic");
  }
  html += "</header>\n<nav aria-label=\"Sections\"><ul>";
  for (const auto& section : kSections) {
    html += std::string("<li><a href=\"#") + section.id + "\">" + section.title + "</a></li>";
  }
  html += "</ul></nav>\n<main id=\"main\">\n";
  for (const auto& section : kSections) {
    const std::string id = section.id;
    html += "<section id=\"" + id + "\" aria-labelledby=\"" + id + "-heading\"><h2 id=\"" + id + "-heading\">" +
            section.title + "</h2>\n" + section.html(report) + "</section>\n";
  }
  return html + "</main>\n<footer><p>Made by dualgeo " + kVersion + " report.</p></footer>\n</body>\n</html>\n";
}

}  // namespace dualgeo
