#include <cstdio>

#include "commands.h"
#include "io/set_aside.h"

namespace dualgeo::tools {
namespace {

std::string Size(std::uintmax_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", size, kUnits[unit]);
  return text;
}

}  // namespace

void AddRuns(CLI::App& root) {
  auto* command = root.add_subcommand("runs", "list what a run or study set aside when it made something anew");
  const auto run_dir = std::make_shared<std::filesystem::path>();
  const auto prune = std::make_shared<bool>(false);
  command->add_option("run_dir", *run_dir, "folder of the run or study")->required();
  command->add_flag("--prune", *prune, "remove these, and only these");
  command->callback([run_dir, prune] {
    const auto items = *prune ? PruneSetAside(*run_dir) : ListSetAside(*run_dir);
    std::uintmax_t bytes = 0;
    for (const auto& item : items) {
      bytes += item.bytes;
      std::printf("%s%s\t%s\t%s\t%s\n", *prune ? "removed " : "", item.path.c_str(), Size(item.bytes).c_str(),
                  item.when.c_str(), item.why.c_str());
    }
    if (items.empty()) std::printf("nothing is set aside in %s\n", run_dir->c_str());
    if (items.size() > 1) std::printf("%zu in all, %s\n", items.size(), Size(bytes).c_str());
  });
}

}  // namespace dualgeo::tools
