#include "io/file_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

namespace dualgeo {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  FileGroup group;
  const char* name;
};

// Whatever a program wrote with bytes that are no text. Longer signatures stand before what they begin with.
constexpr Signature kBinary[] = {
    {0, "\xff\xd8\xff"sv, FileGroup::kPhoto, "a JPEG photo"},
    {0, "\x89PNG\r\n\x1a\n"sv, FileGroup::kPhoto, "a PNG picture"},
    {0, "BM"sv, FileGroup::kPhoto, "a BMP picture"},
    {0, "II+\0"sv, FileGroup::kPicture, "a BigTIFF picture"},
    {0, "MM\0+"sv, FileGroup::kPicture, "a BigTIFF picture"},
    {0, "GIF87a"sv, FileGroup::kPicture, "a GIF picture"},
    {0, "GIF89a"sv, FileGroup::kPicture, "a GIF picture"},
    {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, FileGroup::kPicture, "a JPEG XL picture"},
    {0, "\xff\x0a"sv, FileGroup::kPicture, "a JPEG XL picture"},
    {0, "\0\0\0\x0cjP  \r\n\x87\n"sv, FileGroup::kPicture, "a JPEG 2000 picture"},
    {0, "\xff\x4f\xff\x51"sv, FileGroup::kPicture, "a JPEG 2000 picture"},
    {0, "II\xbc\x01"sv, FileGroup::kPicture, "a JPEG XR picture"},
    {0, "8BPS"sv, FileGroup::kPicture, "a Photoshop file (PSD)"},
    {0, "gimp xcf"sv, FileGroup::kPicture, "a GIMP file (XCF)"},
    {0, "IIRO"sv, FileGroup::kPicture, "a camera raw photo (Olympus ORF)"},
    {0, "IIRS"sv, FileGroup::kPicture, "a camera raw photo (Olympus ORF)"},
    {0, "MMOR"sv, FileGroup::kPicture, "a camera raw photo (Olympus ORF)"},
    {0, "IIU\0"sv, FileGroup::kPicture, "a camera raw photo (Panasonic RW2)"},
    {0, "FUJIFILMCCD-RAW"sv, FileGroup::kPicture, "a camera raw photo (Fujifilm RAF)"},
    {6, "HEAPCCDR"sv, FileGroup::kPicture, "a camera raw photo (Canon CRW)"},
    {0, "FOVb"sv, FileGroup::kPicture, "a camera raw photo (Sigma X3F)"},
    {0, "\0MRM"sv, FileGroup::kPicture, "a camera raw photo (Minolta MRW)"},
    {0, "\x76\x2f\x31\x01"sv, FileGroup::kPicture, "an OpenEXR picture"},
    {0, "#?RADIANCE"sv, FileGroup::kPicture, "a Radiance HDR picture"},
    {0, "qoif"sv, FileGroup::kPicture, "a QOI picture"},
    {0, "DDS "sv, FileGroup::kPicture, "a DDS texture"},
    {0, "icns"sv, FileGroup::kPicture, "an icon file (ICNS)"},
    {0, "\0\0\1\0"sv, FileGroup::kPicture, "an icon file (ICO)"},
    {0, "P4\n"sv, FileGroup::kPicture, "a PNM picture"},
    {0, "P5\n"sv, FileGroup::kPicture, "a PNM picture"},
    {0, "P6\n"sv, FileGroup::kPicture, "a PNM picture"},
    {0, "P7\n"sv, FileGroup::kPicture, "a PNM picture"},
    {128, "DICM"sv, FileGroup::kPicture, "a DICOM picture"},
    {0, "\x1a\x45\xdf\xa3"sv, FileGroup::kFilm, "a film (Matroska or WebM)"},
    {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv, FileGroup::kFilm, "a film (Windows Media)"},
    {0, "FLV\1"sv, FileGroup::kFilm, "a film (Flash)"},
    {0, "\0\0\1\xba"sv, FileGroup::kFilm, "a film (MPEG)"},
    {0, "\0\0\1\xb3"sv, FileGroup::kFilm, "a film (MPEG)"},
    {4, "moov"sv, FileGroup::kFilm, "a film (QuickTime)"},
    {4, "mdat"sv, FileGroup::kFilm, "a film (QuickTime)"},
    {4, "wide"sv, FileGroup::kFilm, "a film (QuickTime)"},
    {4, "skip"sv, FileGroup::kFilm, "a film (QuickTime)"},
    {0, "OggS"sv, FileGroup::kSound, "an Ogg file (sound or film)"},
    {0, "ID3"sv, FileGroup::kSound, "a sound (MP3)"},
    {0, "fLaC"sv, FileGroup::kSound, "a sound (FLAC)"},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, FileGroup::kSheet, "an old Office file (XLS, DOC or PPT)"},
    {0, "AT&TFORM"sv, FileGroup::kDocument, "a DjVu document"},
    {0, "\x1f\x8b"sv, FileGroup::kCompressed, "compressed with gzip"},
    {0, "BZh"sv, FileGroup::kCompressed, "compressed with bzip2"},
    {0, "\xfd\x37zXZ\0"sv, FileGroup::kCompressed, "compressed with xz"},
    {0, "\x28\xb5\x2f\xfd"sv, FileGroup::kCompressed, "compressed with zstd"},
    {0, "\x04\x22\x4d\x18"sv, FileGroup::kCompressed, "compressed with lz4"},
    {0, "\x5d\0\0"sv, FileGroup::kCompressed, "compressed with lzma"},
    {0, "\x1f\x9d"sv, FileGroup::kCompressed, "compressed with compress (.Z)"},
    {0, "LZIP"sv, FileGroup::kCompressed, "compressed with lzip"},
    {0, "\xff\x06\0\0sNaPpY"sv, FileGroup::kCompressed, "compressed with snappy"},
    {0, "7z\xbc\xaf\x27\x1c"sv, FileGroup::kArchive, "a 7z archive"},
    {0, "Rar!\x1a\x07"sv, FileGroup::kArchive, "a RAR archive"},
    {0, "PK\5\6"sv, FileGroup::kArchive, "an empty zip archive"},
    {0, "PK\7\x08PK\3\4"sv, FileGroup::kArchive, "a part of a split zip archive"},
    {257, "ustar"sv, FileGroup::kArchive, "a tar archive"},
    {0, "MSCF"sv, FileGroup::kArchive, "a CAB archive"},
    {0, "xar!"sv, FileGroup::kArchive, "a xar archive"},
    {0, "\x93NUMPY"sv, FileGroup::kArray, "a NumPy array (.npy)"},
    {0, "\x89HDF\r\n\x1a\n"sv, FileGroup::kArray, "an HDF5 file"},
    {0, "CDF\1"sv, FileGroup::kArray, "a NetCDF file"},
    {0, "CDF\2"sv, FileGroup::kArray, "a NetCDF file"},
    {0, "MATLAB 5.0 MAT-file"sv, FileGroup::kArray, "a MATLAB file"},
    {0, "SIMPLE  ="sv, FileGroup::kArray, "a FITS file"},
    {0, "GGUF"sv, FileGroup::kWeights, "a GGUF file (llama.cpp's weights)"},
    {4, "TFL3"sv, FileGroup::kWeights, "a TensorFlow Lite model"},
    {0, "PAR1"sv, FileGroup::kTable, "a Parquet table"},
    {0, "PARE"sv, FileGroup::kTable, "an encrypted Parquet table"},
    {0, "ARROW1"sv, FileGroup::kTable, "an Arrow table (Feather)"},
    {0, "FEA1"sv, FileGroup::kTable, "a Feather table (version 1)"},
    {0, "ORC"sv, FileGroup::kTable, "an ORC table"},
    {0, "Obj\1"sv, FileGroup::kTable, "an Avro table"},
    {0, "RDX2\n"sv, FileGroup::kTable, "an R data file"},
    {0, "RDX3\n"sv, FileGroup::kTable, "an R data file"},
    {0, "SQLite format 3\0"sv, FileGroup::kDatabase, "an SQLite database"},
    {16, "\xde\xc0\xef\xbe"sv, FileGroup::kDatabase, "an LMDB database"},
    {8, "DUCK"sv, FileGroup::kDatabase, "a DuckDB database"},
    {0,
     "\x7f"
     "ELF"sv,
     FileGroup::kProgram, "a program (ELF)"},
    {0, "MZ"sv, FileGroup::kProgram, "a program (Windows)"},
    {0, "\xcf\xfa\xed\xfe"sv, FileGroup::kProgram, "a program (macOS)"},
    {0, "\xca\xfe\xba\xbe"sv, FileGroup::kProgram, "a program (Java or macOS)"},
    {0, "\0\x05\x16\x07"sv, FileGroup::kPointer, "a Mac's AppleDouble file (its \"._\" companion)"},
    {0, "\0\0\0\1Bud1"sv, FileGroup::kPointer, "a Mac's .DS_Store"},
    {0, "bplist00"sv, FileGroup::kPointer, "a property list (a Mac's, perhaps of a file that is still in the cloud)"},
    {0, "L\0\0\0\1\x14\2\0"sv, FileGroup::kPointer, "a Windows shortcut"},
};

std::uint32_t HeadByte(std::string_view bytes, std::size_t i) { return static_cast<unsigned char>(bytes[i]); }

bool HasAt(std::string_view head, std::size_t offset, std::string_view bytes) {
  return head.size() >= offset + bytes.size() && head.substr(offset, bytes.size()) == bytes;
}

bool StartsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin(),
                    [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

bool FindIgnoringCase(std::string_view text, std::string_view lower) {
  for (std::size_t i = 0; i + lower.size() <= text.size(); ++i) {
    if (StartsIgnoringCase(text.substr(i), lower)) return true;
  }
  return false;
}

// No control characters but those of text, nor the two bytes that UTF-8 never has. Others from 0x80 on are let through:
// Latin-1 and what there is.
bool LooksLikeText(std::string_view head) {
  return std::none_of(head.begin(), head.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7f || byte >= 0xfe ||
           (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f' && byte != 0x1b);
  });
}

// Of ISO base media (ISO/IEC 14496-12): HEIF pictures, Canon's raw photos and films differ by brand alone.
std::optional<FileKind> RecogniseIsoMedia(std::string_view head) {
  if (!HasAt(head, 4, "ftyp") || head.size() < 12) return std::nullopt;
  const std::size_t box = std::min<std::size_t>(head.size(), HeadByte(head, 2) << 8 | HeadByte(head, 3));
  const auto has = [&](std::string_view brand) {
    for (std::size_t at = 8; at + 4 <= std::max<std::size_t>(box, 12); at += at == 8 ? 8 : 4) {
      if (HasAt(head, at, brand)) return true;
    }
    return false;
  };
  if (has("crx ")) return FileKind{FileGroup::kPicture, "a camera raw photo (Canon CR3)"};
  if (has("avif") || has("avis")) return FileKind{FileGroup::kPicture, "an AVIF picture"};
  for (const auto brand : {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv}) {
    if (has(brand)) return FileKind{FileGroup::kPicture, "a HEIC photo"};
  }
  if (has("mif1") || has("msf1") || has("mif2")) return FileKind{FileGroup::kPicture, "a HEIF picture"};
  if (has("jxl ")) return FileKind{FileGroup::kPicture, "a JPEG XL picture"};
  if (has("jp2 ") || has("jpx ")) return FileKind{FileGroup::kPicture, "a JPEG 2000 picture"};
  if (has("qt  ")) return FileKind{FileGroup::kFilm, "a film (QuickTime)"};
  if (has("M4A ")) return FileKind{FileGroup::kSound, "a sound (MPEG-4)"};
  return FileKind{FileGroup::kFilm, "a film (MP4)"};
}

std::optional<FileKind> RecogniseRiff(std::string_view head) {
  if (!head.starts_with("RIFF") || head.size() < 12) return std::nullopt;
  if (HasAt(head, 8, "WEBP")) return FileKind{FileGroup::kPhoto, "a WebP picture"};
  if (HasAt(head, 8, "AVI ")) return FileKind{FileGroup::kFilm, "a film (AVI)"};
  if (HasAt(head, 8, "WAVE")) return FileKind{FileGroup::kSound, "a sound (WAV)"};
  return std::nullopt;
}

// A TIFF file of a photo, or what cameras keep in one: their sensor's data, with a small picture of it in front, which
// a TIFF reader would take for the photo.
std::optional<FileKind> RecogniseTiff(std::string_view head) {
  const bool little = head.starts_with("II*\0"sv);
  if (!little && !head.starts_with("MM\0*"sv)) return std::nullopt;
  if (HasAt(head, 8, "CR")) return FileKind{FileGroup::kPicture, "a camera raw photo (Canon CR2)"};
  const auto number = [&](std::size_t at, int bytes) -> std::uint32_t {
    if (at > head.size() || head.size() - at < static_cast<std::size_t>(bytes)) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      value = value << 8 | HeadByte(head, at + static_cast<std::size_t>(little ? bytes - 1 - i : i));
    }
    return value;
  };
  const std::size_t directory = number(4, 4);
  bool reduced = false, others = false;
  std::string_view maker;
  for (std::size_t i = 0, entries = std::min(number(directory, 2), 512U); i < entries; ++i) {
    const std::size_t at = directory + 2 + 12 * i;
    const std::uint32_t tag = number(at, 2);
    const std::uint32_t value = number(at + 2, 2) == 3 ? number(at + 8, 2) : number(at + 8, 4);
    if (tag == 0xC612) return FileKind{FileGroup::kPicture, "a camera raw photo (DNG)"};
    if (tag == 0x0106 && (value == 32803 || value == 34892)) return FileKind{FileGroup::kPicture, "a camera raw photo"};
    if (tag == 0x00FE) reduced = (value & 1) != 0;
    if (tag == 0x014A) others = true;
    if (tag == 0x010F && value < head.size()) maker = head.substr(value, 12);
  }
  if (reduced && others) {
    const char* name = StartsIgnoringCase(maker, "nikon")    ? "a camera raw photo (Nikon NEF)"
                       : StartsIgnoringCase(maker, "sony")   ? "a camera raw photo (Sony ARW)"
                       : StartsIgnoringCase(maker, "pentax") ? "a camera raw photo (Pentax PEF)"
                                                             : "a camera raw photo";
    return FileKind{FileGroup::kPicture, name};
  }
  return FileKind{FileGroup::kPhoto, "a TIFF picture"};
}

// What is in a zip archive shows in the names of its first members.
std::optional<FileKind> RecogniseZip(std::string_view head) {
  if (!head.starts_with("PK\3\4")) return std::nullopt;
  const auto holds = [&](std::string_view name) { return head.find(name) != head.npos; };
  if (HasAt(head, 30, "mimetype")) {
    if (holds("application/epub")) return FileKind{FileGroup::kDocument, "an EPUB book"};
    if (holds("opendocument.spreadsheet")) return FileKind{FileGroup::kSheet, "an OpenDocument spreadsheet (ODS)"};
    if (holds("opendocument")) return FileKind{FileGroup::kDocument, "an OpenDocument file (ODT)"};
  }
  if (holds("[Content_Types].xml") || holds("_rels/.rels") || holds("docProps/")) {
    if (holds("xl/")) return FileKind{FileGroup::kSheet, "an Excel workbook (XLSX)"};
    if (holds("word/")) return FileKind{FileGroup::kDocument, "a Word document (DOCX)"};
    if (holds("ppt/")) return FileKind{FileGroup::kDocument, "a PowerPoint file (PPTX)"};
    return FileKind{FileGroup::kSheet, "an Office file (XLSX, DOCX or PPTX)"};
  }
  const std::size_t name_bytes = head.size() < 30 ? 0 : HeadByte(head, 26) | HeadByte(head, 27) << 8;
  const std::string_view name = head.size() < 30 ? ""sv : head.substr(30, name_bytes);
  if (name.ends_with("data.pkl") || name.ends_with("/version") || name.ends_with("/byteorder") ||
      name.ends_with(".format_version")) {
    return FileKind{FileGroup::kWeights, "a PyTorch file (.pt, .pth)"};
  }
  if (name.ends_with(".npy")) return FileKind{FileGroup::kArray, "a NumPy archive (.npz)"};
  if (name.starts_with("META-INF/")) return FileKind{FileGroup::kProgram, "a Java archive (JAR)"};
  return FileKind{FileGroup::kArchive, "a zip archive"};
}

// FAISS begins an index with four letters: its kind.
bool IsFaiss(std::string_view head) {
  static constexpr std::array<std::string_view, 30> kKinds = {
      "IxFI", "IxF2", "IxFl", "IxHE", "IxHe", "IxPq", "IxPQ", "IxPo", "IxSQ", "IxSq",
      "IxPT", "IxMp", "IxM2", "IxRF", "IxRQ", "IwFl", "IwFd", "IwPQ", "IwQR", "IwSq",
      "IwSQ", "IwPn", "IHNf", "IHNp", "IHNs", "IHN2", "INSf", "INSs", "IBxF", "IBwF"};
  return head.size() >= 12 && std::find(kKinds.begin(), kKinds.end(), head.substr(0, 4)) != kKinds.end();
}

// A protobuf message whose first field is a small number, ModelProto's version of the format, and whose second is
// another of its fields: producer, domain, graph or operators, each text or a message with its length.
bool IsOnnx(std::string_view head) {
  if (head.size() < 16 || head[0] != 8 || HeadByte(head, 1) == 0 || HeadByte(head, 1) > 32) return false;
  return std::string_view("\x12\x1a\x22\x3a\x42").find(head[2]) != head.npos && head[3] != 0;
}

std::optional<FileKind> RecogniseBinary(std::string_view head) {
  for (const auto recognise : {RecogniseIsoMedia, RecogniseRiff, RecogniseTiff, RecogniseZip}) {
    if (auto kind = recognise(head)) return kind;
  }
  if (head.size() > 8 && head[8] == '{' && head.substr(5, 3) == "\0\0\0"sv) {
    return FileKind{FileGroup::kWeights, "a safetensors file"};
  }
  // Protocol 2 to 5, then an opcode that begins a frame, a dict, a list, a tuple or a name.
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) {
    return FileKind{FileGroup::kWeights, "a Python pickle"};
  }
  if (IsFaiss(head)) return FileKind{FileGroup::kIndex, "a FAISS index"};
  if (IsOnnx(head)) return FileKind{FileGroup::kWeights, "an ONNX model"};
  for (const auto& signature : kBinary) {
    if (HasAt(head, signature.offset, signature.bytes)) return FileKind{signature.group, signature.name};
  }
  if (head.size() > 376 && head[0] == 'G' && head[188] == 'G' && head[376] == 'G') {
    return FileKind{FileGroup::kFilm, "a film (MPEG transport stream)"};
  }
  return std::nullopt;
}

std::optional<FileKind> RecogniseXml(std::string_view text) {
  if (FindIgnoringCase(text, "<svg")) return FileKind{FileGroup::kPicture, "an SVG drawing"};
  if (FindIgnoringCase(text, "<html")) return FileKind{FileGroup::kWebPage, "a web page"};
  if (FindIgnoringCase(text, "<kml")) return FileKind{FileGroup::kDocument, "a KML file"};
  if (FindIgnoringCase(text, "<gpx")) return FileKind{FileGroup::kDocument, "a GPX track"};
  if (FindIgnoringCase(text, "<error")) return FileKind{FileGroup::kWebPage, "a server's error message (XML)"};
  return FileKind{FileGroup::kWebPage, "an XML text"};
}

// The oldest protocol of pickles is text: PyTorch's magic number in digits, a mark and a dict or list, or a name, which
// stands in two lines.
bool IsTextPickle(std::string_view text) {
  for (const auto start : {"L119547037146038801333356L"sv, "(dp"sv, "(lp"sv}) {
    if (text.starts_with(start)) return true;
  }
  if (!text.starts_with('c')) return false;
  const auto is_name = [](std::string_view line) {
    return !line.empty() && std::all_of(line.begin(), line.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
    });
  };
  const std::size_t first = text.find('\n');
  const std::size_t second = first == text.npos ? first : text.find('\n', first + 1);
  if (second == text.npos || !is_name(text.substr(1, first - 1)) ||
      !is_name(text.substr(first + 1, second - first - 1))) {
    return false;
  }
  text.remove_prefix(second + 1);
  if (text.starts_with("p0\n")) text.remove_prefix(3);  // kept under a number
  return text.starts_with('(');
}

FileKind RecogniseText(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (StartsIgnoringCase(text, "version https://git-lfs.github.com/spec/")) {
    return {FileGroup::kPointer, "a git-LFS pointer"};
  }
  if (text.starts_with("/annex/objects/")) return {FileGroup::kPointer, "a git-annex pointer"};
  if (text.starts_with("{\\rtf")) return {FileGroup::kDocument, "an RTF document"};
  if (text.starts_with("#!")) return {FileGroup::kProgram, "a script"};
  if (IsTextPickle(text)) return {FileGroup::kWeights, "a Python pickle"};
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  for (const auto start : {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv}) {
    if (StartsIgnoringCase(text, start)) return {FileGroup::kWebPage, "a web page"};
  }
  if (StartsIgnoringCase(text, "<svg")) return {FileGroup::kPicture, "an SVG drawing"};
  if (text.starts_with("<?xml") || text.starts_with("<!--") || StartsIgnoringCase(text, "<!doctype"))
    return *RecogniseXml(text);
  if (text.starts_with("<")) {
    if (StartsIgnoringCase(text, "<kml") || StartsIgnoringCase(text, "<gpx") || StartsIgnoringCase(text, "<error")) {
      return *RecogniseXml(text);
    }
  }
  if (text.starts_with('{') || text.starts_with('[')) {
    const std::size_t next = text.find_first_not_of(" \t\r\n", 1);
    if (next != text.npos && std::string_view("\"{[]}-0123456789tfn").find(text[next]) != std::string_view::npos) {
      return {FileGroup::kJson, "a JSON text"};
    }
  }
  return {FileGroup::kText, "a text"};
}

bool IsWanted(FileUse use, const FileKind& kind) {
  switch (use) {
    case FileUse::kPhoto:
      return kind.group == FileGroup::kPhoto;
    case FileUse::kMask:
      return kind.name == "a PNG picture";
    case FileUse::kPhotos:
      // A tar archive without members is nothing but zeros.
      return kind.name == "a tar archive" || kind.name == "a zip archive" || kind.name == "an empty zip archive" ||
             kind.group == FileGroup::kZeros;
    case FileUse::kTable:
      return kind.group == FileGroup::kText || kind.group == FileGroup::kEmpty || kind.name == "compressed with gzip";
    case FileUse::kFeatures:
      return kind.name == "a safetensors file";
    case FileUse::kWeights:
      // An index of shards is JSON.
      return kind.name == "a safetensors file" || kind.name == "a PyTorch file (.pt, .pth)" ||
             kind.name == "a Python pickle" || kind.group == FileGroup::kJson || kind.name == "a zip archive" ||
             kind.name == "a tar archive";
    case FileUse::kIndex:
      return kind.group == FileGroup::kIndex;
    case FileUse::kCache:
      return kind.group == FileGroup::kDatabase || kind.group == FileGroup::kEmpty;
    case FileUse::kConfig:
      return kind.group == FileGroup::kText || kind.group == FileGroup::kJson || kind.group == FileGroup::kUtf16 ||
             kind.group == FileGroup::kEmpty || kind.group == FileGroup::kProgram;  // "#!" is a comment in YAML
  }
  return false;
}

const char* WhatIsWanted(FileUse use) {
  switch (use) {
    case FileUse::kPhoto:
      return "a photo (JPEG, PNG, WebP, TIFF and BMP are read)";
    case FileUse::kMask:
      return "a PNG; masks are 8-bit single-channel PNGs of class ids";
    case FileUse::kPhotos:
      return "a tar archive, a zip archive or a folder of photos";
    case FileUse::kTable:
      return "a CSV table";
    case FileUse::kFeatures:
      return "safetensors";
    case FileUse::kWeights:
      return "weights (safetensors and PyTorch's .pt and .pth are read)";
    case FileUse::kIndex:
      return "a FAISS index";
    case FileUse::kCache:
      return "a cache of answers (SQLite)";
    case FileUse::kConfig:
      return "a YAML file";
  }
  return "";
}

std::string PictureAdvice(const FileKind& kind) {
  const std::string_view name = kind.name;
  if (name.find("HEI") != name.npos) return "convert it to JPEG (heif-convert does)";
  if (name.find("AVIF") != name.npos) return "convert it to JPEG (avifdec does)";
  if (name.find("JPEG XL") != name.npos) return "convert it to JPEG (djxl does)";
  if (name.find("raw") != name.npos) return "develop it and save it as JPEG or TIFF";
  return "save it as JPEG or PNG";
}

// What to do with a file that is not what `use` asks for; empty where there is nothing to say but what is wanted.
std::string WhatToDo(const FileKind& kind, FileUse use) {
  const bool photo = use == FileUse::kPhoto;
  switch (kind.group) {
    case FileGroup::kPointer:
      if (kind.name == "a git-LFS pointer") return "fetch the file itself with `git lfs pull`";
      if (kind.name == "a git-annex pointer") return "fetch the file itself with `git annex get`";
      return "the file itself is elsewhere";
    case FileGroup::kWebPage:
      return "the download gave an error or login page; fetch it again";
    case FileGroup::kEmpty:
    case FileGroup::kZeros:
      return "the download or copy failed; fetch it again";
    case FileGroup::kArchive:
    case FileGroup::kCompressed:
      return use == FileUse::kPhotos ? "photos are read in place: unpack it to a folder or to a plain tar first"
                                     : "unpack it first";
    case FileGroup::kPicture:
      if (photo) return PictureAdvice(kind);
      break;
    case FileGroup::kFilm:
      if (photo) return "take single pictures from it (ffmpeg does)";
      break;
    case FileGroup::kDocument:
      if (kind.name == "a KML file" || kind.name == "a GPX track") break;  // without pictures
      if (photo) return "save its pictures as JPEG or PNG";
      break;
    case FileGroup::kSheet:
    case FileGroup::kTable:
    case FileGroup::kDatabase:
    case FileGroup::kJson:
      if (use == FileUse::kTable) return "save it as CSV";
      break;
    case FileGroup::kArray:
      if (use == FileUse::kFeatures) return "convert it in Python (docs/formats.md, Features, has the lines)";
      if (use == FileUse::kWeights) return "save its tensors as safetensors, in Python";
      if (use == FileUse::kTable) return "save it as CSV";
      break;
    case FileGroup::kWeights:
      if (use == FileUse::kFeatures)
        return "`dualgeo embed photos` makes features, and docs/formats.md has how to convert others";
      break;
    case FileGroup::kUtf16:
      if (use == FileUse::kTable) return "save it as UTF-8";
      break;
    default:
      break;
  }
  return "";
}

}  // namespace

std::optional<FileKind> RecogniseFile(std::string_view head) {
  head = head.substr(0, kFileHeadBytes);
  if (head.empty()) return FileKind{FileGroup::kEmpty, "an empty file"};
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) {
    // Not what begins with the same two bytes: UTF-16 text has a zero byte in nearly every unit.
    if (head.size() % 2 == 0 || head.size() == kFileHeadBytes) {
      if (head.substr(2).find('\0') != head.npos) return FileKind{FileGroup::kUtf16, "a text in UTF-16"};
    }
  }
  if (head.starts_with("%PDF-")) return FileKind{FileGroup::kDocument, "a PDF document"};
  if (head.starts_with("%!PS")) return FileKind{FileGroup::kDocument, "a PostScript document"};
  if (head.starts_with("!<arch>\n")) return FileKind{FileGroup::kArchive, "an ar archive"};
  // No text begins as JPEG, PNG or NumPy do, even where no control character follows.
  if ((head[0] & 0x80) != 0) {
    if (auto kind = RecogniseBinary(head)) return kind;
  }
  if (LooksLikeText(head)) return RecogniseText(head);
  if (auto kind = RecogniseBinary(head)) return kind;
  if (head.size() >= 64 && head.find_first_not_of('\0') == head.npos) {
    return FileKind{FileGroup::kZeros, "a file of zero bytes"};
  }
  return std::nullopt;
}

std::optional<std::string> DescribeOtherFile(std::string_view head, FileUse use) {
  const auto kind = RecogniseFile(head);
  if (!kind || IsWanted(use, *kind)) return std::nullopt;
  std::string text = kind->name;
  const std::string advice = WhatToDo(*kind, use);
  if (advice.empty()) return text + ", not " + WhatIsWanted(use);
  return text + (kind->group == FileGroup::kCompressed ? "" : std::string(", not ") + WhatIsWanted(use)) + "; " +
         advice;
}

}  // namespace dualgeo
