// Numbers as the cells of a table.
#pragma once

#include <optional>
#include <string>

#include "dualgeo/eval/evaluate.h"
#include "eval/text_table.h"

namespace dualgeo {

// With its sign, + too.
std::string Signed(double value, int decimals);
// "40.00 [38.10, 41.93]"
std::string WithInterval(double value, const std::optional<Interval>& interval, int decimals);
// 0.031, 4.3e-07; "1" for 1.
std::string PValue(double p);

}  // namespace dualgeo
