// Options of training (config keys `train:` and `train_segmenter:`). Light: no LibTorch here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/util/field.h"
#include "train/kinds.h"

namespace dualgeo {

// How the learning rate moves with the step. The formulas are those of PyTorch's (train/schedule.h).
struct ScheduleOptions {
  std::string type = "step";
  int step_epochs = 2;
  std::vector<int> milestones;
  double gamma = 0.87;
  std::int64_t warmup_steps = 0;
  double warmup_epochs = 0;
  double min_lr = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("type", type,
            "step: times gamma every step_epochs; multi_step: times gamma at each of milestones; exponential: times "
            "gamma every epoch; cosine: down to min_lr at the end; constant",
            OneOf{{DUALGEO_SCHEDULES(DUALGEO_KIND_NAME)}});
    v.Field("step_epochs", step_epochs, "epochs between two cuts", Range{1, 1e6}, For{"type", {"step"}});
    v.Field("milestones", milestones, "epochs after which the rate is cut", Range{1, 1e6}, Added{},
            For{"type", {"multi_step"}});
    v.Field("gamma", gamma, "factor of a cut", Range{0, 1}, For{"type", {"step", "multi_step", "exponential"}});
    v.Field("warmup_steps", warmup_steps, "first steps, in which the rate rises linearly from lr / warmup_steps to lr",
            Range{0, 1e12});
    v.Field("warmup_epochs", warmup_epochs, "the same in epochs; added to warmup_steps", Range{0, 1e6});
    v.Field("min_lr", min_lr, "learning rate at the end", Range{0, 1}, For{"type", {"cosine"}});
  }
};

// Config key `train:`. Defaults: the paper's.
struct TrainOptions {
  std::optional<std::string> start_from;
  int epochs = 10;
  int batch_size = 256;
  int chunk_size = 0;
  std::string batch_norm = "synchronised";
  std::string optimizer = "adamw";
  double lr = 4e-5;
  double weight_decay = 1e-6;
  std::string decay = "matrices";
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double momentum = 0.9;
  bool nesterov = false;
  std::vector<std::string> lr_factors;
  double layer_decay = 1;
  double bias_lr_factor = 1;
  double clip_grad_norm = 0;
  ScheduleOptions schedule;
  bool shuffle = true;
  int checkpoint_every_steps = 0;
  bool cache_frozen_features = false;
  int cached_versions = 1;
  int validate_every_epochs = 1;
  int log_every_steps = 1;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("start_from", start_from,
            "weights to learn on from: the model.safetensors of a checkpoint of the same model (fine-tuning, as ISN's "
            "networks of scenes from their base network); optimizer and rate begin anew; null: as the model says",
            Affects::kContent, Added{});
    v.Field("epochs", epochs, "passes over the photos; 0: only write the untrained model", Range{0, 1e6});
    v.Field("batch_size", batch_size,
            "photos a step; an incomplete last batch of an epoch is left out (the order changes every epoch)",
            Range{1, 1e6});
    v.Field("chunk_size", chunk_size,
            "photos that go through the network at once, so that memory holds the activations of so many; gradients "
            "are those of the whole batch (each photo goes through twice). 0: the whole batch, or a process's part",
            Range{0, 1e6}, Added{});
    v.Field("batch_norm", batch_norm,
            "layers of batch normalisation in training. synchronised: statistics of the whole batch, over all "
            "processes (not in chunks); frozen: those that the weights came with",
            OneOf{{"synchronised", "frozen"}}, Added{});
    v.Field("optimizer", optimizer, "adamw: decoupled weight decay; sgd: momentum, weight decay in the gradient",
            OneOf{{DUALGEO_OPTIMIZERS(DUALGEO_KIND_NAME)}}, Added{});
    v.Field("lr", lr, "learning rate", Range{0, 10});
    v.Field("weight_decay", weight_decay, "weight decay", Range{0, 10});
    v.Field(
        "decay", decay,
        "what decays: matrices, weights of two or more dimensions, hence not biases, norms and logit scales; or all "
        "(as the released code)",
        OneOf{{"matrices", "all"}});
    v.Field("beta1", beta1, "decay of the mean gradient", Range{0, 1}, For{"optimizer", {"adamw"}});
    v.Field("beta2", beta2, "decay of the mean squared gradient", Range{0, 1}, For{"optimizer", {"adamw"}});
    v.Field("eps", eps, "added to the denominator", Range{0, 1}, For{"optimizer", {"adamw"}});
    v.Field("momentum", momentum, "how much of the last step's direction stays", Range{0, 1}, Added{},
            For{"optimizer", {"sgd"}});
    v.Field("nesterov", nesterov, "Nesterov's momentum", Added{}, For{"optimizer", {"sgd"}});
    v.Field("lr_factors", lr_factors,
            "factors on the learning rate of weights by how their names begin, [\"vision_model_rgb.=0.1\", ...]; of "
            "several that fit, the longest",
            Added{});
    v.Field("layer_decay", layer_decay,
            "the learning rate of an encoder's block is this times that of the next one; the last block's this times "
            "the rate, what comes before the first block one step more (BEiT: 0.65 to 0.75); 1: the same for all",
            Range{1e-3, 1}, Added{});
    v.Field("bias_lr_factor", bias_lr_factor,
            "factor on the learning rate of biases (TransLocator's released code: 0.024)", Range{0, 100}, Added{});
    v.Field("clip_grad_norm", clip_grad_norm, "gradients are scaled down to this norm over all weights; 0: never",
            Range{0, 1e12});
    v.Group("schedule", schedule, "how the learning rate moves");
    v.Field("shuffle", shuffle, "a new order of the photos every epoch");
    v.Field("checkpoint_every_steps", checkpoint_every_steps, "checkpoints besides those at each epoch's end; 0: none",
            Range{0, 1e9}, Affects::kNothing);
    v.Field(
        "cache_frozen_features", cache_frozen_features,
        "keep what a frozen image encoder gives for every photo, in bf16 in run_dir/frozen, so that an epoch neither "
        "decodes photos nor runs it");
    v.Field("cached_versions", cached_versions,
            "versions of each photo that are kept, augmented differently: epoch e sees version e modulo this; 0: one "
            "for each "
            "epoch",
            Range{0, 1e6}, Added{});
    v.Field("validate_every_epochs", validate_every_epochs, "epochs between validations (always after the last)",
            Range{1, 1e6}, Affects::kNothing);
    v.Field("log_every_steps", log_every_steps, "steps between lines of the log", Range{1, 1e9}, Affects::kNothing);
  }
  // After how many epochs the augmentation of photos begins anew.
  std::int64_t versions() const {
    return cache_frozen_features && cached_versions > 0 ? cached_versions : std::max(epochs, 1);
  }
  // Throws InputError naming field, value and rule.
  void Validate(const std::string& section = "train") const;
};

// Config key `train_segmenter:`. Defaults: SegFormer's own (Xie et al. 2021: AdamW, lr 6e-5, weight decay 0.01).
struct SegmenterTrainOptions : TrainOptions {
  std::string loss_size = "mask";
  std::vector<std::string> degradations;
  double degraded = 0.5;

  SegmenterTrainOptions() {
    epochs = 10;
    batch_size = 16;
    lr = 6e-5;
    weight_decay = 0.01;
    schedule.type = "cosine";
  }
  template <class Visitor>
  void Visit(Visitor& v) {
    TrainOptions::Visit(v);
    v.Field("loss_size", loss_size,
            "mask: logits are resized to the mask before the cross-entropy, as SegFormer does; logits: the mask is "
            "sampled at the logits' quarter size, several times faster on a CPU",
            OneOf{{"mask", "logits"}});
    v.Field("degradations", degradations,
            "photos are made worse by one of these, at a severity of 1 to 5 (`dualgeo robustness --help` lists them), "
            "so that "
            "the segmenter learns to see through them; []: none",
            Added{});
    v.Field("degraded", degraded, "share of the photos that are, in every epoch others", Range{0, 1}, Added{});
  }
  void Validate() const { TrainOptions::Validate("train_segmenter"); }
};

}  // namespace dualgeo
