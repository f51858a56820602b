// Where the synthetic world is drawn: every shape goes at once, with the same pixels, into the photo (lit and veiled by
// the weather) and into the label image. So masks fit exactly, and no weather can touch them.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

#include "data/ade_classes.h"
#include "synthetic/world_conditions.h"

namespace dualgeo {

// Red, green, blue, 0 to 255 for what a white surface sends back in full daylight.
using Color = cv::Vec3f;

inline Color Mix(const Color& a, const Color& b, double t) {
  return a * (1.0F - static_cast<float>(t)) + b * static_cast<float>(t);
}

// A point of the scene: x to the right, y up, in widths of an unzoomed photo; (0, 0) is on the horizon, straight ahead.
using Point = cv::Point2d;

// Where the photographer stands and looks.
struct Camera {
  double pan = 0;       // frame widths that the view is turned to the right
  double lift = 0;      // frame heights that the view is turned up
  double zoom = 1;      // focal length
  double roll = 0;      // degrees
  double step = 0;      // steps aside, in frame widths of the nearest things; what is far moves less
  double approach = 1;  // how much larger the nearest things are for standing closer; what is far grows less
};

// Light and air.
struct Light {
  Color direct;  // multiplies albedo, 1 is full daylight
  Color sky_top, sky_low;
  Color haze;          // what things fade to
  double density = 0;  // of the haze; transmission is exp(-density * distance)
  double lamps = 0;    // [0, 1]: street lamps, windows and floodlights are on
  double shade = 0.8;  // how bright the side away from the sun is
  bool sun_left = true;
};

Light MakeLight(const Conditions& conditions, Random& random);

// How a surface sends light.
struct Paint {
  Color albedo;
  double glow = 0;  // [0, 1]: lit by lamps when they are on; 1 keeps its daylight colour at night
};

// Distance of a layer, from 0 (at the camera) to 1 (the far ridge).
struct Layer {
  double distance = 0;
};

class Canvas {
 public:
  // size: of the finished photo, pixels. Drawn at twice that.
  Canvas(int size, const Camera& camera, const Light& light);

  // All later shapes are at that distance.
  void SetLayer(Layer layer);

  // Fills the outline (closed by itself). Convex: four times faster, when the outline is.
  void Polygon(std::span<const Point> outline, const Paint& paint, AdeClass label);
  void Convex(std::span<const Point> outline, const Paint& paint, AdeClass label);
  void Box(double left, double bottom, double right, double top, const Paint& paint, AdeClass label);
  void Ellipse(Point center, double half_width, double half_height, const Paint& paint, AdeClass label);
  void Line(Point from, Point to, double width, const Paint& paint, AdeClass label);

  // A soft shine around a lamp; in the photo only, and only while lamps are on.
  void Shine(Point center, double radius, const Color& color);

  // Lets what has that label show, mirrored at the level `at`, what was drawn above it; in the photo only. Ripples are
  // some pixels wide.
  void Mirror(double at, AdeClass label, double strength);

  // Paints the background: graded sky with sun, moon, stars and clouds; label sky.
  void Sky(const Conditions& conditions, Random& random);

  // Scene to canvas pixels, in the present layer.
  cv::Point2d Project(Point p) const;
  const Light& light() const { return light_; }
  int size() const { return size_; }

  // The photo so far at its final size, BGR, and the labels: the class of the upper left of each 2 x 2 pixels.
  cv::Mat Photo() const;
  cv::Mat Labels() const;

 private:
  struct ShineSpot {
    cv::Point2d center;
    double radius;
    Color color;
  };

  cv::Scalar Lit(const Paint& paint) const;
  void Fill(const Paint& paint, AdeClass label, bool convex);

  int size_;
  Camera camera_;
  Light light_;
  cv::Mat photo_;   // CV_8UC3, BGR
  cv::Mat labels_;  // CV_8UC1
  double cos_roll_ = 1, sin_roll_ = 0;
  double transmission_ = 1, shift_ = 0, scale_ = 1;
  std::vector<cv::Point> pixels_;
  std::vector<ShineSpot> shines_;
};

}  // namespace dualgeo
