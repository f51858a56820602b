// Fields of a JSON file, with errors that say where: "robustness.json: conditions[2].name: expected text, got 3".
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

class JsonReader {
 public:
  // `json` must outlive the reader. where: "robustness.json".
  JsonReader(const nlohmann::ordered_json& json, std::string file, std::string field = "")
      : json_(&json), file_(std::move(file)), field_(std::move(field)) {}

  // A missing field and null are the same.
  bool Has(const std::string& key) const {
    return json_->is_object() && json_->contains(key) && !(*json_)[key].is_null();
  }

  JsonReader At(const std::string& key) const {
    Expect(json_->is_object(), "an object");
    if (!Has(key)) throw InputError(file_ + ": " + Field(key) + ": missing");
    return {(*json_)[key], file_, Field(key)};
  }

  bool IsNull() const { return json_->is_null(); }
  bool IsText() const { return json_->is_string(); }
  // On one line; text without its quotation marks.
  std::string Dump() const {
    if (IsText()) return Text();
    return json_->dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  bool IsNumber() const { return json_->is_number(); }
  std::string Text() const {
    Expect(json_->is_string(), "text");
    return json_->get<std::string>();
  }
  double Number() const {
    Expect(json_->is_number(), "a number");
    return json_->get<double>();
  }
  bool Flag() const {
    Expect(json_->is_boolean(), "true or false");
    return json_->get<bool>();
  }
  std::string Text(const std::string& key) const { return Has(key) ? At(key).Text() : ""; }
  std::optional<double> Number(const std::string& key) const {
    return Has(key) ? std::optional(At(key).Number()) : std::nullopt;
  }
  bool Flag(const std::string& key) const { return Has(key) && At(key).Flag(); }

  std::vector<JsonReader> List() const {
    Expect(json_->is_array(), "a list");
    std::vector<JsonReader> list;
    for (std::size_t i = 0; i < json_->size(); ++i) {
      list.emplace_back((*json_)[i], file_, field_ + "[" + std::to_string(i) + "]");
    }
    return list;
  }
  std::vector<JsonReader> List(const std::string& key) const {
    return Has(key) ? At(key).List() : std::vector<JsonReader>();
  }
  // The entries of an object, by name.
  std::vector<std::pair<std::string, JsonReader>> Entries() const {
    Expect(json_->is_object(), "an object");
    std::vector<std::pair<std::string, JsonReader>> entries;
    for (const auto& [key, value] : json_->items()) entries.emplace_back(key, JsonReader(value, file_, Field(key)));
    return entries;
  }
  // An object whose keys are thresholds in km: {"1": .., "25": ..}
  std::vector<std::pair<double, JsonReader>> ByThreshold(const std::string& key) const {
    std::vector<std::pair<double, JsonReader>> entries;
    if (!Has(key)) return entries;
    for (const auto& [name, value] : At(key).Entries()) {
      const auto km = ParseDouble(name);
      if (!km) throw InputError(file_ + ": " + Field(key) + ": '" + Printable(name) + "' is not a distance in km");
      entries.emplace_back(*km, value);
    }
    return entries;
  }

  void Expect(bool condition, const std::string& what) const {
    if (condition) return;
    throw InputError(file_ + ": " + (field_.empty() ? "" : field_ + ": ") + "expected " + what + ", got " +
                     Printable(Dump(), 40));
  }

 private:
  std::string Field(const std::string& key) const { return (field_.empty() ? "" : field_ + ".") + Printable(key, 40); }

  const nlohmann::ordered_json* json_;
  std::string file_, field_;
};

}  // namespace dualgeo
