#!/usr/bin/env python3
"""Figures for papers, as PDF or PNG, from the files that dualgeo writes (needs python3-matplotlib; dualgeo does not).

    scripts/plots/plots.py errors OUT.pdf NAME=RUN/BENCHMARK/errors.csv [NAME=...]   cumulative error curves
    scripts/plots/plots.py robustness OUT.pdf RUN/robustness.json [THRESHOLD_KM]     accuracy against severity

The numbers are those of `dualgeo report`.
"""
import csv
import json
import math
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

THRESHOLDS = (1, 25, 200, 750, 2500)
STYLES = ("-", "--", ":", "-.", (0, (8, 2)), (0, (1, 3)))


def wilson(hits, count, z=1.959963984540054):
    share = hits / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return 100 * (centre - half), 100 * (centre + half)


def plot_errors(out, files):
    figure, axes = plt.subplots(figsize=(5, 3.2))
    xs = [10 ** (-1 + 5.3 * i / 300) for i in range(301)]
    for (name, path), style in zip((item.split("=", 1) for item in files), STYLES * len(files)):
        with open(path, newline="") as stream:
            cells = [row["error_km"] for row in csv.DictReader(stream)]
        errors = [float(cell) for cell in cells if cell]
        hits = [sum(error < x for error in errors) for x in xs]
        (line,) = axes.plot(xs, [100 * h / len(cells) for h in hits], linestyle=style, label=name)
        bands = [wilson(h, len(cells)) for h in hits]
        axes.fill_between(xs, [b[0] for b in bands], [b[1] for b in bands], color=line.get_color(), alpha=0.15, lw=0)
    for km in THRESHOLDS:
        axes.axvline(km, color="0.6", linewidth=0.7, linestyle="--")
        axes.text(km, 101, str(km), ha="center", va="bottom", fontsize=7, color="0.4")
    axes.set(xscale="log", xlim=(0.1, 20020), ylim=(0, 100), xlabel="distance, km",
             ylabel="photos within the distance, %")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(out, bbox_inches="tight")


def plot_robustness(out, path, threshold="25"):
    with open(path) as stream:
        conditions = json.load(stream)["conditions"]
    columns = min(4, len(conditions))
    rows = math.ceil(len(conditions) / columns)
    figure, grid = plt.subplots(rows, columns, figsize=(2.4 * columns, 2.2 * rows), sharey=True, squeeze=False)
    for axes, condition in zip(grid.flat, conditions):
        for curve, style in zip(condition["curves"], STYLES):
            points = [p for p in curve["points"] if threshold in p.get("accuracy", {})]
            x = [p["severity"] for p in points]
            y = [p["accuracy"][threshold] for p in points]
            ci = [p.get("ci95", {}).get(threshold, (v, v)) for p, v in zip(points, y)]
            error = [[v - c[0] for v, c in zip(y, ci)], [c[1] - v for v, c in zip(y, ci)]]
            label = curve["view"] + (" (clean masks)" if curve.get("masks") == "clean" else "")
            axes.errorbar(x, y, yerr=error, linestyle=style, capsize=2, linewidth=1, label=label)
        axes.set_title(f"{condition['name']}: {condition.get('verdict', '')}", fontsize=8)
    for axes in list(grid.flat)[len(conditions):]:
        axes.axis("off")
    grid.flat[0].legend(frameon=False, fontsize=6)
    figure.supxlabel("severity", fontsize=9)
    figure.supylabel(f"within {threshold} km, %", fontsize=9)
    figure.tight_layout()
    figure.savefig(out)


if __name__ == "__main__":
    if len(sys.argv) >= 4 and sys.argv[1] == "errors":
        plot_errors(sys.argv[2], sys.argv[3:])
    elif len(sys.argv) >= 4 and sys.argv[1] == "robustness":
        plot_robustness(*sys.argv[2:5])
    else:
        sys.exit(__doc__)
