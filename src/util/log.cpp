#include "dualgeo/util/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

namespace dualgeo {

void SetupLogging(bool quiet, bool verbose) {
  auto logger = std::make_shared<spdlog::logger>("dualgeo", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%^%l%$: %v");
  logger->set_level(verbose ? spdlog::level::debug : quiet ? spdlog::level::warn : spdlog::level::info);
  spdlog::set_default_logger(logger);
}

}  // namespace dualgeo
