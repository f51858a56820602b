#!/usr/bin/env python3
"""Writes the weight files of this folder with PyTorch (they were made with Debian 12's python3-torch 1.13).

usage: python3 make_files.py [folder]

The files named calls_* are pickles that would run a command if Python unpickled them: do not open them with torch.load.
"""
import argparse
import collections
import os
import pickle
import sys
import zipfile

import torch

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(folder, name)


def ramp(*shape, dtype=torch.float32, start=0):
    count = 1
    for extent in shape:
        count *= extent
    return torch.arange(start, start + count).reshape(shape).to(dtype)


def types():
    return collections.OrderedDict(
        (name, ramp(2, 3, dtype=dtype)) for name, dtype in [
            ("f64", torch.float64), ("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16),
            ("i64", torch.int64), ("i32", torch.int32), ("i16", torch.int16), ("i8", torch.int8), ("u8", torch.uint8),
            ("bool", torch.bool)])


def views():
    base = ramp(4, 6)
    return {
        "base": base,
        "transposed": base.t(),
        "window": base[1:3, 2:5],      # offset and row stride of the base
        "column": base[:, 1],
        "expanded": ramp(3, start=7).expand(2, 3),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
    }


def checkpoint():
    torch.manual_seed(0)
    model = torch.nn.Sequential(collections.OrderedDict(fc=torch.nn.Linear(3, 2), bn=torch.nn.BatchNorm1d(2)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(ramp(*parameter.shape))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(ramp(*parameter.shape))
    return {"epoch": 3, "best": 0.25, "note": "half-way", "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(), "args": argparse.Namespace(lr=1e-3)}


def nested():
    return {"encoder": {"layers": [ramp(2), ramp(3)], "name": "tiny", "depth": 2},
            "head": {"weight": torch.nn.Parameter(ramp(2, 2)), "bias": None}, 7: {"x": ramp(1)}}


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 2, bias=False), torch.nn.BatchNorm2d(2))
        self.register_buffer("input_resolution", torch.tensor(224))
        self.sizes = [1, 2]
        self.name = "scripted"
        with torch.no_grad():
            self.visual[0].weight.copy_(ramp(2, 3, 2, 2))

    def forward(self, x):
        return self.visual(x)


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/a-weight-file-was-executed",)


class Model(torch.nn.Module):  # a pickled module: the class itself is wanted
    pass


os.chdir(folder)
for prefix, modern in (("zip", True), ("legacy", False)):
    save = lambda value, name, **more: torch.save(
        value, path(f"{prefix}_{name}.pth"), _use_new_zipfile_serialization=modern, **more)
    save(types(), "types")
    save(views(), "views")
    save(checkpoint(), "checkpoint")
    save(nested(), "nested")
    save(ramp(2, 3), "tensor")
    save({"x": ramp(2, 3), "y": torch.nn.Parameter(ramp(2))}, "protocol4", pickle_protocol=4)
torch.jit.script(Scripted()).half().save(path("scripted.pt"))

# Hostile files.
for protocol in (0, 2, 4):
    with open(path(f"calls_system_{protocol}.pkl"), "wb") as stream:
        pickle.dump(Command(), stream, protocol=protocol)
torch.save({"x": ramp(2), "y": Command()}, path("calls_system_zip.pth"))
torch.save({"x": ramp(2), "y": Command()}, path("calls_system_legacy.pth"), _use_new_zipfile_serialization=False)
torch.save(Model(), path("whole_module.pth"))
with zipfile.ZipFile(path("zip_tensor.pth")) as source, \
        zipfile.ZipFile(path("compressed.pth"), "w", zipfile.ZIP_DEFLATED) as target:
    for name in source.namelist():
        target.writestr(name, source.read(name))
# 100 MB of zeros in 100 kB, cut to what a reader sees of it: its directory says so.
with zipfile.ZipFile(path("bomb.pth"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
    with zipfile.ZipFile(path("zip_tensor.pth")) as source:
        name = [n for n in source.namelist() if n.endswith("data.pkl")][0]
        target.writestr(name, source.read(name))
        target.writestr(name.replace("data.pkl", "data/0"), b"\0" * 15_000_000)
