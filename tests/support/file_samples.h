// First bytes of files that people give where a photo, a table, features or weights are expected.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

struct FileSample {
  std::string word;  // that a message must have in it
  std::string bytes;
};

inline const std::vector<FileSample>& FileSamples() {
  using namespace std::string_literals;
  const auto padded = [](std::string bytes, std::size_t size = 600) {
    if (bytes.size() < size) bytes.resize(size, '\x01');
    return bytes;
  };
  const auto iso = [&](const std::string& brand, const std::string& more = "") {
    return padded("\0\0\0"s + static_cast<char>(16 + more.size()) + "ftyp" + brand + "\0\0\0\0"s + more);
  };
  const auto zip = [&](const std::string& name, const std::string& content = "") {
    return padded("PK\3\4"s + std::string(22, '\0') + static_cast<char>(name.size()) + "\0\0\0"s + name + content);
  };
  // One directory of entries (tag, type, value), little endian.
  const auto tiff = [&](const std::vector<std::vector<int>>& entries, const std::string& at_200 = "") {
    std::string bytes = "II*\0\x08\0\0\0"s + static_cast<char>(entries.size()) + "\0"s;
    for (const auto& entry : entries) {
      bytes += {static_cast<char>(entry[0] & 255),
                static_cast<char>(entry[0] >> 8),
                static_cast<char>(entry[1]),
                0,
                1,
                0,
                0,
                0,
                static_cast<char>(entry[2] & 255),
                static_cast<char>(entry[2] >> 8),
                0,
                0};
    }
    bytes.resize(200, '\0');
    return padded(bytes + at_200);
  };
  const auto at = [&](std::size_t offset, const std::string& text) {
    return padded(std::string(offset, '\x02') + text);
  };
  static const std::vector<FileSample> samples = {
      {"HEIC", iso("heic", "mif1heic")},
      {"HEIC", iso("mif1", "mif1heic")},
      {"HEIC", iso("heix")},
      {"HEIF", iso("mif1", "miaf")},
      {"AVIF", iso("avif", "mif1")},
      {"AVIF", iso("mif1", "avif")},
      {"CR3", iso("crx ", "crx isom")},
      {"film (MP4)", iso("isom", "avc1")},
      {"film (MP4)", iso("mp42")},
      {"QuickTime", iso("qt  ")},
      {"QuickTime", padded("\0\0\0\x08wide\0\0\0\x10mdat"s)},
      {"Matroska", padded("\x1a\x45\xdf\xa3")},
      {"AVI", padded("RIFF\x10\0\0\0AVI LIST"s)},
      {"MPEG", padded("\0\0\1\xba"s)},
      {"GIF", padded("GIF89a\x05\0\x05\0"s)},
      {"JPEG XL", padded("\0\0\0\x0cJXL \r\n\x87\n"s)},
      {"JPEG XL", padded("\xff\x0a\x10")},
      {"JPEG 2000", padded("\0\0\0\x0cjP  \r\n\x87\n"s)},
      {"JPEG 2000", padded("\xff\x4f\xff\x51")},
      {"CR2", padded("II*\0\x10\0\0\0CR\2\0"s)},
      {"DNG", tiff({{0x0100, 3, 16}, {0xC612, 3, 1}})},
      {"NEF", tiff({{0x00FE, 3, 1}, {0x010F, 2, 200}, {0x014A, 3, 1}}, "NIKON CORPORATION")},
      {"camera raw", tiff({{0x0106, 3, 32803}})},
      {"RAF", padded("FUJIFILMCCD-RAW \1\2")},
      {"PSD", padded("8BPS\0\1"s)},
      {"SVG", "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>"},
      {"SVG", "<svg width=\"1\"/>"},
      {"PDF", padded("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")},
      {"PDF", "%PDF-1.4\nplain"},
      {"DOCX", zip("[Content_Types].xml", "PK\3\4word/document.xml")},
      {"XLSX", zip("[Content_Types].xml", "PK\3\4xl/workbook.xml")},
      {"ODS", zip("mimetype", "application/vnd.oasis.opendocument.spreadsheet")},
      {"EPUB", zip("mimetype", "application/epub+zip")},
      {"Office", padded("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")},
      {"gzip", padded("\x1f\x8b\x08")},
      {"bzip2", padded("BZh91AY&SY\x01")},
      {"xz", padded("\xfd\x37zXZ\0"s)},
      {"zstd", padded("\x28\xb5\x2f\xfd")},
      {"lz4", padded("\x04\x22\x4d\x18")},
      {"7z", padded("7z\xbc\xaf\x27\x1c")},
      {"RAR", padded("Rar!\x1a\x07\x01")},
      {"tar archive", at(257, "ustar\0"s)},
      {"zip archive", zip("photos/a.jpg")},
      {"web page", "<!DOCTYPE html><html>"},
      {"web page", "\n <HTML lang=en>"},
      {"web page", "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC><html>"},
      {"server's error", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"},
      {"JSON", "{\"error\": \"not found\"}"},
      {"JSON", "[{\"IMG_ID\": 1}]"},
      {"NumPy array", padded("\x93NUMPY\1\0"s)},
      {"NumPy archive", zip("arr_0.npy")},
      {"HDF5", padded("\x89HDF\r\n\x1a\n")},
      {"MATLAB", padded("MATLAB 5.0 MAT-file, Platform: GLNXA64\1")},
      {"safetensors", "\x40\0\0\0\0\0\0\0{\"a\":{}}"s},
      {"PyTorch", zip("archive/data.pkl")},
      {"pickle", padded("\x80\4\x95")},
      {"ONNX", padded("\x08\x07\x12\x07pytorch\x1a\x05"
                      "2.1.0:"s)},
      {"GGUF", padded("GGUF\3\0\0\0"s)},
      {"Parquet", padded("PAR1\x15\4")},
      {"Arrow", padded("ARROW1\0\0"s)},
      {"Feather", padded("FEA1\0\0"s)},
      {"SQLite", padded("SQLite format 3\0"s)},
      {"FAISS", padded("IxFI\x40\0\0\0\x10\0\0\0"s)},
      {"FAISS", padded("IwFl\x40\0\0\0\x10\0\0\0"s)},
      {"ELF", padded("\x7f"
                     "ELF\2\1")},
      {"program (Windows)", padded("MZ\x90\0"s)},
      {"script", "#!/bin/sh\necho\n"},
      {"git-LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 12\n"},
      {"git-annex", "/annex/objects/SHA256E-s12--1.jpg\n"},
      {"AppleDouble", padded("\0\x05\x16\x07\0\2\0\0"s)},
      {"UTF-16", "\xff\xfei\0d\0,\0"s},
      {"UTF-16", "\xfe\xff\0i\0d\0,"s},
      {"zero bytes", std::string(600, '\0')},
      {"text", "just some words\n"},
      {"JPEG", padded("\xff\xd8\xff\xe0")},
      {"PNG", padded("\x89PNG\r\n\x1a\n")},
      {"WebP", padded("RIFF\x10\0\0\0WEBPVP8 "s)},
      {"TIFF", tiff({{0x0100, 3, 16}})},
      {"BMP", padded("BM\x36\0\0\0"s)},
  };
  return samples;
}

}  // namespace dualgeo
