#!/usr/bin/python3
"""Makes what tests/tools/parity_test.cpp compares the program with: features of PNG photos in tests/data/photos, by the
tiny networks in PyTorch (scripts/peers/models.py) with Pillow's preprocessing.

Writes into tests/data/model: end_to_end.safetensors, released_tiny.pth (weights under the released DualGeo's names, as
its training script saves them), dualgeo_tiny.safetensors; and tests/data/photos/masks.
"""
import os

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

import check_fixtures
import parity
import photos
from check_fixtures import golden, models

DATA = os.path.join(check_fixtures.HERE, "../../tests/data")
NAMES = ["noise.png", "noise_90x31_bicubic.png", "noise_30x47_bilinear.png"]
CLIP, LABELS, MASK, HEADS, BASE, GPS = (16, 1, 2, 14, 28, 8), 11, 64, 2, 4, (4, 8, 6)


def main():
    torch.manual_seed(0)
    paths = [os.path.join(DATA, "photos", name) for name in NAMES]
    masks = [os.path.join(DATA, "photos", "masks", name) for name in NAMES]
    os.makedirs(os.path.dirname(masks[0]), exist_ok=True)
    random = np.random.default_rng(0)
    for path, mask in zip(paths, masks):
        width, height = Image.open(path).size
        coarse = random.integers(0, LABELS, (-(-height // 5), -(-width // 5)), dtype=np.uint8)
        coarse[0, 0] = 255
        Image.fromarray(coarse.repeat(5, 0).repeat(5, 1)[:height, :width]).save(mask)

    out = {}
    clip = models.load(golden("clip_tiny_weights"), models.ClipVision(check_fixtures.CLIP))
    out["clip"] = clip(photos.clip_pixels(paths, 56))
    # At another image size, as Hugging Face resizes position embeddings: a grid of 4 x 4 to 6 x 6 and to 3 x 3.
    for size in (84, 42):
        weights, _ = models.read(golden("clip_tiny_weights"))
        name = "vision_model.embeddings.position_embedding.weight"
        grid = weights[name][1:].t().reshape(1, -1, 4, 4)
        grid = F.interpolate(grid, size=(size // 14, size // 14), mode="bicubic", align_corners=False)
        weights[name] = torch.cat([weights[name][:1], grid.flatten(2)[0].t()])
        larger = models.ClipVision((*check_fixtures.CLIP[:4], size, check_fixtures.CLIP[5]))
        larger.load_state_dict(weights)
        out[f"clip_{size}"] = larger.eval()(photos.clip_pixels(paths, size))
    for layer in clip.vision_model.encoder.layers:
        layer.gelu = True
    out["clip_gelu"] = clip(photos.clip_pixels(paths, 56))
    segformer = models.load(golden("segformer_tiny_weights"), models.SegFormer("tiny", LABELS))
    out["logits"] = segformer(photos.segformer_pixels(paths, 96))

    latlon = torch.tensor([[52.52, 13.4], [-33.9, 151.2], [90.0, 0.0], [-90.0, 20.0], [0.0, 180.0], [0.0, -180.0]])
    out["latlon"] = latlon.double()
    pixels = photos.clip_pixels(paths, CLIP[4])
    for name, released in (("released", True), ("dualgeo", False)):
        kind = {"labels": None, "scope": "batch"} if released else {"labels": LABELS, "scope": "tokens"}
        network = models.DualGeo(CLIP, heads=HEADS, base=BASE, gps=GPS, released=released, **kind)
        models.init(network, 5)
        if released:
            network.semantic_encoder.resnet.fc = torch.nn.Linear(8 * BASE, 10)  # not the 1000 classes nobody uses
            some = list(network.cross_attn_fusion.parameters())  # or the file would be three times as large
            torch.save(parity.training_checkpoint(network, some), os.path.join(DATA, "model", "released_tiny.pth"))
        else:
            models.save(os.path.join(DATA, "model", "dualgeo_tiny.safetensors"), network)
        mask = (photos.squashed_masks if released else photos.aligned_masks)(masks, MASK)
        parts = network(pixels, mask)
        for part, rows in zip(("image", "segmentation", "fused_image", "fused_segmentation"), parts):
            out[f"{name}_{part}"] = F.normalize(rows, dim=1)
        out[f"{name}_projected_image"] = F.normalize(network.rgb_projection_else(parts[2]), dim=1)
        out[f"{name}_projected_segmentation"] = F.normalize(network.seg_projection_else(parts[3]), dim=1)
        network.double()
        gps = network.location_encoder(out["latlon"])
        out[f"{name}_gps"] = gps.float()
        out[f"{name}_projected_gps"] = F.normalize(network.location_projection_else(gps), dim=1).float()
    holder = torch.nn.Module()
    for name, tensor in out.items():
        holder.register_buffer(name, tensor)
    models.save(os.path.join(DATA, "model", "end_to_end.safetensors"), holder)


if __name__ == "__main__":
    with torch.no_grad():
        main()
