// A photo and its true mask of a place of the synthetic world.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

#include "synthetic/world_scene.h"

namespace dualgeo {

struct WorldView {
  cv::Mat photo;       // CV_8UC3, BGR, size x size
  cv::Mat mask;        // CV_8UC1, AdeClass values, size x size
  double heading = 0;  // degrees clockwise from north, [0, 360)
};

// The same scene, conditions, seed and size give the same pixels. The seed moves the camera a little and draws clouds,
// lit windows, cars and passers-by.
// Fallen snow lies on whatever it fell on: ADE20K has no class for it, so the mask keeps road, grass, earth, roof.
WorldView RenderView(const Scene& scene, const Conditions& conditions, std::uint64_t seed, int size);

// Draws the landmark (world_landmark.cpp); snow in [0, 1] whitens its roofs.
void DrawLandmark(const Landmark& landmark, double snow, Canvas& canvas);

}  // namespace dualgeo
