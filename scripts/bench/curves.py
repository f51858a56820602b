#!/usr/bin/env python3
"""How the cost of each command grows with its input: search, gallery build, rerank, evaluate and embed gps on 1,000 to
1,000,000 made items. Prints a Markdown table of CPU seconds, wall seconds and peak memory, the growth from size to size, and
draws them.

usage: scripts/bench/curves.py [--dualgeo BINARY] [--sizes 1000,10000,...] [--dimension 128] [--threads 2] [--svg OUT.svg]

Needs numpy. With all sizes some ten minutes on two cores, and 3 GB in a temporary folder."""
import argparse
import json
import math
import multiprocessing
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

CONFIG = str(pathlib.Path(__file__).resolve().parents[2] / "configs/geoclip-gps.yaml")
QUERIES, LIST = 1000, 20
RERANKED_AT_MOST = 100_000  # lists: a million would be 20 million rows of CSV


def write_features(path, ids, vectors):
    """A features file as `dualgeo embed` writes it."""
    text = "".join(ids).encode()
    offsets = np.cumsum([0] + [len(i) for i in ids]).astype("<i8")
    tensors = {"id_offsets": ("I64", offsets), "image": ("F32", vectors.astype("<f4")),
               "ids": ("U8", np.frombuffer(text, np.uint8))}
    header, at = {"__metadata__": {"kind": "photos", "model": "0" * 64}}, 0
    for name, (kind, array) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for _, array in tensors.values():
            array.tofile(file)


def places(random, count):
    return np.stack([random.uniform(-60, 70, count), random.uniform(-180, 180, count)], 1)


def write_table(path, header, rows):
    with open(path, "w") as file:
        file.write(header + "\n")
        file.writelines(rows)


def make(folder, size, dimension):
    random = np.random.default_rng(size)
    spots, centres = places(random, size), random.normal(size=(max(size // 50, 1), dimension)).astype(np.float32)
    ids = [f"p{i:07d}.jpg" for i in range(size)]
    write_table(folder / "photos.csv", "IMG_ID,LAT,LON",
                (f"{i},{lat:.6f},{lon:.6f}\n" for i, (lat, lon) in zip(ids, spots)))
    clustered = centres[np.arange(size) % len(centres)] + random.normal(size=(size, dimension)).astype(np.float32) / 3
    write_features(folder / "gallery.safetensors", ids, clustered)
    asked = [f"q{i:07d}.jpg" for i in range(QUERIES)]
    write_table(folder / "asked.csv", "IMG_ID,LAT,LON",
                (f"{i},{lat:.6f},{lon:.6f}\n" for i, (lat, lon) in zip(asked, places(random, QUERIES))))
    write_features(folder / "asked.safetensors", asked, random.normal(size=(QUERIES, dimension)))
    error = 10 ** random.uniform(-3, 1, size)
    answers = np.clip(spots + random.normal(size=spots.shape) * error[:, None], -90, 90)
    write_table(folder / "predictions.csv", "IMG_ID,LAT,LON,method,confidence_km",
                (f"{i},{lat:.6f},{lon:.6f},top1,\n" for i, (lat, lon) in zip(ids, answers)))
    if size > RERANKED_AT_MOST:
        return
    with open(folder / "lists.csv", "w") as file:
        file.write("query_id,rank,gallery_id,lat,lon,score,author,set\n")
        for query in range(size):
            near = random.random(LIST) < 0.35
            spot, spread = places(random, LIST), math.exp(random.random() * 7 - 6)
            spot[near] = spot[0] + spread * (random.random((int(near.sum()), 2)) - 0.5)
            file.writelines(f"q{query},{rank + 1},g{rank},{max(-90, min(90, lat)):.6f},{(lon + 180) % 360 - 180:.6f},,,similar\n"
                            for rank, (lat, lon) in enumerate(spot))


def measure(command, folder):
    """CPU seconds, wall seconds and peak MB of a command."""
    start = time.monotonic()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {os.waitstatus_to_exitcode(status)}\n{error}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024


def commands(binary, threads, size):
    model = ["--set", "gallery.features=[image]", "--set", f"threads={threads}"]
    jobs = {"gallery build": ["gallery", "build", *model, "--features", "gallery.safetensors", "--photos", "photos.csv",
                              "--out", "gallery"],
            f"search, {QUERIES:,} queries": ["search", *model, "--gallery", "gallery", "--photos", "asked.csv", "--features",
                                             "asked.safetensors", "--out", "candidates.csv"],
            "evaluate": ["evaluate", "--predictions", "predictions.csv", "--truth", "photos.csv", "--bootstrap", "0"]}
    if size <= RERANKED_AT_MOST:
        jobs[f"rerank, lists of {LIST}"] = ["rerank", "--candidates", "lists.csv", "--out", "reranked.csv", "--method",
                                            "bayes", "--threads", str(threads)]
    jobs["embed gps"] = ["embed", "gps", "--config", CONFIG, "--set", f"threads={threads}", "--checkpoint", "none",
                         "--coordinates", "photos.csv", "--out", "gps.safetensors"]
    return {name: [binary, *job] for name, job in jobs.items()}


def draw(path, curves):
    colours = ["#1b6ca8", "#c0392b", "#27824a", "#8e5ea2", "#c77f0a", "#555555"]
    width, height, left, bottom = 660, 420, 62, 360
    sizes = [math.log10(size) for curve in curves.values() for size in curve]
    costs = [math.log10(cost) for curve in curves.values() for cost in curve.values()]
    low, high = math.floor(min(costs)), math.ceil(max(costs))
    x = lambda size: left + (math.log10(size) - min(sizes)) / (max(sizes) - min(sizes)) * 380
    y = lambda cost: bottom - (math.log10(cost) - low) / (high - low) * 310
    out = []
    for power in range(low, high + 1):
        out.append(f'<line x1="{left}" x2="{left + 380}" y1="{y(10.0 ** power):.1f}" y2="{y(10.0 ** power):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(10.0 ** power) + 4:.1f}" text-anchor="end">{10.0 ** power:g}</text>')
    for power in range(round(min(sizes)), round(max(sizes)) + 1):
        out.append(f'<text x="{x(10 ** power):.1f}" y="{bottom + 20}" text-anchor="middle">{10 ** power:,}</text>')
    labels = sorted(((y(list(curve.values())[-1]), name) for name, curve in curves.items()))
    at = -math.inf
    for (name, curve), colour in zip(curves.items(), colours):
        points = " ".join(f"{x(size):.1f},{y(cost):.1f}" for size, cost in curve.items())
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(size):.1f}" cy="{y(cost):.1f}" r="3" fill="{colour}"/>' for size, cost in curve.items()]
    for wanted, name in labels:
        at = max(wanted, at + 15)
        colour = colours[list(curves).index(name)]
        last = max(curves[name])
        until = "" if math.log10(last) == max(sizes) else f" (to {last:,})"
        out.append(f'<text x="{left + 392}" y="{at + 4:.1f}" fill="{colour}">{name}{until}</text>')
    pathlib.Path(path).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{left}" y="24" font-size="15" font-weight="bold">CPU seconds by number of items</text>'
        f'{"".join(out)}<text x="{left + 190}" y="{bottom + 42}" text-anchor="middle">photos, places, lists or predictions</text></svg>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dualgeo", default="build/release/tools/dualgeo")
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--svg")
    options = parser.parse_args()
    binary = pathlib.Path(options.dualgeo).resolve()
    curves, rows = {}, []
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            # By a process of its own: this one's memory would count as that of the commands it starts.
            maker = multiprocessing.get_context("spawn").Process(target=make, args=(folder, size, options.dimension))
            maker.start()
            maker.join()
            if maker.exitcode != 0:
                sys.exit(f"curves: {size} items could not be made")
            for command, arguments in commands(binary, options.threads, size).items():
                cpu, wall, megabytes = measure(arguments, folder)
                before = curves.setdefault(command, {})
                growth = ""
                if before:
                    last = max(before)
                    growth = f"{math.log(cpu / before[last]) / math.log(size / last):.2f}"
                before[size] = cpu
                rows.append((command, size, cpu, wall, megabytes, growth))
    print("| command | items | CPU s | wall s | peak MB | growth: items to the power of |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for command, size, cpu, wall, megabytes, growth in sorted(rows, key=lambda row: (list(curves).index(row[0]), row[1])):
        print(f"| {command} | {size:,} | {cpu:.2f} | {wall:.2f} | {megabytes:.0f} | {growth} |")
    if options.svg:
        draw(options.svg, curves)


if __name__ == "__main__":
    main()
