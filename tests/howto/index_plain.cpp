// A made-up index: every vector is compared in double, nothing is clever.
#include <algorithm>
#include <fstream>

#include "dualgeo/util/error.h"
#include "index_backend.h"

namespace dualgeo {
namespace {

const std::string kPlain = "plain";

class PlainIndex : public IndexBackend {
 public:
  PlainIndex(Matrix vectors, std::string metric) : vectors_(std::move(vectors)), metric_(std::move(metric)) {}

  void Write(const std::filesystem::path& path) const override {
    std::ofstream out(path, std::ios::binary);
    out << kPlain << ' ' << metric_ << ' ' << vectors_.rows << ' ' << vectors_.columns << '\n';
    out.write(reinterpret_cast<const char*>(vectors_.values.data()),
              static_cast<std::streamsize>(vectors_.values.size() * sizeof(float)));
    if (!out.flush()) throw Error("cannot write " + path.string());
  }
  std::int64_t size() const override { return vectors_.rows; }
  std::int64_t dimension() const override { return vectors_.columns; }
  std::string metric() const override { return metric_; }
  bool exact() const override { return true; }
  void SetParameters(const std::string& parameters) override {
    throw InputError("search.index_parameters: '" + parameters + "': a plain index has none");
  }
  std::vector<std::vector<Neighbor>> Search(const Matrix& queries, std::int64_t k) const override {
    std::vector<std::vector<Neighbor>> found;
    for (std::int64_t q = 0; q < queries.rows; ++q) {
      std::vector<Neighbor> all;
      for (std::int64_t row = 0; row < vectors_.rows; ++row) all.push_back({row, Score(queries.Row(q), row)});
      std::ranges::stable_sort(all, std::greater<>(), &Neighbor::score);
      all.resize(static_cast<std::size_t>(k));
      found.push_back(std::move(all));
    }
    return found;
  }

 private:
  double Score(std::span<const float> query, std::int64_t row) const {
    double score = 0;
    for (std::int64_t i = 0; i < vectors_.columns; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double a = query[at], b = vectors_.Row(row)[at];
      score += metric_ == "l2" ? -(a - b) * (a - b) : a * b;
    }
    return score;
  }

  Matrix vectors_;
  std::string metric_;
};

}  // namespace

bool TakesForPlain(const std::string& factory) { return factory == kPlain; }
bool IsForPlain(const std::string& head) { return head.starts_with(kPlain + " "); }

std::unique_ptr<IndexBackend> BuildPlainIndex(const Matrix& vectors, const std::string&, const std::string& metric,
                                              const KeepIndex&) {
  return std::make_unique<PlainIndex>(vectors, metric);
}

std::unique_ptr<IndexBackend> LoadPlainIndex(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string name, metric;
  std::int64_t rows = 0, columns = 0;
  in >> name >> metric >> rows >> columns;
  in.get();
  const auto left = static_cast<std::int64_t>(std::filesystem::file_size(path)) - in.tellg();
  if (!in || rows < 0 || columns < 1 || left / columns / 4 != rows) throw InputError(path.string() + ": is damaged");
  Matrix vectors(rows, columns);
  in.read(reinterpret_cast<char*>(vectors.values.data()), left);
  return std::make_unique<PlainIndex>(std::move(vectors), metric);
}

}  // namespace dualgeo
