// What the run was made from, so that it can be made again.

#include "dualgeo/util/text.h"
#include "html.h"
#include "report_sections.h"

namespace dualgeo {
namespace {

std::string Files(const std::string& name, const Provenance& provenance) {
  HtmlTable table;
  table.caption = name + ": files that were read";
  table.header = {"role", "file", "SHA-256"};
  table.text_columns = 3;
  for (const auto& file : provenance.files) table.rows.push_back({file.role, file.path, file.sha256.substr(0, 16)});
  std::vector<std::string> command;
  for (const auto& word : provenance.command) command.push_back(Printable(word, 200));
  return "<p>Command: <code>" + EscapeHtml(Join(command, " "), 2000) + "</code></p>\n" + TableHtml(table);
}

}  // namespace

std::string ProvenanceSection(const Report& report) {
  std::string html;
  if (!report.made.empty()) {
    HtmlTable table{"Made with", {"what", "value"}, {}, 2};
    for (const auto& [name, value] : report.made) table.rows.push_back({name, value});
    html += TableHtml(table);
  }
  for (const auto& [file, provenance] : report.provenance)
    html += DetailsHtml("Inputs of " + file, Files(file, provenance));
  if (!report.config.empty()) {
    html += DetailsHtml("Resolved config", "<pre tabindex=\"0\" role=\"region\" aria-label=\"Resolved config\">" +
                                               EscapeLines(report.config) + "</pre>");
  }
  if (html.empty()) return AbsentHtml("Neither config.yaml nor run.json is in the folder.");
  return html +
         "<p class=\"note\"><code>dualgeo report --check</code> and this folder's name say whether the files are "
         "still the same.</p>\n";
}

}  // namespace dualgeo
