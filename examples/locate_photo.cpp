// Where were these photos taken? Asks a finished run of `dualgeo run`.
//   locate_photo RUN PHOTO...
#include <cstdio>
#include <exception>
#include <filesystem>
#include <vector>

#include <dualgeo/pipeline/locate.h>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: locate_photo RUN PHOTO...\n");
    return 2;
  }
  try {
    dualgeo::Locator locator(argv[1]);  // loads model, segmenter and gallery once, for any number of photos
    bool all = true;
    for (const auto& answer : locator.Locate(std::vector<std::filesystem::path>(argv + 2, argv + argc))) {
      if (!answer.error.empty()) {
        std::fprintf(stderr, "locate_photo: %s\n", answer.error.c_str());
        all = false;
        continue;
      }
      std::printf("%s\n", answer.photo.c_str());
      for (const auto& place : answer.candidates) {
        std::printf("  %2d. %9.4f, %9.4f  similarity %.3f  %s\n", place.rank, place.location.lat, place.location.lon,
                    place.score.value_or(0), place.gallery_id.c_str());
      }
    }
    return all ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "locate_photo: %s\n", error.what());
    return 1;
  }
}
