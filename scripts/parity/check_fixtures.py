#!/usr/bin/python3
"""Checks scripts/peers/models.py against outputs of the original code: tests/data/model, whose README says what made
them."""
import os
import sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../peers"))
import models  # noqa: E402

CLIP = (48, 2, 6, 14, 56, 20)
GPS = (8, 32, 24)


def golden(name):
    return os.path.join(HERE, "../../tests/data/model", name + ".safetensors")


def relative(actual, expected):
    return ((actual.double() - expected.double()).norm() / expected.double().norm()).item()


def errors():
    """What, its error, and the limit: relative for features, absolute for GPS embeddings and coordinates."""
    io, _ = models.read(golden("clip_tiny_io"))
    clip = models.load(golden("clip_tiny_weights"), models.ClipVision(CLIP))
    yield "CLIP, features", relative(clip(io["pixel_values"]), io["image_embeds"]), 1e-6
    io, _ = models.read(golden("segformer_tiny_io"))
    segformer = models.load(golden("segformer_tiny_weights"), models.SegFormer("tiny", 11))
    for i, m in enumerate(segformer.segformer.encoder(io["pixel_values"])):
        yield f"SegFormer, map {i}", relative(m, io[f"feature{i}"]), 1e-6
    yield "SegFormer, logits", relative(segformer(io["pixel_values"]), io["logits"]), 1e-6
    for projection in ("mercator", "equal_earth"):
        io, _ = models.read(golden(f"gps_encoder_{projection}_io"))
        gps = models.load(golden(f"gps_encoder_{projection}_weights"), models.LocationEncoder(projection, GPS)).double()
        difference = gps(io["latlon_deg"].double()) - io["gps_embeds"]
        yield f"GPS encoder, {projection}", difference.abs().max().item(), 1e-6


def main():
    bad = 0
    with torch.no_grad():
        for what, error, limit in errors():
            print(f"{what:28} {error:9.1e}  (limit {limit:.0e})")
            bad += not error < limit
    return bad


if __name__ == "__main__":
    sys.exit(main())
