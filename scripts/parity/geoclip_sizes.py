#!/usr/bin/env python3
"""The settings with which configs/systems/geoclip.yaml runs given weight files, one KEY=VALUE a line: the files, and the
sizes of the networks as their tensors have them. Called by geoclip.sh; needs nothing beside Python.

Heads are in no tensor's shape. They are, the first that is there: --heads; num_attention_heads in the metadata of the
safetensors file; in config.json beside it; in the metadata of another safetensors file beside it that gives the same width,
layers, patch and projection; width / 64, as every published CLIP has; 4 where the width is below 512, as in Hugging Face's
tiny models, with a warning."""
import argparse
import json
import math
import pathlib
import re
import struct
import subprocess
import sys


def fail(text):
    sys.exit(f"geoclip: {text}")


def inspect(dualgeo, path):
    """Shapes by name, and metadata, of any weight file that the program reads."""
    result = subprocess.run([dualgeo, "weights", "inspect", "--json", str(path)], capture_output=True, text=True)
    if result.returncode != 0:
        sys.stderr.write(result.stderr)
        sys.exit(result.returncode)
    summary = json.loads(result.stdout)
    return {tensor["name"]: tensor["shape"] for tensor in summary["tensors"]}, summary["metadata"], summary["file"]


def shape(shapes, path, *endings):
    for ending in endings:
        for name, sizes in shapes.items():
            if name == ending or name.endswith("." + ending):
                return sizes
    fail(f"{path}: has no tensor {' or '.join(endings)}")


def count(shapes, pattern):
    numbers = [int(match[1]) for match in (re.search(pattern, name) for name in shapes) if match]
    return max(numbers, default=-1) + 1


def clip_sizes(shapes, path):
    patches = shape(shapes, path, "vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight")
    positions = shape(shapes, path, "vision_model.embeddings.position_embedding.weight", "visual.positional_embedding")
    width, patch = patches[0], patches[-1]
    openai = any(name.endswith("visual.proj") for name in shapes)
    projection = shape(shapes, path, "visual.proj", "visual_projection.weight")[1 if openai else 0]
    layers = count(shapes, r"visual\.transformer\.resblocks\.(\d+)\." if openai else
                   r"vision_model\.encoder\.layers\.(\d+)\.")
    side = math.isqrt(positions[0] - 1)
    if side * side != positions[0] - 1:
        fail(f"{path}: {positions[0]} positions are not one and a square")
    return {"width": width, "layers": layers, "patch": patch, "image_size": side * patch, "projection_dim": projection}


def number(metadata, *keys):
    for key in keys:
        if str(metadata.get(key, "")).isdigit():
            return int(metadata[key])
    return None


def header_metadata(path):
    try:
        with open(path, "rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            return json.loads(file.read(size)).get("__metadata__", {}) if size < 10_000_000 else {}
    except (OSError, ValueError, struct.error):
        return {}


def config_beside(folder):
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return {}
    return config.get("vision_config", config) if isinstance(config, dict) else {}


def same_sizes(metadata, sizes):
    named = {"width": "hidden_size", "layers": "num_hidden_layers", "patch": "patch_size", "projection_dim": "projection_dim"}
    return all(number(metadata, key) == sizes[ours] for ours, key in named.items())


def heads_of(given, metadata, file, sizes):
    if given:
        return given
    folder = file.parent
    found = number(metadata, "num_attention_heads", "heads") or number(config_beside(folder), "num_attention_heads")
    if found:
        return found
    for other in sorted(folder.glob("*.safetensors")):
        described = header_metadata(other)
        if other != file and same_sizes(described, sizes) and number(described, "num_attention_heads"):
            print(f"geoclip: heads as {other.name} beside {file.name} says", file=sys.stderr)
            return number(described, "num_attention_heads")
    if sizes["width"] >= 512:
        return sizes["width"] // 64
    print(f"geoclip: warning: nothing says how many heads {file} has; taken are 4 (--heads)", file=sys.stderr)
    return 4


def geoclip_files(weights):
    """Files of location encoder, image projection and logit scale."""
    if weights.is_file() or (weights / "model.safetensors").exists():
        return [weights] * 3
    files = []
    for what in ("location_encoder_weights", "image_encoder_mlp_weights", "logit_scale_weights"):
        found = sorted(path for path in weights.glob(f"*{what}.*") if path.suffix in (".pth", ".pt", ".safetensors"))
        if len(found) != 1:
            fail(f"{weights}: holds {len(found)} files {what}.pth; needed are one each of location_encoder_weights, "
                 "image_encoder_mlp_weights and logit_scale_weights, or a release folder's model.safetensors")
        files.append(found[0])
    return files


def clip_of(given, weights, shapes):
    if given:
        return given
    if any(".CLIP.vision_model." in name for name in shapes):
        return weights
    folder = weights if weights.is_dir() else weights.parent
    found = [path.parent for path in sorted(folder.glob("*/model.safetensors"))]
    if len(found) != 1:
        fail(f"{weights}: CLIP is neither in it nor in one folder below it; name its file with --clip")
    return found[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dualgeo", required=True)
    parser.add_argument("--clip", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--heads", type=int)
    parser.add_argument("--activation", choices=["quick_gelu", "gelu"])
    options = parser.parse_args()
    if not options.weights.exists():
        fail(f"{options.weights}: no such folder")
    location, projection, scale = geoclip_files(options.weights)
    gps, _, _ = inspect(options.dualgeo, location)
    mlp, _, _ = inspect(options.dualgeo, projection)
    clip = clip_of(options.clip, options.weights, gps)
    shapes, metadata, file = inspect(options.dualgeo, clip)
    file = pathlib.Path(file)
    sizes = clip_sizes(shapes, file)
    sizes["heads"] = heads_of(options.heads, metadata, file, sizes)
    activation = options.activation or config_beside(file.parent).get("hidden_act", "quick_gelu")

    scales = count(gps, r"LocEnc(\d+)\.")
    frequencies = shape(gps, location, "LocEnc0.capsule.0.b")[0]
    hidden = shape(gps, location, "LocEnc0.capsule.1.weight")[0]
    space = shape(gps, location, "LocEnc0.head.0.weight")[0]
    names = ["0.weight", "image_encoder.mlp.0.weight"]
    into = shape({name: sizes for name, sizes in mlp.items() if name in names}, projection, *names)[1]
    if into != sizes["projection_dim"]:
        fail(f"{projection}: takes vectors of {into} values, and {file} gives {sizes['projection_dim']}")
    sigmas = config_beside(options.weights).get("sigma") if options.weights.is_dir() else None
    if not isinstance(sigmas, list) or len(sigmas) != scales:
        sigmas = [2 ** (4 * i if i < 2 else 8 * (i - 1)) for i in range(scales)]  # the frequencies are in the file
    for key, value in {
        "embed_dim": sizes["projection_dim"], "image_encoder.weights": clip, "image_encoder.activation": activation,
        **{f"image_encoder.{key}": value for key, value in sizes.items()},
        "gps_encoder.weights": location, "gps_encoder.sigmas": str([float(sigma) for sigma in sigmas]),
        "gps_encoder.rff_size": frequencies, "gps_encoder.hidden": hidden, "gps_encoder.embed_dim": space,
        "contrastive_gps.dimension": space, "contrastive_gps.image_projection_weights": projection,
        "contrastive_gps.logit_scale_weights": scale,
    }.items():
        print(f"model.{key}={value}")


main()
