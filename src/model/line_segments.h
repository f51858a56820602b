// Straight line segments of a grey picture, after LSD (Grompone von Gioi et al., TPAMI 2010): pixels whose gradients
// have the same direction within 22.5 degrees grow into regions, and a region that is long, thin and dense is a
// segment. Unlike LSD without its test against chance: a segment is 12 pixels of 256 long or more, three times as long
// as wide, and half of its rectangle is of the region.
#pragma once

#include <span>
#include <vector>

namespace dualgeo {

struct LineSegment {
  double x, y;    // of its middle, in pixels
  double length;  // in pixels
  double angle;   // of the line, degrees from 0 to 180, from x to y
};

// values: side rows of side, from 0 to 1. In the order of their strongest pixels.
std::vector<LineSegment> FindLineSegments(std::span<const float> values, int side);

}  // namespace dualgeo
