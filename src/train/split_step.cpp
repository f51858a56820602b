#include "split_step.h"

#include <nlohmann/json.hpp>

#include <string>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// Of all pieces, one behind the other.
std::vector<NamedTensors> JoinPieces(const std::vector<std::vector<NamedTensors>>& pieces) {
  std::vector<NamedTensors> joined;
  for (std::size_t head = 0; !pieces.empty() && head < pieces.front().size(); ++head) {
    NamedTensors& outputs = joined.emplace_back();
    for (std::size_t i = 0; i < pieces.front()[head].size(); ++i) {
      std::vector<torch::Tensor> parts;
      for (const auto& piece : pieces) parts.push_back(piece[head][i].second.detach());
      outputs.emplace_back(pieces.front()[head][i].first, torch::cat(parts));
    }
  }
  return joined;
}

// What a process has to gather: [[[name, type, [rows, ...]], ...], ...].
std::string ShapesOf(const std::vector<NamedTensors>& outputs) {
  auto heads = nlohmann::json::array();
  for (const auto& head : outputs) {
    auto list = nlohmann::json::array();
    for (const auto& [name, tensor] : head) {
      list.push_back({name, static_cast<int>(tensor.scalar_type()), tensor.sizes().vec()});
    }
    heads.push_back(list);
  }
  return heads.dump();
}

// Outputs of no rows, as another process has them.
std::vector<NamedTensors> NoRows(const nlohmann::json& shapes, const torch::Device& device) {
  std::vector<NamedTensors> outputs;
  for (const auto& head : shapes) {
    NamedTensors& list = outputs.emplace_back();
    for (const auto& one : head) {
      auto sizes = one.at(2).get<std::vector<std::int64_t>>();
      sizes[0] = 0;
      const auto type = static_cast<torch::ScalarType>(one.at(1).get<int>());
      list.emplace_back(one.at(0).get<std::string>(), torch::empty(sizes, torch::TensorOptions(type).device(device)));
    }
  }
  return outputs;
}

torch::Tensor Leaf(const torch::Tensor& tensor) {
  auto leaf = tensor.detach();
  if (leaf.is_floating_point()) leaf.requires_grad_(true);
  return leaf;
}

// Gradients of outputs into what made them.
void SendBack(const std::vector<NamedTensors>& outputs, const std::vector<NamedTensors>& leaves,
              const std::vector<std::vector<std::int64_t>>& first) {
  std::vector<torch::Tensor> roots, gradients;
  for (std::size_t head = 0; head < outputs.size(); ++head) {
    for (std::size_t i = 0; i < outputs[head].size(); ++i) {
      const torch::Tensor& output = outputs[head][i].second;
      const torch::Tensor gradient = leaves[head][i].second.grad();
      if (!output.requires_grad() || !gradient.defined()) continue;
      roots.push_back(output);
      gradients.push_back(gradient.narrow(0, first[head][i], output.size(0)));
    }
  }
  if (!roots.empty()) torch::autograd::backward(roots, gradients);
}

}  // namespace

SplitStep::SplitStep(TrainTask& task, Processes& all, std::vector<Piece> pieces, std::uint64_t step_seed)
    : task_(task), all_(all), pieces_(std::move(pieces)), step_seed_(step_seed) {}

SplitStep::Outputs SplitStep::RunPiece(const Piece& piece) {
  torch::manual_seed(piece.seed);
  return task_.Outputs(piece.batch);
}

void SplitStep::GatherPhotos() {
  std::vector<torch::Tensor> places;
  std::vector<std::int64_t> indices;
  for (const auto& piece : pieces_) {
    places.push_back(piece.batch.latlon);
    indices.insert(indices.end(), piece.batch.indices.begin(), piece.batch.indices.end());
  }
  if (places.empty()) places.push_back(torch::empty({0, 2}, torch::kFloat64));
  photos_.latlon = all_.Gather(torch::cat(places));
  const auto all = all_.Gather(torch::tensor(indices, torch::kInt64));
  photos_.indices.assign(all.data_ptr<std::int64_t>(), all.data_ptr<std::int64_t>() + all.numel());
}

SplitStep::Outputs SplitStep::GatherOutputs() {
  Outputs outputs = JoinPieces(made_);
  first_.clear();
  for (const auto& head : outputs) first_.emplace_back(head.size(), 0);
  if (!all_.several()) return outputs;
  std::vector<nlohmann::json> shapes;
  for (const std::string& text : all_.GatherText(ShapesOf(outputs))) shapes.push_back(nlohmann::json::parse(text));
  if (outputs.empty()) {
    for (const auto& one : shapes) {
      if (outputs.empty()) outputs = NoRows(one, task_.module().parameters().front().device());
    }
    for (const auto& head : outputs) first_.emplace_back(head.size(), 0);
  }
  for (std::size_t head = 0; head < outputs.size(); ++head) {
    for (std::size_t i = 0; i < outputs[head].size(); ++i) {
      for (int rank = 0; rank < all_.rank(); ++rank) {
        const auto& other = shapes[static_cast<std::size_t>(rank)];
        if (!other.empty()) first_[head][i] += other[head][i][2][0].get<std::int64_t>();
      }
      outputs[head][i].second = all_.Gather(outputs[head][i].second);
    }
  }
  return outputs;
}

TrainingLoss SplitStep::Loss() {
  GatherPhotos();
  for (const auto& piece : pieces_) {
    made_.push_back(RunPiece(piece));
    if (pieces_.size() == 1) continue;
    for (auto& head : made_.back()) {
      for (auto& output : head) output.second = output.second.detach();
    }
  }
  leaves_ = GatherOutputs();
  for (auto& head : leaves_) {
    for (auto& output : head) output.second = Leaf(output.second);
  }
  {
    const torch::AutoGradMode gradients(all_.first());
    torch::manual_seed(step_seed_);
    step_outputs_ = task_.StepOutputs();
  }
  Outputs outputs = leaves_;
  for (std::size_t head = 0; head < step_outputs_.size(); ++head) {
    NamedTensors& leaves = step_leaves_.emplace_back();
    for (const auto& [name, tensor] : step_outputs_[head]) {
      leaves.emplace_back(name, Leaf(tensor));
      outputs[head].push_back(leaves.back());
    }
  }
  TrainingLoss loss = task_.LossOf(outputs, photos_);
  task_.Remember(photos_);
  return loss;
}

void SplitStep::Backward(const torch::Tensor& loss) {
  loss.backward();
  if (!all_.first()) {
    for (auto& parameter : task_.module().parameters()) {
      if (parameter.grad().defined()) parameter.mutable_grad().zero_();
    }
  }
  std::vector<std::vector<std::int64_t>> step_first;
  for (const auto& head : step_outputs_) step_first.emplace_back(head.size(), 0);
  SendBack(step_outputs_, step_leaves_, step_first);
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const Outputs outputs = pieces_.size() == 1 ? std::move(made_[i]) : RunPiece(pieces_[i]);
    SendBack(outputs, leaves_, first_);
    for (std::size_t head = 0; head < outputs.size(); ++head) {
      for (std::size_t k = 0; k < outputs[head].size(); ++k) first_[head][k] += outputs[head][k].second.size(0);
    }
  }
  if (all_.several()) SumGradients();
}

// A gradient that no process has stays undefined: its weight is left alone.
void SplitStep::SumGradients() {
  std::vector<torch::Tensor> parameters;
  std::vector<float> defined;
  for (auto& parameter : task_.module().parameters()) {
    if (!parameter.requires_grad()) continue;
    parameters.push_back(parameter);
    defined.push_back(parameter.grad().defined() ? 1.0F : 0.0F);
  }
  const auto anywhere = torch::tensor(defined);
  all_.Sum({anywhere});
  std::vector<torch::Tensor> gradients;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (anywhere[static_cast<std::int64_t>(i)].item<float>() == 0) continue;
    if (!parameters[i].grad().defined()) parameters[i].mutable_grad() = torch::zeros_like(parameters[i]);
    gradients.push_back(parameters[i].grad());
  }
  all_.Sum(gradients);
}

}  // namespace dualgeo
