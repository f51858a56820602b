#include "position_grid.h"

#include <spdlog/spdlog.h>

#include <cmath>

namespace dualgeo {

void ResizePositions(torch::Tensor& file, const torch::Tensor& model, const std::string& source) {
  if (file.dim() != 2 || model.dim() != 2 || file.size(1) != model.size(1) || file.size(0) == model.size(0)) return;
  const auto side = [](std::int64_t rows) { return std::llround(std::sqrt(static_cast<double>(rows - 1))); };
  const auto from = side(file.size(0));
  const auto to = side(model.size(0));
  if (from < 1 || from * from != file.size(0) - 1) return;
  spdlog::info("{}: position embeddings resized from {} x {} to {} x {} patches (bicubic)", source, from, from, to, to);
  const auto rows = file.to(torch::kFloat32);
  const auto grid = rows.slice(0, 1).t().reshape({1, file.size(1), from, from});
  const auto resized = torch::upsample_bicubic2d(grid, {to, to}, /*align_corners=*/false);
  file = torch::cat({rows.slice(0, 0, 1), resized.reshape({file.size(1), to * to}).t()});
}

}  // namespace dualgeo
