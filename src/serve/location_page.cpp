#include "serve/location_page.h"

#include "dualgeo/util/hash.h"
#include "geo/land.h"
#include "pipeline/location_json.h"
#include "served_files.h"
#include "util/base64.h"

namespace dualgeo {
namespace {

std::string HashSource(const std::string& text) {
  const std::string hex = Sha256(text);
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return "'sha256-" + Base64(bytes) + "'";
}

// JSON that cannot end the element it stands in, whatever a file is called.
std::string DataScript(const std::string& id, std::string json) {
  for (std::size_t at = 0; (at = json.find('<', at)) != std::string::npos;) json.replace(at, 1, "\\u003c");
  return "<script type=\"application/json\" id=\"data-" + id + "\">" + json + "</script>\n";
}

}  // namespace

std::string LocationPage(const std::vector<Location>& locations) {
  auto answers = nlohmann::ordered_json::array();
  for (const auto& location : locations) answers.push_back(LocationJson(location, /*cells=*/true));
  const std::string style(ServedFile("page.css"));
  const std::string script = std::string(ServedFile("map.js")) + std::string(ServedFile("located.js"));
  std::string html(ServedFile("located.html"));
  const auto replace = [&](const std::string& mark, const std::string& text) {
    const auto at = html.find(mark);
    html.replace(at, mark.size(), text);
  };
  replace("<!--CSP-->", "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src " +
                            HashSource(script) + "; style-src " + HashSource(style) +
                            "; img-src data:; base-uri 'none'; form-action 'none'\">");
  replace("<!--STYLE-->", "<style>" + style + "</style>");
  replace("<!--DATA-->",
          DataScript("answers", answers.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) +
              DataScript("land-small", LandTopoJson(LandDetail::kSmall)) +
              DataScript("land-fine", LandTopoJson(LandDetail::kFine)));
  replace("<!--SCRIPT-->", "<script>" + script + "</script>");
  return html;
}

}  // namespace dualgeo
