#include <cstdio>
#include <memory>

#include "commands.h"
#include "dualgeo/eval/provenance.h"
#include "dualgeo/eval/report.h"
#include "dualgeo/pipeline/report.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/output_path.h"
#include "networks.h"

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

void Run(const ReportFlags& flags) {
  if (flags.run_dir.empty() == flags.check.empty()) throw InputError("report: give one of RUN_DIR and --check");
  if (!flags.check.empty()) {
    if (!Check(flags.check)) throw Error("report: files have changed since the table was made");
    return;
  }
  // Its photos are decoded and made small.
  WithNetworks([&flags] {
    const fs::path out = flags.out.empty() ? flags.run_dir / "report.html" : flags.out;
    // Beside the run's own files, of which it replaces none.
    CheckOutputs({{"--out", out}}, {{"the run", out.extension() == ".html" ? "" : flags.run_dir}});
    WriteFileAtomically(out, ReportHtml(GatherReport(flags.run_dir, flags.options)));
    std::printf("%s\n", out.c_str());
  })();
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
}

}  // namespace dualgeo::tools
