// Whether a table's photos are there and can be used, before hours of work find out: what is missing and what is nearly
// right, what cannot be decoded, what is the same file twice, and the pictures that sites put in place of deleted
// photos, which stand for many places at once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/photo_source.h"
#include "dualgeo/data/photo_table.h"

namespace dualgeo {

enum class PhotoProblem {
  kMissing,      // no such file; detail: the nearest that is there, or empty
  kUnreadable,   // damaged, no photo, refused; detail: why
  kIdentical,    // the same bytes as another photo of the table; detail: the first such id
  kPlaceholder,  // so, under three ids or more at places more than 1 km apart (or of no known place)
};

// "missing", "unreadable", "identical", "placeholder".
const char* NameOf(PhotoProblem problem);

struct PhotoFinding {
  std::size_t row = 0;  // of the table
  PhotoProblem problem = PhotoProblem::kMissing;
  std::string detail;
};

struct PhotoCheck {
  std::size_t photos = 0;
  std::vector<PhotoFinding> findings;  // by row; at most one of each problem a row
  std::size_t missing = 0, unreadable = 0;
  std::size_t identical = 0, identical_groups = 0;  // photos that share their bytes with another one
  std::size_t placeholders = 0, placeholder_pictures = 0;
  std::size_t nearly_right = 0;       // missing ones of which another spelling is there
  std::string what_makes_them_match;  // "3 of 4 match in lower case"; of all missing together, or empty
  std::size_t not_in_table = 0;       // photos that are there and have no row
};

// Decodes every photo (of a JPEG's pixels an eighth each way, which reads all of its data), on `threads` threads (0:
// one for each core). Throws Interrupted.
PhotoCheck CheckPhotos(const PhotoTable& table, const PhotoSource& source, int threads = 0);

// CSV: IMG_ID,LINE,PROBLEM,DETAIL. Atomic.
void WritePhotoFindings(const std::filesystem::path& path, const PhotoTable& table, const PhotoCheck& check);

}  // namespace dualgeo
