#!/usr/bin/python3
"""ResNet, VGG-16 and Inception v3 from JPEG on: the program's vectors beside torchvision's, which has its own resizing and
cropping. Random weights, saved as torchvision saves them. Fails where a cosine is below 0.99999.

usage: scripts/parity/backbones.py [--photos TABLE.csv --images FOLDER] [--count N] [--binary DUALGEO] [NETWORK...]
Needs torchvision (Debian: python3-torchvision); without --photos, synthetic photos of many shapes and kinds."""
import argparse
import csv
import os
import struct
import subprocess
import json
import tempfile

import numpy
import torch
import torchvision
from torch.nn import functional as F
from torchvision import transforms

import photos

LIMIT = 0.99999
# type, preset, pooling; width of the vector; side, and what the shortest edge becomes.
NETWORKS = {
    "resnet18": ("resnet", "mean", 512, 224, 256),
    "resnet50": ("resnet", "mean", 2048, 224, 256),
    "resnet101": ("resnet", "max", 2048, 224, 256),
    "vgg16": ("vgg16", "fc7", 4096, 224, 256),
    "inception_v3": ("inception_v3", "mean", 2048, 299, 342),
}
COLOURS = {"inception_v3": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))}


def randomised(name):
    """A network whose every batch norm does something."""
    torch.manual_seed(1)
    keywords = {"init_weights": True, "aux_logits": True} if name == "inception_v3" else {}
    network = getattr(torchvision.models, name)(weights=None, **keywords).eval()
    for key, tensor in network.state_dict().items():
        if key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif key.endswith("running_mean"):
            tensor.normal_(0, 0.1)
    return network


def vector_of(network, name, pooling):
    """What the program calls the photo's vector."""
    if name == "vgg16":
        network.classifier = network.classifier[:5]  # to the ReLU behind fc7
        return network
    network.fc = torch.nn.Identity()
    if pooling == "max":
        network.avgpool = torch.nn.AdaptiveMaxPool2d(1)
    return network


def read_safetensors(path, name):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        start = file.tell()
        begin, end = header[name]["data_offsets"]
        file.seek(start + begin)
        return torch.from_numpy(numpy.frombuffer(file.read(end - begin), dtype="<f4").reshape(header[name]["shape"]).copy())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos")
    parser.add_argument("--images")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--binary", default=os.environ.get("DUALGEO", "build/release/tools/dualgeo"))
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.binary)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="dualgeo-backbones-") as work:
        images = arguments.images
        if arguments.photos:
            with open(arguments.photos, newline="") as file:
                names = [row["IMG_ID"] for row in csv.DictReader(file)]
            names = names[:: max(1, len(names) // arguments.count)][: arguments.count]
        else:
            images = os.path.join(work, "images")
            os.makedirs(images)
            names = photos.synthetic(images)
        images = os.path.abspath(images)
        os.chdir(work)
        with open("photos.csv", "w", newline="") as file:
            csv.writer(file).writerows([["IMG_ID"]] + [[name] for name in names])
        print("| network | photos | least cosine | greatest relative error |")
        print("|---|---|---|---|")
        for name in arguments.networks:
            kind, pooling, width, side, edge = NETWORKS[name]
            network = randomised(name)
            torch.save(network.state_dict(), "weights.pth")
            with open("config.yaml", "w") as file:
                file.write(f"model:\n  embed_dim: {width}\n  views: image\n  image_encoder: {{type: {kind}, "
                           f"preset: {name}, pooling: {pooling}, weights: weights.pth}}\n")
            subprocess.run([binary, "embed", "photos", "--config", "config.yaml", "--photos", "photos.csv", "--images",
                            images, "--out", "ours.safetensors"], check=True)
            ours = read_safetensors("ours.safetensors", "image")
            prepare = transforms.Compose([
                transforms.Resize(edge), transforms.CenterCrop(side), transforms.ToTensor(),
                transforms.Normalize(*COLOURS.get(name, photos.IMAGENET))])
            vector = vector_of(network, name, pooling)
            with torch.no_grad():
                theirs = torch.cat([vector(prepare(photos.upright(os.path.join(images, one)))[None]) for one in names])
            theirs = F.normalize(theirs.flatten(1), dim=1)
            cosine = (ours * theirs).sum(1).min().item()
            error = ((ours - theirs).norm(dim=1) / theirs.norm(dim=1)).max().item()
            print(f"| {name} | {len(names)} | {cosine:.7f} | {error:.1e} |", flush=True)
            failed += cosine < LIMIT
    raise SystemExit(f"{failed} networks below {LIMIT}" if failed else 0)


main()
