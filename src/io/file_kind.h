// What a file is, told by its first bytes and never by its name: people give a program what they have (a photo of
// another kind, an archive, another program's table), and each reader says what that is and what to do with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dualgeo {

enum class FileGroup {
  kPhoto,    // a picture that this program decodes: JPEG, PNG, WebP, TIFF, BMP
  kPicture,  // another kind of picture: HEIC, AVIF, GIF, JPEG XL, camera raw, layers, vectors
  kFilm,
  kSound,
  kDocument,    // PDF, word processors
  kSheet,       // spreadsheets
  kArchive,     // several files in one: zip, tar, 7z, RAR
  kCompressed,  // one file made smaller: gzip, bzip2, xz, zstd
  kWebPage,     // HTML, and what servers say in XML
  kJson,
  kArray,     // NumPy, HDF5 and the like
  kWeights,   // safetensors, PyTorch
  kTable,     // Parquet, Arrow
  kDatabase,  // SQLite, LMDB
  kIndex,     // FAISS
  kProgram,
  kPointer,  // Git LFS, git-annex: stands for a file that is not here
  kText,     // plain text, tables of text included
  kUtf16,
  kEmpty,
  kZeros  // nothing but zero bytes: a download that never came
};

struct FileKind {
  FileGroup group;
  std::string name;  // with its article: "a HEIC photo", "a zip archive", "an SQLite database"
};

// So many bytes tell every kind that is known.
inline constexpr std::size_t kFileHeadBytes = 4096;

// From the first bytes of a file (fewer than kFileHeadBytes only where the file is shorter); nothing when they are of
// no known kind.
std::optional<FileKind> RecogniseFile(std::string_view head);

// What a reader is looking for. kPhotos: a folder's or an archive's stand-in, that is an archive of photos.
enum class FileUse { kPhoto, kPhotos, kTable, kFeatures, kWeights, kMask, kIndex, kCache, kConfig };

// "a HEIC photo; convert it to JPEG (heif-convert does)": for a file that is known not to be what is looked for, what
// it is and what to do. Nothing when it may be, or when its kind is not known. One line, to stand behind "NAME: ".
std::optional<std::string> DescribeOtherFile(std::string_view head, FileUse use);

}  // namespace dualgeo
