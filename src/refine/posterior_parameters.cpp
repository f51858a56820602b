#include "dualgeo/refine/posterior_parameters.h"

#include <algorithm>
#include <utility>

#include "dualgeo/config/config.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// Refuses a list of coefficients of the wrong length.
class LengthCheck {
 public:
  LengthCheck(std::string group, std::size_t widths) : group_(std::move(group)), widths_(widths) {}

  void Field(const char* name, const std::vector<double>& values, const char*) const {
    if (values.empty() || values.size() == widths_) return;
    throw InputError(group_ + "." + name + " has " + std::to_string(values.size()) +
                     " numbers; it must be empty or have one for each of the " + std::to_string(widths_) +
                     " widths_km");
  }

 private:
  std::string group_;
  std::size_t widths_;
};

}  // namespace

void PosteriorParameters::Validate() const {
  if (widths_km.empty()) throw InputError("widths_km is empty; give at least one width");
  if (std::adjacent_find(widths_km.begin(), widths_km.end(), std::greater_equal<>()) != widths_km.end()) {
    throw InputError("widths_km must rise from one to the next, each once");
  }
  for (const auto& [name, weights] :
       {std::pair{"list", &list}, std::pair{"list_with_answers", &list_with_answers}, std::pair{"answers", &answers}}) {
    LengthCheck check(name, widths_km.size());
    EvidenceWeights copy = *weights;  // Visit is for structs that may be changed
    copy.Visit(check);
  }
  if (list.constant.empty()) throw InputError("list.constant is empty; it needs one number for each of widths_km");
  if (answers.constant.empty() != list_with_answers.constant.empty()) {
    throw InputError("answers and list_with_answers must both have a constant, or neither");
  }
}

PosteriorParameters ReadPosteriorParameters(const std::filesystem::path& path) {
  if (path.empty()) return DefaultPosteriorParameters();
  PosteriorParameters parameters;
  try {
    ResolveConfig(OptionTree(parameters), {path}, {});
  } catch (const InputError& error) {
    const std::string message = error.what();
    if (message.starts_with(path.string())) throw;
    throw InputError(path.string() + ": " + message);
  }
  return parameters;
}

void WritePosteriorParameters(const std::filesystem::path& path, PosteriorParameters parameters) {
  parameters.Validate();
  WriteFileAtomically(path,
                      "# The posterior over places of re-ranking by bayes; for rerank.parameters and --parameters.\n" +
                          DumpConfig(OptionTree(parameters)));
}

}  // namespace dualgeo
