#include "index_file.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// Numbers as they stand in the file, aligned or not.
template <class T>
class PackedArray {
 public:
  PackedArray(const char* data, std::uint64_t size) : data_(data), size_(size) {}
  std::uint64_t size() const { return size_; }
  T operator[](std::uint64_t i) const {
    T value;
    std::memcpy(&value, data_ + i * sizeof(T), sizeof(T));
    return value;
  }

 private:
  const char* data_;
  std::uint64_t size_;
};

struct IndexHeader {
  std::string kind;  // four letters
  std::int64_t dimension = 0;
  std::int64_t rows = 0;
};

class IndexFileWalk {
 public:
  IndexFileWalk(std::string_view bytes, const std::string& name, bool built)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), name_(name), built_(built) {}

  void Walk() {
    Index();
    if (at_ != end_) Fail(std::to_string(end_ - at_) + " bytes after the index");
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw InputError(name_ + ": not a FAISS index that dualgeo builds, or damaged: " + what);
  }
  void Check(bool holds, const char* what) const {
    if (!holds) Fail(what);
  }
  void Count(const std::string& what, std::uint64_t have, std::uint64_t want) const {
    if (have != want) Fail(what + " is " + std::to_string(have) + ", not " + std::to_string(want));
  }

  template <class T>
  T Read() {
    if (static_cast<std::uint64_t>(end_ - at_) < sizeof(T)) Fail("it ends early");
    T value;
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  bool ReadBool() {
    const auto value = Read<std::uint8_t>();
    Check(value <= 1, "a truth value is neither 0 nor 1");
    return value == 1;
  }
  std::string ReadKind() {
    std::string kind(4, ' ');
    for (char& letter : kind) letter = Read<char>();
    return kind;
  }
  template <class T>
  PackedArray<T> Take(std::uint64_t count) {
    if (count > static_cast<std::uint64_t>(end_ - at_) / sizeof(T)) {
      Fail("it tells of " + std::to_string(count) + " values where " + std::to_string(end_ - at_) + " bytes are left");
    }
    const PackedArray<T> values(at_, count);
    at_ += count * sizeof(T);
    return values;
  }
  template <class T>
  PackedArray<T> Vector() {
    return Take<T>(Read<std::uint64_t>());
  }

  // A count that FAISS multiplies, within reason.
  std::uint64_t Size(std::uint64_t value, std::uint64_t least, std::uint64_t most, const char* what) const {
    if (value < least || value > most) Fail(std::string(what) + " is " + std::to_string(value));
    return value;
  }
  std::uint64_t ReadSize(std::uint64_t least, std::uint64_t most, const char* what) {
    return Size(Read<std::uint64_t>(), least, most, what);
  }
  std::int64_t ReadInt(std::int64_t least, std::int64_t most, const char* what) {
    const auto value = Read<std::int32_t>();
    if (value < least || value > most) Fail(std::string(what) + " is " + std::to_string(value));
    return value;
  }

  IndexHeader ReadHeader(const std::string& kind) {
    IndexHeader header;
    header.kind = kind;
    header.dimension = ReadInt(1, kMaxDimension, "the dimension");
    header.rows = Read<std::int64_t>();
    Check(header.rows >= 0 && header.rows < std::int64_t{1} << 40, "the number of vectors is out of range");
    Read<std::int64_t>();
    Read<std::int64_t>();
    const bool trained = ReadBool();
    Check(trained || !built_, "it is not trained");
    ReadInt(0, 1, "the metric");
    return header;
  }

  // What an index holds inside: of this dimension, with so many rows.
  IndexHeader Inner(std::int64_t dimension, std::int64_t rows) {
    if (++depth_ > 8) Fail("indexes nested too deeply");
    const IndexHeader inner = Index();
    --depth_;
    Count("the dimension of an inner index", static_cast<std::uint64_t>(inner.dimension),
          static_cast<std::uint64_t>(dimension));
    Count("the number of vectors of an inner index", static_cast<std::uint64_t>(inner.rows),
          static_cast<std::uint64_t>(rows));
    return inner;
  }

  IndexHeader Index() {
    const std::string kind = ReadKind();
    if (kind == "IxFI" || kind == "IxF2") return Flat(kind);
    if (kind == "IxSQ") return ScalarCodes(kind);
    if (kind == "IxPq") return ProductCodes(kind);
    if (kind == "IwFl" || kind == "IwSq" || kind == "IwPQ") return Ivf(kind);
    if (kind == "IHNf" || kind == "IHNs" || kind == "IHNp") return Hnsw(kind);
    if (kind == "INSf" || kind == "INSs" || kind == "INSp") return Nsg(kind);
    if (kind == "IxPT") return PreTransform(kind);
    if (kind == "IxRF") return Refine(kind);
    Fail("an index of kind '" + Printable(kind) + "'; allowed are " + std::string(kIndexKinds));
  }

  IndexHeader Flat(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    const std::uint64_t values = Read<std::uint64_t>();
    Count("the number of values", values, static_cast<std::uint64_t>(header.rows * header.dimension));
    Take<float>(values);
    return header;
  }

  // The bytes of one vector.
  std::uint64_t ScalarQuantizer(std::int64_t dimension) {
    const std::int64_t type = ReadInt(0, 6, "the scalar quantizer's type");
    ReadInt(0, 3, "the scalar quantizer's range statistic");
    Read<float>();
    const auto d = static_cast<std::uint64_t>(dimension);
    Count("the scalar quantizer's dimension", Read<std::uint64_t>(), d);
    const std::uint64_t code_size = Read<std::uint64_t>();
    const std::uint64_t trained = Vector<float>().size();
    // 8 bits, 4 bits, the same with one range for all dimensions, half floats, bytes as they are, 6 bits.
    const std::uint64_t bits[] = {8, 4, 8, 4, 16, 8, 6};
    const std::uint64_t ranges[] = {2 * d, 2 * d, 2, 2, 0, 0, 2 * d};
    Count("the scalar quantizer's code size", code_size, (d * bits[type] + 7) / 8);
    if (built_ || trained != 0) Count("the scalar quantizer's ranges", trained, ranges[type]);
    return code_size;
  }

  std::uint64_t ProductQuantizer(std::int64_t dimension) {
    const auto d = static_cast<std::uint64_t>(dimension);
    Count("the product quantizer's dimension", Read<std::uint64_t>(), d);
    const std::uint64_t parts = ReadSize(1, d, "the number of the product quantizer's parts");
    Check(d % parts == 0, "the product quantizer's parts do not divide the dimension");
    const std::uint64_t bits = ReadSize(1, most_bits_, "the product quantizer's number of bits");
    Count("the product quantizer's centroids", Vector<float>().size(), d << bits);
    return (parts * bits + 7) / 8;
  }

  void Codes(const IndexHeader& header, std::uint64_t code_size) {
    const std::uint64_t bytes = Vector<std::uint8_t>().size();
    Count("the number of code bytes", bytes, static_cast<std::uint64_t>(header.rows) * code_size);
  }

  IndexHeader ScalarCodes(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    Codes(header, ScalarQuantizer(header.dimension));
    return header;
  }

  IndexHeader ProductCodes(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    Codes(header, ProductQuantizer(header.dimension));
    ReadInt(0, 0, "the product quantizer's search type");
    Check(!ReadBool(), "the product quantizer encodes signs");
    Read<std::int32_t>();
    return header;
  }

  IndexHeader Ivf(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    const std::uint64_t lists = ReadSize(1, std::uint64_t{1} << 31, "the number of lists");
    ReadSize(1, lists, "nprobe");
    const IndexHeader quantizer = Inner(header.dimension, built_ ? static_cast<std::int64_t>(lists) : 0);
    Check(quantizer.kind.starts_with("IxF") || quantizer.kind.starts_with("IHN"),
          "the lists' quantizer is neither flat nor HNSW");
    Check(Read<std::uint8_t>() == 0, "it has a direct map");
    Count("the size of the direct map", Vector<std::int64_t>().size(), 0);
    std::uint64_t code_size = 4 * static_cast<std::uint64_t>(header.dimension);
    if (kind == "IwSq") {
      code_size = ScalarQuantizer(header.dimension);
      Count("the code size", Read<std::uint64_t>(), code_size);
      ReadBool();
    } else if (kind == "IwPQ") {
      ReadBool();
      const std::uint64_t told = Read<std::uint64_t>();
      code_size = ProductQuantizer(header.dimension);
      Count("the code size", told, code_size);
    }
    InvertedLists(header, lists, code_size);
    return header;
  }

  void InvertedLists(const IndexHeader& header, std::uint64_t lists, std::uint64_t code_size) {
    Check(ReadKind() == "ilar", "its lists are stored in another way");
    Count("the number of stored lists", Read<std::uint64_t>(), lists);
    Count("the lists' code size", Read<std::uint64_t>(), code_size);
    const std::string form = ReadKind();
    Check(form == "full" || form == "sprs", "the lists' sizes are stored in another way");
    const bool full = form == "full";
    const auto sizes = Vector<std::uint64_t>();
    if (full) Count("the number of list sizes", sizes.size(), lists);
    Check(full || sizes.size() % 2 == 0, "the lists' sizes are not pairs");
    std::uint64_t rows = 0;
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < sizes.size(); i += full ? 1 : 2) {
      if (!full) {
        Check(sizes[i] >= next && sizes[i] < lists, "the numbers of lists do not rise");
        next = sizes[i] + 1;
      }
      const std::uint64_t size = sizes[full ? i : i + 1];
      if (size > static_cast<std::uint64_t>(header.rows) - rows) Fail("the lists hold more than all vectors");
      rows += size;
      Take<std::uint8_t>(size * code_size);
      const auto ids = Take<std::int64_t>(size);
      for (std::uint64_t j = 0; j < size; ++j) {
        Check(ids[j] >= 0 && ids[j] < header.rows, "a list holds a row number beyond the number of vectors");
      }
    }
    Count("the number of vectors in lists", rows, static_cast<std::uint64_t>(header.rows));
  }

  void CheckStorage(const std::string& kind, const IndexHeader& header) {
    most_bits_ = 8;  // FAISS makes a table of 4^bits distances for a graph
    const IndexHeader storage = Inner(header.dimension, header.rows);
    most_bits_ = kMostBits;
    const bool fits = kind.back() == 'f'   ? storage.kind.starts_with("IxF")
                      : kind.back() == 's' ? storage.kind == "IxSQ"
                                           : storage.kind == "IxPq";
    Check(fits, "the graph's vectors are of another kind");
  }

  IndexHeader Hnsw(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    Check(header.rows <= std::numeric_limits<std::int32_t>::max(), "the graph has too many vectors");
    Vector<double>();  // chances of levels, for adding
    const auto room = Vector<std::int32_t>();
    const auto levels = Vector<std::int32_t>();
    const auto offsets = Vector<std::uint64_t>();
    const auto edges = Vector<std::int32_t>();
    const auto n = static_cast<std::uint64_t>(header.rows);
    Check(room.size() >= 2 && room[0] == 0, "the graph's levels have no room");
    for (std::uint64_t i = 1; i < room.size(); ++i) {
      Check(room[i] >= room[i - 1] && room[i] <= 1 << 20, "the room of the graph's levels is out of order");
    }
    Count("the number of the graph's levels", levels.size(), n);
    Count("the number of the graph's offsets", offsets.size(), n + 1);
    Check(offsets[0] == 0, "the graph's offsets do not begin at 0");
    for (std::uint64_t i = 0; i < n; ++i) {
      Check(levels[i] >= 1 && static_cast<std::uint64_t>(levels[i]) < room.size(), "a level is out of range");
      const auto end = offsets[i] + static_cast<std::uint64_t>(room[static_cast<std::uint64_t>(levels[i])]);
      Check(offsets[i + 1] == end && end <= edges.size(), "the graph's offsets disagree with its levels");
    }
    Count("the number of the graph's edges", edges.size(), offsets[n]);
    for (std::uint64_t i = 0; i < n; ++i) {
      for (std::int32_t level = 0; level < levels[i]; ++level) {
        const auto below = static_cast<std::uint64_t>(room[static_cast<std::uint64_t>(level)]);
        const auto above = static_cast<std::uint64_t>(room[static_cast<std::uint64_t>(level) + 1]);
        for (std::uint64_t j = offsets[i] + below; j < offsets[i] + above; ++j) {
          const std::int32_t to = edges[j];
          if (to == -1) continue;
          Check(to >= 0 && static_cast<std::uint64_t>(to) < n && levels[static_cast<std::uint64_t>(to)] > level,
                "an edge of the graph leads nowhere");
        }
      }
    }
    const auto entry = Read<std::int32_t>();
    const auto highest = Read<std::int32_t>();
    if (n == 0) {
      Check(entry == -1 && highest == -1, "a graph without vectors has an entry");
    } else {
      Check(entry >= 0 && static_cast<std::uint64_t>(entry) < n, "the graph's entry is beyond its vectors");
      Check(highest >= 0 && highest < levels[static_cast<std::uint64_t>(entry)], "the graph's highest level is wrong");
    }
    ReadInt(1, kMaxWidth, "efConstruction");
    ReadInt(1, kMaxWidth, "efSearch");
    ReadInt(1, 1, "upper_beam");
    CheckStorage(kind, header);
    return header;
  }

  IndexHeader Nsg(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    ReadInt(1, kMaxWidth, "GK");
    Read<std::uint8_t>();
    for (int i = 0; i < 4; ++i) Read<std::int32_t>();  // how its neighbours were found, for adding
    const std::int64_t n = ReadInt(0, std::numeric_limits<std::int32_t>::max(), "the number of the graph's vectors");
    const std::int64_t degree = ReadInt(1, 256, "the graph's degree");
    ReadInt(0, kMaxWidth, "L");
    ReadInt(0, kMaxWidth, "C");
    const std::int64_t width = ReadInt(1, kMaxWidth, "search_L");
    const auto entry = Read<std::int32_t>();
    const bool whole = ReadBool();
    if (built_ || whole) {
      Check(whole, "the graph is not built");
      Count("the number of the graph's vectors", static_cast<std::uint64_t>(n),
            static_cast<std::uint64_t>(header.rows));
      Check(n * degree <= std::numeric_limits<std::int32_t>::max(), "the graph has too many edges");
      Check(entry >= 0 && entry < n, "the graph's entry is beyond its vectors");
      // Searching starts from so many different vectors.
      Check(width <= n, "search_L is greater than the number of vectors");
      for (std::int64_t i = 0; i < n; ++i) {
        std::int64_t edges = 0;
        for (auto to = Read<std::int32_t>(); to != -1; to = Read<std::int32_t>()) {
          Check(to >= 0 && to < n && ++edges <= degree, "an edge of the graph leads nowhere");
        }
      }
    }
    CheckStorage(kind, header);
    return header;
  }

  struct Sizes {
    std::int64_t in = 0;
    std::int64_t out = 0;
  };

  Sizes Transform() {
    const std::string kind = ReadKind();
    const bool pca = kind == "Pcam";
    const bool linear = pca || kind == "LTra" || kind == "rrot";
    bool bias = false;
    std::uint64_t matrix = 0, shift = 0, map = 0;
    PackedArray<std::int32_t> columns(nullptr, 0);
    if (pca) {
      Read<float>();
      Read<float>();
      ReadBool();
      Read<std::int32_t>();
      for (int i = 0; i < 3; ++i) Vector<float>();  // mean, eigenvalues, axes: what the matrix was made of
    }
    if (linear) {
      bias = ReadBool();
      matrix = Vector<float>().size();
      shift = Vector<float>().size();
    } else if (kind == "VNrm") {
      Check(Read<float>() == 2, "vectors are normalised in another way than L2norm");
    } else if (kind == "RmDT") {
      columns = Vector<std::int32_t>();
      map = columns.size();
    } else {
      Fail("a transform of kind '" + Printable(kind) + "'; allowed are " + std::string(kIndexKinds));
    }
    Sizes sizes{ReadInt(1, kMaxDimension, "a transform's dimension"),
                ReadInt(1, kMaxDimension, "a transform's dimension")};
    const bool trained = ReadBool();
    Check(trained || !built_, "a transform is not trained");
    const auto in = static_cast<std::uint64_t>(sizes.in), out = static_cast<std::uint64_t>(sizes.out);
    if (linear && (built_ || matrix != 0)) {
      Count("a transform's matrix", matrix, in * out);
      if (bias) Count("a transform's shift", shift, out);
    }
    if (kind == "VNrm") Count("a transform's dimension", out, in);
    if (kind == "RmDT") {
      Count("a transform's map", map, out);
      for (std::uint64_t i = 0; i < map; ++i) {
        Check(columns[i] >= -1 && columns[i] < sizes.in, "a transform takes a dimension that is not there");
      }
    }
    return sizes;
  }

  IndexHeader PreTransform(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    std::int64_t dimension = header.dimension;
    const std::int64_t transforms = ReadInt(1, 8, "the number of transforms");
    for (std::int64_t i = 0; i < transforms; ++i) {
      const Sizes sizes = Transform();
      Count("a transform's dimension", static_cast<std::uint64_t>(sizes.in), static_cast<std::uint64_t>(dimension));
      dimension = sizes.out;
    }
    Inner(dimension, header.rows);
    return header;
  }

  IndexHeader Refine(const std::string& kind) {
    const IndexHeader header = ReadHeader(kind);
    Inner(header.dimension, header.rows);
    const IndexHeader exact = Inner(header.dimension, header.rows);
    Check(exact.kind.starts_with("IxF"), "the refining index is not flat");
    const auto factor = Read<float>();
    Check(factor >= 1 && factor <= 1000, "k_factor is out of range");
    return header;
  }

  static constexpr std::int64_t kMaxDimension = 1 << 20;
  static constexpr std::int64_t kMaxWidth = 1 << 20;
  static constexpr std::uint64_t kMostBits = 16;

  const char* at_;
  const char* const end_;
  const std::string name_;
  const bool built_;
  int depth_ = 0;
  std::uint64_t most_bits_ = kMostBits;  // of a product quantizer
};

}  // namespace

void CheckIndexFile(std::string_view bytes, const std::string& name, bool built) {
  IndexFileWalk(bytes, name, built).Walk();
}

}  // namespace dualgeo
