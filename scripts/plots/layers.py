#!/usr/bin/env python3
"""The folders and who includes whom, before and after, as one SVG: CONTRIBUTING.md's drawing.

usage: scripts/plots/layers.py OUT.svg [REVISION...]     default: a2b0045 (before the redesign) and the working tree

A curve on the left leads from a folder to one below it that it includes, thicker for more files; one on the right would
point upwards, and is red. Steps of a photo, from file to answer, stand beside the folders that do them, and under them the
parts that each folder's tables name: every encoder, head, index, re-ranker ... in its room."""
import collections
import html
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = {"data": "photo file → pixels, mask", "model": "pixels → vectors", "gallery": "vectors → candidates",
         "refine": "candidates → one place", "lmm": "or a language model's place", "eval": "places → scores",
         "serve": "answers a browser",
         "pipeline": "walks all of it", "tools": "prints"}
WIDTH, ROW, TOP, LINE = 560, 38, 74, 14


def files_of(revision):
    """name -> text, of our own code."""
    if revision is None:
        names = subprocess.check_output(["git", "-C", ROOT, "ls-files", "include", "src", "tools"], text=True).split()
        return {name: (ROOT / name).read_text() for name in names if (ROOT / name).is_file()}
    names = subprocess.check_output(["git", "-C", ROOT, "ls-tree", "-r", "--name-only", revision, "include", "src", "tools"],
                                    text=True).split()
    return {name: subprocess.check_output(["git", "-C", ROOT, "show", f"{revision}:{name}"], text=True) for name in names}


def layers_of(revision):
    if revision is None:
        text = (ROOT / "CMakeLists.txt").read_text()
    else:
        text = subprocess.check_output(["git", "-C", ROOT, "show", f"{revision}:CMakeLists.txt"], text=True)
    return re.findall(r"^\s*dualgeo_layer\((\w+)", text, re.M) + ["tools"]


def folder_of(name):
    parts = name.split("/")
    return "tools" if parts[0] == "tools" else parts[2] if parts[0] == "include" else parts[1]


def parts_of(text):
    """What the tables of a file name: ["heads: cells, attributes", ...]."""
    tables = []
    for title, body in re.findall(r"^#define DUALGEO_(\w+)\(\w+\)\s*((?:.*\\\n)*.*)", text, re.M):
        entries = re.findall(r'\b[A-Z]+\(\s*(?:"([^"]+)"|Add(\w+))', body)
        names = [name or re.sub(r"(?<!^)(?=[A-Z])", "-", command).lower() for name, command in entries]
        if names:
            tables.append(f"{title.lower().replace('_', ' ')}: {', '.join(names)}")
    return tables


def picture(revision, title, x0):
    layers = layers_of(revision)[::-1]  # the highest first
    arrows, beside = collections.Counter(), collections.defaultdict(list)
    lines, public = collections.Counter(), collections.Counter()
    for name, text in files_of(revision).items():
        if not name.endswith((".h", ".cpp")):
            continue
        own = folder_of(name)
        lines[own] += text.count("\n")
        public[own] += name.startswith("include/")
        for table in parts_of(text):
            beside[own] += textwrap.wrap(table, 100, subsequent_indent="\u2003")
        for other in set(re.findall(r'#include "(?:dualgeo/)?(\w+)/', text)) & set(layers) - {own}:
            arrows[own, other] += 1
    out = [f'<text x="{x0 + 20}" y="30" class="title">{title}</text>',
           f'<text x="{x0 + 20}" y="50" class="small">{sum(lines.values()):,} lines, {sum(public.values())} public '
           f'headers, {sum(1 for a, b in arrows if layers.index(a) > layers.index(b))} arrows upwards</text>']
    centre, y = {}, TOP
    for layer in layers:
        centre[layer] = y + 12
        y += max(ROW, LINE * (len(beside[layer]) + (layer in STEPS)) + 10)
    left, right = x0 + 232, x0 + 352
    for (a, b), count in sorted(arrows.items(), key=lambda item: item[1]):
        up = layers.index(a) > layers.index(b)
        x, bend = (right, 1) if up else (left, -1)
        reach = 16 + 12.5 * abs(layers.index(a) - layers.index(b))
        y1, y2 = centre[a] + 4, centre[b] - 4
        out.append(f'<path d="M{x} {y1} C{x + bend * reach:.0f} {y1} {x + bend * reach:.0f} {y2} {x} {y2}" '
                   f'class="{"up" if up else "down"}" stroke-width="{min(4, 0.6 + count / 10):.1f}"/>')
    for layer in layers:
        y = centre[layer]
        out.append(f'<rect x="{left}" y="{y - 13}" width="{right - left}" height="26" rx="5" class="box"/>')
        out.append(f'<text x="{(left + right) / 2}" y="{y - 1}" class="name">{layer}</text>')
        out.append(f'<text x="{(left + right) / 2}" y="{y + 10}" class="count">{lines[layer]:,} lines</text>')
        if layer in STEPS:
            out.append(f'<text x="{right + 14}" y="{y + 4}" class="small">{STEPS[layer]}</text>')
        for i, line in enumerate(beside[layer]):
            at = y + 4 + LINE * (i + (layer in STEPS))
            out.append(f'<text x="{right + 14}" y="{at}" class="part">{html.escape(line)}</text>')
    return out, max(centre.values()) + ROW


def main():
    revisions = sys.argv[2:] or ["a2b0045", None]
    body, height = [], 0
    for i, revision in enumerate(revisions):
        title = "now" if revision is None else revision if len(sys.argv) > 3 else f"before ({revision})"
        out, tall = picture(revision, title, i * WIDTH)
        body += out
        height = max(height, tall)
    width = WIDTH * len(revisions) + 440  # the parts of the last
    style = """text{font-family:sans-serif;fill:#222}.title{font-size:17px;font-weight:bold}.small{font-size:12px;fill:#444}
.name{font-size:13px;text-anchor:middle;font-weight:bold}.count{font-size:9px;text-anchor:middle;fill:#555}
.part{font-size:11px;fill:#2d5d3a}.box{fill:#eef3f8;stroke:#7a93ab}.down{fill:none;stroke:#5b7fa6;opacity:.55}.up{fill:none;stroke:#c22;opacity:.9}"""
    pathlib.Path(sys.argv[1]).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"><style>{style}</style>'
        f'<rect width="100%" height="100%" fill="white"/>' + "\n".join(body) + "</svg>\n")


main()
