#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/eval/provenance.h"
#include "dualgeo/util/error.h"
#include "networks.h"
#include "pipeline/report.h"
#include "report/report.h"
#include "util/atomic_file.h"
#include "util/child_process.h"
#include "util/output_path.h"
#include "util/read_file.h"

namespace dualgeo::tools {
namespace {

namespace fs = std::filesystem;

struct ReportFlags {
  fs::path run_dir, out, check;
  ReportOptions options;
};

// Whether all files are what they were.
bool Check(const fs::path& path) {
  std::vector<fs::path> tables = {path};
  if (fs::is_directory(path)) tables = FilesWithProvenance(path);
  if (tables.empty()) throw InputError(path.string() + ": no JSON table with a provenance below this folder");
  bool match = true;
  for (const auto& table : tables) {
    const Provenance provenance = ReadProvenance(table);
    const ProvenanceCheck check = CheckProvenance(provenance);
    std::printf("%s: %s\n%s", table.c_str(), check.FilesMatch() ? "files match" : "files do NOT match",
                FormatCheck(provenance, check).c_str());
    match = match && check.FilesMatch();
  }
  return match;
}

// The pictures are drawn by dualgeo-networks (kDrawCommand), which has what decodes photos: requests and pictures go
// there and back as fields that end with a NUL.
constexpr const char* kDrawCommand = "draw-report-pictures";

std::vector<std::string> Fields(std::string_view bytes) {
  std::vector<std::string> fields;
  for (std::size_t end; (end = bytes.find('\0')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
    fields.emplace_back(bytes.substr(0, end));
  }
  return fields;
}

std::vector<Picture> DrawInNetworks(const std::vector<PictureRequest>& requests) {
  std::string input;
  for (const auto& request : requests) {
    for (const auto& field : {std::to_string(static_cast<int>(request.kind)), request.images, request.id,
                              std::to_string(request.num_labels)}) {
      input += field + '\0';
    }
  }
  const auto fields = Fields(RunChild(NetworksProgram(), {kDrawCommand}, input));
  if (fields.size() != 2 * requests.size()) throw Error("report: dualgeo-networks is of another version");
  std::vector<Picture> pictures;
  for (std::size_t i = 0; i < fields.size(); i += 2) pictures.push_back({fields[i], fields[i + 1]});
  return pictures;
}

void DrawAll() {
  const std::string input = ReadFile("/dev/stdin");
  const auto fields = Fields(input);
  std::vector<PictureRequest> requests;
  for (std::size_t i = 0; i + 3 < fields.size(); i += 4) {
    requests.push_back({static_cast<PictureRequest::Kind>(std::stoi(fields[i])), fields[i + 1], fields[i + 2],
                        std::stoi(fields[i + 3])});
  }
  for (const auto& picture : DrawPictures(requests)) {
    for (const auto& field : {picture.url, picture.text}) std::fwrite(field.c_str(), 1, field.size() + 1, stdout);
  }
}

void Run(const ReportFlags& flags) {
  if (flags.run_dir.empty() == flags.check.empty()) throw InputError("report: give one of RUN_DIR and --check");
  if (!flags.check.empty()) {
    if (!Check(flags.check)) throw Error("report: files have changed since the table was made");
    return;
  }
  if (!fs::is_directory(flags.run_dir)) {
    throw InputError(flags.run_dir.string() +
                     (fs::exists(flags.run_dir) ? ": is no folder of a run" : ": no such folder"));
  }
  const fs::path out = flags.out.empty() ? flags.run_dir / "report.html" : flags.out;
  // Beside the run's own files, of which it replaces none.
  CheckOutputs({{"--out", out}},
               AllInputs({FilesOfRun(flags.run_dir), {{"the run", out.extension() == ".html" ? "" : flags.run_dir}}}));
  WriteFileAtomically(out, ReportHtml(GatherReport(flags.run_dir, flags.options, DrawInNetworks)));
  std::printf("%s\n", out.c_str());
}

}  // namespace

void AddReport(CLI::App& root) {
  auto* command =
      root.add_subcommand("report", "a run as one HTML file; --check: whether its tables' files still match");
  const auto flags = std::make_shared<ReportFlags>();
  command->add_option("run_dir", flags->run_dir, "folder of a run");
  command->add_option("--out", flags->out, "HTML file [RUN_DIR/report.html]");
  command->add_option("--photos", flags->options.photos, "best and worst photos shown of each benchmark")
      ->capture_default_str()
      ->check(CLI::Range(0, 100));
  command->add_option("--check", flags->check,
                      "a JSON table, or a folder of them: compare the files it was made from with those of now");
  command->callback([flags] { Run(*flags); });
  root.add_subcommand(kDrawCommand)->group("")->callback(WithNetworks([] { DrawAll(); }));
}

}  // namespace dualgeo::tools
