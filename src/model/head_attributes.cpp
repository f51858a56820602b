#include "head_attributes.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "head_kinds.h"
#include "io/csv.h"

namespace dualgeo {
namespace {

constexpr std::int64_t kNoClass = -100;  // what cross_entropy passes over

std::string AttributeOutput(const std::string& name) { return "attribute_" + name; }

torch::Tensor LinesTensor(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  auto bytes = torch::empty({static_cast<std::int64_t>(text.size())}, torch::kUInt8);
  std::memcpy(bytes.data_ptr(), text.data(), text.size());
  return bytes;
}

std::vector<std::string> TensorLines(const torch::Tensor& tensor) {
  const auto bytes = tensor.to(torch::kCPU, torch::kUInt8).contiguous();
  std::vector<std::string> lines(1);
  for (std::int64_t i = 0; i < bytes.numel(); ++i) {
    const char c = static_cast<char>(bytes.data_ptr<std::uint8_t>()[i]);
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back().push_back(c);
    }
  }
  lines.pop_back();
  return lines;
}

// On the scale on which it is standardised; nothing where it has no place there.
std::optional<double> Scaled(const std::string& scale, const std::string& text) {
  const auto number = ParseDouble(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  if (scale == "linear") return *number;
  if (scale == "symlog") return std::copysign(std::log1p(std::abs(*number)), *number);
  if (*number > 0) return std::log(*number);
  return std::nullopt;
}

torch::Tensor Unscaled(const std::string& scale, const torch::Tensor& value) {
  if (scale == "linear") return value;
  return scale == "log" ? torch::exp(value) : torch::sign(value) * torch::expm1(value.abs());
}

// The numbers of a column; NaN where a cell is empty.
std::vector<double> NumbersOf(const AttributeOptions& attribute, const TableValues& table) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto& values = table.columns.at(attribute.column);
  std::vector<double> numbers(values.size(), kNone);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (MeansNothing(values[i])) continue;
    const auto number = Scaled(attribute.scale, values[i]);
    if (!number) {
      const bool is_number = ParseDouble(values[i]).has_value();
      throw InputError(table.At(i) + attribute.column + " " + Printable(values[i]) +
                       (is_number ? " has no place on the scale " + attribute.scale : " is not a number"));
    }
    numbers[i] = *number;
  }
  return numbers;
}

// Says how many photos an attribute is not known of.
void CountUnknown(const std::string& name, const AttributeOptions& attribute, const TableValues& train) {
  const auto& values = train.columns.at(attribute.column);
  const auto unknown = std::ranges::count_if(values, [&](const std::string& value) {
    return attribute.type == "value" ? MeansNothing(value) : value.empty();
  });
  if (unknown == std::ssize(values)) {
    throw InputError(train.file + ": column " + attribute.column + " is empty for every training photo, so attribute " +
                     name + " cannot be learned");
  }
  if (unknown > 0) {
    spdlog::warn("train: {} of {} photos have no {} and are left out of the loss of attribute {}", unknown,
                 values.size(), attribute.column, name);
  }
}

}  // namespace

AttributesHeadImpl::AttributesHeadImpl(const ModelOptions& model) : embed_dim_(model.embed_dim) {
  layers_ = register_module("attributes", std::make_shared<torch::nn::Module>());
  for (const auto& [name, options] : model.attributes) attributes_[name].options = options;
}

void AttributesHeadImpl::Learn(const TableValues& train, const TableValues* validation) {
  for (auto& [name, attribute] : attributes_) {
    CountUnknown(name, attribute.options, train);
    if (IsClass(attribute)) {
      LearnClasses(name, attribute, train, validation);
    } else {
      LearnNumber(name, attribute, train, validation);
    }
    AddLayer(name, attribute);
  }
}

void AttributesHeadImpl::LearnClasses(const std::string& name, Attribute& attribute, const TableValues& train,
                                      const TableValues* validation) {
  const AttributeOptions& options = attribute.options;
  // A share that was split off the training table may hold a rare class alone.
  const bool one_table = validation != nullptr && validation->file == train.file;
  std::set<std::string> known(options.classes.begin(), options.classes.end());
  if (options.classes.empty()) {
    known.insert(train.columns.at(options.column).begin(), train.columns.at(options.column).end());
    if (one_table) {
      known.insert(validation->columns.at(options.column).begin(), validation->columns.at(options.column).end());
    }
    known.erase("");
    if (known.size() < 2) {
      throw InputError(train.file + ": column " + options.column + " has one class alone, " +
                       Printable(*known.begin()) + ", so attribute " + name + " has nothing to tell apart");
    }
  }
  attribute.classes = options.classes.empty() ? std::vector<std::string>(known.begin(), known.end()) : options.classes;
  for (const TableValues* table : {&train, validation}) {
    if (table == nullptr) continue;
    const auto& values = table->columns.at(options.column);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].find('\n') != std::string::npos) {
        throw InputError(table->At(i) + options.column + " " + Printable(values[i]) + " is no class: it has two lines");
      }
      if (values[i].empty() || known.contains(values[i])) continue;
      throw InputError(
          table->At(i) + options.column + " " + Printable(values[i]) + " is not among the classes " +
          (options.classes.empty() ? "of the training photos" : "of model.attributes." + name + ".classes") + ": " +
          Printable(Join(attribute.classes), 200));
    }
  }
}

void AttributesHeadImpl::LearnNumber(const std::string& name, Attribute& attribute, const TableValues& train,
                                     const TableValues* validation) {
  std::vector<double> known = NumbersOf(attribute.options, train);
  std::erase_if(known, [](double number) { return std::isnan(number); });
  const auto numbers = torch::tensor(known, torch::kFloat64);
  attribute.mean = numbers.mean();
  attribute.spread = numbers.std(/*unbiased=*/false);
  if (attribute.spread.item<double>() <= 0) {
    throw InputError(train.file + ": column " + attribute.options.column + " has one number alone, so attribute " +
                     name + " has nothing to learn");
  }
  if (validation != nullptr) NumbersOf(attribute.options, *validation);  // only to refuse what is none
}

void AttributesHeadImpl::AddLayer(const std::string& name, Attribute& attribute) {
  const std::size_t outputs = IsClass(attribute) ? attribute.classes.size() : 1;
  attribute.layer = Linear(embed_dim_, static_cast<std::int64_t>(outputs));
  layers_->register_module(name, attribute.layer);
  if (seed_) InitialisePart(*seed_, ("attributes." + name).c_str(), attribute.layer);
  if (IsClass(attribute)) {
    attribute.layer->register_buffer("classes", LinesTensor(attribute.classes));
  } else {
    attribute.layer->register_buffer("mean", attribute.mean);
    attribute.layer->register_buffer("std", attribute.spread);
  }
}

void AttributesHeadImpl::ShapeAs(const TensorMap& stored) {
  for (auto& [name, attribute] : attributes_) {
    if (attribute.layer) continue;
    if (IsClass(attribute)) {
      attribute.classes = AttributeClasses(stored, name);
      if (attribute.classes.empty()) continue;  // loading says what is missing
    } else {
      attribute.mean = torch::zeros({}, torch::kFloat64);
      attribute.spread = torch::ones({}, torch::kFloat64);
    }
    AddLayer(name, attribute);
  }
}

void AttributesHeadImpl::CheckLoaded() const {
  for (const auto& [name, attribute] : attributes_) {
    if (!IsClass(attribute) || attribute.options.classes.empty()) continue;
    if (attribute.classes == attribute.options.classes) continue;
    throw InputError("model.attributes." + name +
                     ".classes: the checkpoint was trained on others: " + Printable(Join(attribute.classes), 200));
  }
}

NamedTensors AttributesHeadImpl::Forward(const ViewFeatures& features, const Targets&) {
  NamedTensors outputs;
  for (auto& [name, attribute] : attributes_) {
    if (!attribute.layer) {
      throw InputError("model.attributes." + name +
                       ": what it tells apart comes from a training; there is no checkpoint");
    }
    outputs.emplace_back(AttributeOutput(name), attribute.layer(PhotoVector(features, attribute.options.vector)));
  }
  return outputs;
}

torch::Tensor AttributesHeadImpl::ClassLoss(const Attribute& attribute, const torch::Tensor& logits,
                                            const std::vector<std::string>& values, torch::Tensor& accuracy) const {
  auto labels = torch::full({logits.size(0)}, kNoClass, torch::kInt64);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto found = std::ranges::find(attribute.classes, values[i]);
    if (found != attribute.classes.end()) labels[static_cast<std::int64_t>(i)] = found - attribute.classes.begin();
  }
  labels = labels.to(logits.device());
  const auto known = (labels != kNoClass).sum().clamp_min(1);
  accuracy = 100 * (logits.detach().argmax(1) == labels).sum() / known;
  // The sum, so that a batch of which nothing is known gives 0 and not 0 / 0.
  return torch::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum, kNoClass, attribute.options.smoothing) /
         known;
}

torch::Tensor AttributesHeadImpl::NumberLoss(const Attribute& attribute, const torch::Tensor& output,
                                             const std::vector<std::string>& values) const {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> numbers;
  for (const auto& value : values) numbers.push_back(Scaled(attribute.options.scale, value).value_or(kNone));
  const auto wanted = (torch::tensor(numbers, torch::kFloat64).to(output.device()) - attribute.mean) / attribute.spread;
  const auto known = torch::isfinite(wanted);
  const auto error =
      output.squeeze(1) - torch::where(known, wanted, torch::zeros_like(wanted)).to(output.scalar_type());
  return (error.square() * known).sum() / known.sum().clamp_min(1);
}

TrainingLoss AttributesHeadImpl::Loss(const NamedTensors& outputs, const Targets& targets) {
  TrainingLoss loss;
  std::size_t next = 0;
  for (const auto& [name, attribute] : attributes_) {
    const auto& [output_name, output] = outputs[next++];
    if (attribute.options.weight == 0) continue;
    const auto& values = targets.columns.at(attribute.options.column);
    torch::Tensor term, accuracy;
    if (IsClass(attribute)) {
      term = ClassLoss(attribute, output, values, accuracy);
    } else {
      term = NumberLoss(attribute, output, values);
    }
    loss.details.emplace_back(output_name, term);
    if (accuracy.defined()) loss.details.emplace_back(output_name + "_accuracy", accuracy);
    const auto weighted = attribute.options.weight * term;
    loss.total = loss.total.defined() ? loss.total + weighted : weighted;
  }
  return loss;
}

NamedTensors AttributesHeadImpl::Attributes(const ViewFeatures& features) {
  NamedTensors attributes = Forward(features, {});
  std::size_t next = 0;
  for (const auto& [name, attribute] : attributes_) {
    torch::Tensor& value = attributes[next++].second;
    if (IsClass(attribute)) {
      value = torch::softmax(value, 1, torch::kFloat32);
    } else {
      value = Unscaled(attribute.options.scale, value.to(torch::kFloat64) * attribute.spread + attribute.mean)
                  .to(torch::kFloat32);
    }
  }
  return attributes;
}

std::vector<std::string> AttributesHeadImpl::ClassesOf(const std::string& attribute) const {
  for (const auto& [name, own] : attributes_) {
    if (AttributeOutput(name) == attribute) return own.classes;
  }
  return {};
}

std::vector<std::string> AttributeClasses(const TensorMap& stored, const std::string& name) {
  const auto found = stored.find("attributes." + name + ".classes");
  return found == stored.end() ? std::vector<std::string>() : TensorLines(found->second);
}

std::shared_ptr<HeadImpl> MakeAttributesHead(const ModelOptions& model, const LossOptions&) {
  return std::make_shared<AttributesHeadImpl>(model);
}

std::vector<std::string> AttributeColumns(const ModelOptions& model) {
  std::vector<std::string> columns;
  for (const auto& item : model.attributes) columns.push_back(item.second.column);
  return columns;
}

}  // namespace dualgeo
