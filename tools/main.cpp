// dualgeo: a table from subcommand to function. Results go to stdout, logs and errors to stderr.
// Exit codes: 0 done; 1 the run failed; 2 usage, config or input is wrong; 130 interrupted (Ctrl-C).

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <new>
#include <string>

#include "commands.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/version.h"
#include "runtime/process_place.h"
#include "util/standard_output.h"

namespace {

#define ENTRY(add) dualgeo::tools::add,
constexpr void (*kCommands[])(CLI::App&) = {DUALGEO_COMMANDS(ENTRY)};
#undef ENTRY

// One line: LibTorch's and OpenCV's messages carry stack traces after the first.
int Fail(const std::string& message, int code) {
  std::fprintf(stderr, "dualgeo: %s\n", message.substr(0, message.find('\n')).c_str());
  return code;
}

// Commands that several processes do together (ranks.h). All of them would do the others, into the same files.
constexpr const char* kShared[] = {"train",         "train-segmenter", "segment", "embed photos",
                                   "gallery build", "search",          "run"};

void CheckThatRanksShare(const CLI::App& app) {
  const auto place = dualgeo::PlaceFromEnvironment();
  if (place.size == 1) return;
  for (const auto* command : app.get_subcommands()) {
    std::string called = command->get_name();
    for (const auto* further : command->get_subcommands()) called += " " + further->get_name();
    if (std::ranges::find(kShared, called) != std::end(kShared)) continue;
    std::string names;
    for (const std::string name : kShared) names += (names.empty() ? "" : ", ") + name;
    throw dualgeo::InputError(called + ": works in one process, and the launcher started " +
                              std::to_string(place.size) + "; several share: " + names);
  }
}

int Run(int argc, char** argv) {
  CLI::App app{"dualgeo: where on Earth was this photo taken, and why does a method answer well or badly?"};
  app.set_version_flag("--version", dualgeo::kVersion);
  app.require_subcommand(1);
  app.fallthrough();
  bool quiet = false;
  bool verbose = false;
  app.add_flag("-q,--quiet", quiet, "only warnings and errors on stderr");
  app.add_flag("-v,--verbose", verbose, "more on stderr");
  app.parse_complete_callback([&] {
    dualgeo::SetupLogging(quiet, verbose);
    CheckThatRanksShare(app);
  });
  for (const auto add : kCommands) add(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return Fail(std::string(error.what()) + " (see dualgeo --help)", 2);
  }
}

}  // namespace

int main(int argc, char** argv) {
  dualgeo::ReserveStandardStreams();
  dualgeo::SetupLogging();
  dualgeo::InstallStopHandler();
  try {
    const int code = Run(argc, argv);
    dualgeo::FlushStandardOutput();
    return code;
  } catch (const dualgeo::Interrupted& error) {
    return Fail(error.what(), 130);
  } catch (const dualgeo::InputError& error) {
    return Fail(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return Fail("out of memory", 1);
  } catch (const std::exception& error) {
    return Fail(error.what(), 1);
  }
}
