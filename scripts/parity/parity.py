#!/usr/bin/python3
"""Random weights under the published names -> the program's features and PyTorch's, from the same JPEG files on.

Prints a table and fails where a cosine is below 0.99999 (scripts/parity/run.sh --help).
"""
import argparse
import collections
import csv
import os
import subprocess
import sys
import time

import torch
from torch.nn import functional as F

import check_fixtures
import photos
from check_fixtures import models

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.abspath(os.path.join(HERE, "../../configs"))
LIMIT = 0.99999  # least cosine


class Sizes:
    """full: what the papers use. small: seconds."""

    def __init__(self, small):
        self.clip = (48, 2, 3, 14, 56, 24) if small else models.CLIP_SIZES["vit-l-14"]
        self.segformer = models.SEGFORMER_SIZES["tiny" if small else "b5"]
        self.labels = 11 if small else 150
        self.segformer_side = 96 if small else 512
        self.mask_side = 64 if small else 224
        self.base = 8 if small else 64
        self.heads = 4 if small else 8
        self.gps = (16, 64, 32) if small else models.GPS_SIZES

    def yaml(self, parent, name, lines):
        """A config that extends one of the project's."""
        width, layers, heads, patch, side, projection = self.clip
        hidden, depths, decoder, stage_heads, ratios = self.segformer
        text = f"""extends: {CONFIGS}/{parent}
name: {name}
run_dir: {name}
model:
  embed_dim: {projection}
  image_encoder: {{width: {width}, layers: {layers}, heads: {heads}, patch: {patch}, image_size: {side},
                  projection_dim: {projection}}}
  segmenter: {{hidden_sizes: {list(hidden)}, depths: {list(depths)}, heads: {list(stage_heads)},
              sr_ratios: {list(ratios)}, decoder_dim: {decoder}, num_labels: {self.labels},
              image_size: {self.segformer_side}}}
  segmentation_encoder: {{image_size: {self.mask_side}, base_width: {self.base}}}
  fusion: {{heads: {self.heads}}}
  gps_encoder: {{rff_size: {self.gps[0]}, hidden: {self.gps[1]}, embed_dim: {self.gps[2]}}}
"""
        with open(f"{name}.yaml", "w") as file:
            file.write(text)
        return ["--config", f"{name}.yaml"] + [x for line in lines for x in ("--set", line)]


def openai_names(state):
    """CLIP's state dict from Hugging Face's names to OpenAI's."""
    out = collections.OrderedDict()
    short = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
             "self_attn.out_proj": "attn.out_proj"}
    whole = {"embeddings.class_embedding": "class_embedding", "embeddings.patch_embedding.weight": "conv1.weight",
             "embeddings.position_embedding.weight": "positional_embedding"}
    for name, tensor in state.items():
        if name == "visual_projection.weight":
            out["visual.proj"] = tensor.t().contiguous()
            continue
        name = name[len("vision_model.") :]
        if name.startswith("encoder.layers."):
            _, _, layer, rest = name.split(".", 3)
            below = f"visual.transformer.resblocks.{layer}."
            module, kind = rest.rsplit(".", 1)
            if module in short:
                out[f"{below}{short[module]}.{kind}"] = tensor
            elif module == "self_attn.q_proj":
                parts = [state[f"vision_model.encoder.layers.{layer}.self_attn.{x}_proj.{kind}"] for x in "qkv"]
                out[f"{below}attn.in_proj_{kind}"] = torch.cat(parts)
        else:
            name = name.replace("pre_layrnorm", "ln_pre").replace("post_layernorm", "ln_post")
            out["visual." + whole.get(name, name)] = tensor
    return out


class Bare(torch.nn.Module):
    """Parameters and buffers under names, for scripting."""

    def forward(self, x):
        return x


def scripted(state):
    """As OpenAI publishes CLIP: a scripted module in half precision, the text tower beside the image tower."""
    text = {"positional_embedding": (77, 8), "text_projection": (8, 8), "token_embedding.weight": (16, 8),
            "ln_final.weight": (8,), "ln_final.bias": (8,), "logit_scale": (),
            "transformer.resblocks.0.attn.in_proj_weight": (24, 8), "transformer.resblocks.0.mlp.c_fc.weight": (32, 8)}
    root = Bare()
    for name, tensor in list(state.items()) + [(name, torch.ones(shape)) for name, shape in text.items()]:
        *path, leaf = name.split(".")
        module = root
        for part in path:
            if part not in module._modules:
                module.add_module(part, Bare())
            module = module._modules[part]
        module.register_parameter(leaf, torch.nn.Parameter(tensor.half(), requires_grad=False))
    for name, value in {"input_resolution": 224, "context_length": 77, "vocab_size": 16}.items():
        root.register_buffer(name, torch.tensor(value))
    return torch.jit.script(root)


class Check:
    def __init__(self, arguments):
        self.binary = os.path.abspath(arguments.binary)
        self.sizes = Sizes(arguments.small)
        self.rows = []
        self.failed = 0
        if arguments.photos:
            with open(arguments.photos, newline="") as file:
                self.names = [row["IMG_ID"] for row in csv.DictReader(file)]
            step = max(1, len(self.names) // arguments.count)
            self.names = self.names[::step][: arguments.count]
            self.images = os.path.abspath(arguments.images)
        else:
            self.images = os.path.join(os.path.abspath(arguments.work), "images")
            os.makedirs(self.images, exist_ok=True)
            self.names = photos.synthetic(self.images)
        os.makedirs(arguments.work, exist_ok=True)
        os.chdir(arguments.work)
        self.table = self.write_table("photos.csv", self.names)

    def write_table(self, path, names):
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows([["IMG_ID"]] + [[name] for name in names])
        return path

    def paths(self, names):
        return [os.path.join(self.images, name) for name in names]

    def run(self, *command):
        begin = time.time()
        done = subprocess.run([self.binary, *command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"dualgeo {' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
        return time.time() - begin

    def compare(self, what, ours, theirs):
        """Rows [N, ...]; the least cosine, the greatest relative error, and the least cosine of what is left when the
        mean of all rows is taken away: random weights give all photos nearly the same vector."""
        ours, theirs = (x.double().flatten(1) for x in (ours, theirs))
        cosine = F.cosine_similarity(ours, theirs).min().item()
        relative = ((ours - theirs).norm(dim=1) / theirs.norm(dim=1)).max().item()
        mean = theirs.mean(0)
        centered = F.cosine_similarity(ours - mean, theirs - mean).min().item()
        bad = not cosine >= LIMIT or ours.shape != theirs.shape
        self.failed += bad
        self.rows.append((what, len(ours), f"{cosine:.9f}", f"{relative:.1e}", f"{centered:.7f}", "NO" if bad else "yes"))
        print("  ".join(str(x) for x in self.rows[-1]), flush=True)

    def clip(self):
        network = models.init(models.ClipVision(self.sizes.clip), 1)
        state = network.state_dict()
        models.save("clip.safetensors", network)
        torch.save(state, "clip_hf.pth")
        torch.save(openai_names(state), "clip_openai.pt")
        torch.jit.save(scripted(openai_names(state)), "clip_scripted.pt")
        encode = lambda: torch.cat([network(photos.clip_pixels([p], self.sizes.clip[4])) for p in self.paths(self.names)])
        full = encode()
        network.half().float()  # the scripted file's precision
        theirs = dict.fromkeys(("clip.safetensors", "clip_hf.pth", "clip_openai.pt"), full)
        theirs["clip_scripted.pt"] = encode()
        for file, features in theirs.items():
            flags = self.sizes.yaml("dualgeo.yaml", "clip", ["model.views=image", f"model.image_encoder.weights={file}"])
            self.run("embed", "photos", *flags, "--checkpoint", "none", "--photos", self.table, "--images", self.images,
                     "--out", "clip_features.safetensors")
            ours, _ = models.read("clip_features.safetensors")
            self.compare(f"CLIP ({file})", ours["image"], F.normalize(features, dim=1))
            os.remove(file)

    def bf16(self, preset):
        """The program's bf16 features against its fp32 ones: direction, and each photo's nearest other photo."""
        self.sizes.clip = models.CLIP_SIZES[preset]
        models.save("clip.safetensors", models.init(models.ClipVision(preset), 1))
        features = {}
        for precision in ("fp32", "bf16"):
            lines = ["model.views=image", "model.image_encoder.weights=clip.safetensors", f"precision={precision}"]
            seconds = self.run("embed", "photos", *self.sizes.yaml("dualgeo.yaml", "clip", lines), "--checkpoint", "none",
                               "--photos", self.table, "--images", self.images, "--out", "f.safetensors")
            features[precision] = models.read("f.safetensors")[0]["image"].double()
            print(f"{preset}, {precision}: {seconds:.0f} s", flush=True)
        full, half = features["fp32"], features["bf16"]
        nearest = lambda x: (x @ x.t()).fill_diagonal_(-2).argmax(1)
        cosine = (full * half).sum(1).min().item()
        same = (nearest(full) == nearest(half)).double().mean().item()
        others = (full @ full.t())[~torch.eye(len(full), dtype=torch.bool)]
        print(f"{preset}, {len(full)} photos: least cosine {cosine:.6f}, same nearest photo {100 * same:.2f} % "
              f"(cosine between photos: {others.min():.2f} to {others.max():.4f}, mean {others.mean():.2f})")
        self.failed += cosine < 0.999 or same < 0.97

    def segformer(self):
        """Also makes the masks that dualgeo() reads."""
        network = models.init(models.SegFormer(self.sizes.segformer, self.sizes.labels), 2)
        torch.save(network.state_dict(), "segformer.pth")
        flags = self.sizes.yaml("dualgeo.yaml", "segformer", ["model.segmenter.weights=segformer.pth"])
        self.run("segment", *flags, "--photos", self.table, "--images", self.images, "--out", "masks",
                 "--logits", "logits.safetensors")
        ours = models.read("logits.safetensors")[0]["logits"]
        side = self.sizes.segformer_side
        theirs = torch.cat([network(photos.segformer_pixels([p], side)) for p in self.paths(self.names)])
        self.compare("SegFormer (segformer.pth), logits", ours, theirs)
        same = total = 0
        for name, logits in zip(self.names, theirs):
            mask = torch.from_numpy(photos.np.array(photos.Image.open(os.path.join("masks", mask_name(name)))))
            full = F.interpolate(logits[None], size=mask.shape, mode="bilinear", align_corners=False)[0]
            same += (full.argmax(0) == mask).sum().item()
            total += mask.numel()
        print(f"masks: {100 * same / total:.4f} % of {total} pixels have the same class", flush=True)
        self.failed += same < 0.999 * total

    def dualgeo(self, released):
        s = self.sizes
        kind = {"labels": None, "scope": "batch"} if released else {"labels": s.labels, "scope": "tokens"}
        network = models.DualGeo(s.clip, heads=s.heads, base=s.base, gps=s.gps, released=released, **kind)
        models.init(network, 3)
        file = "dvseg_9_.pth" if released else "dualgeo.safetensors"
        if released:
            torch.save(training_checkpoint(network), file)
        else:
            models.save(file, network)
        flags = s.yaml("released-code.yaml" if released else "dualgeo.yaml", "released" if released else "dualgeo", [])
        self.run("embed", "photos", *flags, "--checkpoint", file, "--photos", self.table, "--images", self.images,
                 "--masks", "masks", "--out", "features.safetensors")
        ours, _ = models.read("features.safetensors")
        masks = [os.path.join("masks", mask_name(name)) for name in self.names]
        mask = (photos.squashed_masks if released else photos.aligned_masks)(masks, s.mask_side)
        pixels = photos.clip_pixels(self.paths(self.names), s.clip[4])
        image, segmentation, fused_image, fused_segmentation = network(pixels, mask)
        theirs = {"image": image, "segmentation": segmentation, "fused_image": fused_image,
                  "fused_segmentation": fused_segmentation,
                  "projected_image": network.rgb_projection_else(fused_image),
                  "projected_segmentation": network.seg_projection_else(fused_segmentation)}
        name = "released DualGeo" if released else "DualGeo"
        for part, rows in theirs.items():
            self.compare(f"{name} ({file}), {part}", ours[part], F.normalize(rows, dim=1))

        torch.manual_seed(4)
        latlon = (torch.rand(500, 2, dtype=torch.float64) - 0.5) * torch.tensor([170.0, 360.0])
        latlon = torch.cat([latlon, torch.tensor([[0.0, 180], [0, -180], [90, 0], [-90, 0], [85.05, 179.999]])])
        with open("coordinates.csv", "w", newline="") as out:
            csv.writer(out).writerows([["LAT", "LON"]] + [[repr(x) for x in row] for row in latlon.tolist()])
        self.run("embed", "gps", *flags, "--checkpoint", file, "--coordinates", "coordinates.csv",
                 "--out", "gps.safetensors")
        ours, _ = models.read("gps.safetensors")
        network.double()
        gps = network.location_encoder(latlon)
        self.compare(f"{name} ({file}), gps", ours["gps"], gps)
        projected = F.normalize(network.location_projection_else(gps), dim=1)
        self.compare(f"{name} ({file}), projected_gps", ours["projected_gps"], projected)
        os.remove(file)

    def print_table(self):
        header = ("what", "rows", "least cosine", "relative error", "cosine, mean removed", "passes")
        print("\n| " + " | ".join(header) + " |\n|---|---:|---:|---:|---:|---|")
        for row in self.rows:
            print("| " + " | ".join(str(x) for x in row) + " |")


def mask_name(name):
    return os.path.splitext(name)[0] + ".png"


def training_checkpoint(network, trained=None):
    """What the released training script saves: weights, and the states of optimiser (of `trained`; None: of all that it
    trains) and schedule."""
    for parameter in list(network.vision_model_rgb.parameters()) + list(network.vision_projection_rgb.parameters()):
        parameter.requires_grad_(False)
    trained = trained or [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.0, weight_decay=1e-6)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.87)
    for p in trained:
        p.grad = torch.zeros_like(p)
    optimizer.step()  # at rate 0: the weights stay
    return {"epoch": 9, "model_state_dict": network.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
            "scheduler_state_dict": schedule.state_dict()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny networks")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, help="folder for weights and features")
    parser.add_argument("--photos", help="photo table; none: synthetic photos")
    parser.add_argument("--images", help="its folder")
    parser.add_argument("--count", type=int, default=16, help="photos of the table to take")
    parser.add_argument("--bf16", metavar="PRESET", help="only: precision bf16 against fp32 for a CLIP preset")
    arguments = parser.parse_args()
    with torch.no_grad():
        if check_fixtures.main():
            sys.exit("the networks in PyTorch do not give the original code's numbers")
        check = Check(arguments)
        print(f"PyTorch {torch.__version__}, Pillow {photos.Image.__version__}, {len(check.names)} photos")
        if arguments.bf16:
            check.bf16(arguments.bf16)
            sys.exit(1 if check.failed else 0)
        check.clip()
        check.segformer()
        check.dualgeo(released=True)
        check.dualgeo(released=False)
    check.print_table()
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
