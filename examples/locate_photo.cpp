// Where were these photos taken? Embeds them and asks a gallery; both come from the program `dualgeo`.
//   locate_photo CONFIG CHECKPOINT GALLERY PHOTO...     CHECKPOINT: a folder, a .safetensors file, or none
#include <cstdio>
#include <exception>
#include <filesystem>
#include <vector>

#include <dualgeo/gallery/embedder.h>
#include <dualgeo/gallery/search.h>
#include <dualgeo/pipeline/experiment.h>

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: locate_photo CONFIG CHECKPOINT GALLERY PHOTO...\n");
    return 2;
  }
  try {
    // The same file as the commands': a run keeps its own as config.yaml.
    const dualgeo::ExperimentOptions options = dualgeo::ReadExperiment({argv[1]}, {});
    const std::filesystem::path checkpoint = argv[2] == std::string("none") ? "" : argv[2];
    dualgeo::Embedder embedder({options.model, options.loss, options.runtime, checkpoint});
    dualgeo::Gallery gallery = dualgeo::LoadGallery(argv[3]);

    const std::vector<std::filesystem::path> photos(argv + 4, argv + argc);
    const dualgeo::FeatureSet features = embedder.Photos(photos);
    for (const auto& answer : dualgeo::Search(gallery, features, options.search)) {
      std::printf("%s\n", answer.query_id.c_str());
      for (const auto& place : answer.candidates) {
        std::printf("  %2d. %9.4f, %9.4f  similarity %.3f  %s\n", place.rank, place.location.lat, place.location.lon,
                    place.score.value_or(0), place.gallery_id.c_str());
      }
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "locate_photo: %s\n", error.what());
    return 1;
  }
}
