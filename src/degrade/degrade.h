// Photos made worse on purpose: light, weather and season that training never saw, and the camera's own failings, each
// at five severities, for `dualgeo robustness`.
//
// What is drawn at random (rain streaks, fog banks, noise) depends on the seed, the condition and the photo's id alone,
// not on the severity: a photo's rain grows from severity 1 to 5, it is not another rain. Lengths are relative to the
// photo's shorter side, but for noise and JPEG, which are per pixel as in a camera.
//
// These are models of an image, not of a scene: nothing here knows where the sky is or how far a wall. Fog takes
// distance from the height in the frame, dusk its sky from the upper part, and snow falls on whatever is low. They ask
// how a method takes such a change; how it takes a real night only night photos tell (robustness.rendered).
//
// A new condition is one function and one line in the table of src/degrade/degradations.h; robustness.conditions then
// takes its name.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace dualgeo {

inline constexpr int kSeverities = 5;

// night dusk overexposure underexposure fog rain snow season blur noise jpeg
const std::vector<std::string>& DegradationNames();
// One line: what the condition does and where its levels come from. Throws InputError for an unknown name.
std::string DescribeDegradation(const std::string& name);

// Throws InputError for an unknown name, which `key` gives, listing those there are.
void RequireDegradation(const std::string& name, const std::string& key);

// photo: CV_8UC3 RGB; the result has its size. severity 0 gives the photo back. Throws InputError for an unknown name,
// or a severity outside [0, 5].
cv::Mat Degrade(const cv::Mat& photo, const std::string& name, int severity, std::uint64_t seed, const std::string& id);

// Conditions down, severities 0 to 5 across, one block a photo: the picture to judge them by. CV_8UC3, RGB.
cv::Mat DegradationSheet(const std::vector<cv::Mat>& photos, const std::vector<std::string>& names, std::uint64_t seed,
                         int cell = 160);

}  // namespace dualgeo
