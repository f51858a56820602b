#!/usr/bin/env python3
"""Does CONTRIBUTING.md say the truth, that a part is one file and one line? Adds a made-up part of each kind to a copy of
the tree, builds it, and uses them all from one YAML file (tests/howto).

usage: scripts/check-howto.py prepare             makes the copy, build/howto, and says where it is
       scripts/check-howto.py run [DUALGEO]       runs tests/howto/howto.yaml with the copy's program
       scripts/check-howto.py                     both, with a build of its own (the time of a whole build)
CI makes one build of the copy for this and for scripts/check-pytorch.sh."""
import json
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[1]
copy = root / "build" / "howto"

# The file below tests/howto, its folder, the table's file, the table, the line.
PARTS = [
    ("encoder_mean_colour.cpp", "src/model", "include/dualgeo/model/kinds.h", "DUALGEO_IMAGE_ENCODERS",
     'KIND("mean_colour", MeanColourInput, MakeMeanColour)'),
    ("head_hemisphere.cpp", "src/model", "include/dualgeo/model/kinds.h", "DUALGEO_HEADS",
     'KIND("hemisphere", MakeHemisphereHead, NoColumns)'),
    ("fusion_mean.cpp", "src/model", "include/dualgeo/model/kinds.h", "DUALGEO_FUSIONS", 'KIND("mean", MakeMeanFusion)'),
    ("reverse_reranker.cpp", "src/refine", "src/refine/rerankers.h", "DUALGEO_RERANKERS",
     'KIND("reverse", MakeReverseReranker)'),
    ("photo_source_pointer.cpp", "src/data", "src/data/photo_source_kinds.h", "DUALGEO_PHOTO_SOURCES",
     'KIND("pointer", IsPhotoPointer, OpenPhotoPointer)'),
    ("index_plain.cpp", "src/gallery", "src/gallery/index_backend.h", "DUALGEO_INDEXES",
     'KIND("plain", TakesForPlain, BuildPlainIndex, IsForPlain, LoadPlainIndex)'),
    ("count_photos.cpp", "src/pipeline/stages", "src/pipeline/stages/stage_table.h", "DUALGEO_STAGES",
     'STAGE("count_photos", CountPhotosStage, kByName)'),
]


def add_line(text, table, line):
    """The line as the first entry of the table's macro, or, of stages, which are walked in order, as the last."""
    head = re.search(rf"#define {table}\(\w+\)[ \\]*\n?", text)
    if not head:
        sys.exit(f"check-howto: no table {table}")
    if line.startswith("STAGE"):
        end = re.compile(r"[^\\\n]\n").search(text, head.end()).end() - 1
        return text[:end] + f" \\\n  {line}" + text[end:]
    return text[:head.end()].rstrip(" \\\n") + f" \\\n  {line} \\\n  " + text[head.end():].lstrip()


def prepare():
    files = subprocess.check_output(["git", "-C", root, "ls-files"], text=True).splitlines()
    wanted = {}
    for name in files:
        source = root / name
        if source.is_file() and not source.is_symlink():
            wanted[name] = source.read_bytes()
    for name, folder, table_file, table, line in PARTS:
        wanted[f"{folder}/{name}"] = (root / "tests/howto" / name).read_bytes()
        wanted[table_file] = add_line(wanted[table_file].decode(), table, line).encode()
    for folder in ("include", "src", "tests", "tools"):  # of an earlier copy
        for old in (copy / folder).rglob("*"):
            if old.is_file() and str(old.relative_to(copy)) not in wanted:
                old.unlink()
    for name, content in wanted.items():
        target = copy / name
        if target.exists() and target.read_bytes() == content:
            continue  # its time stays, and so does what was built from it
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod((root / name).stat().st_mode if (root / name).exists() else 0o644)
    print(copy)


def run(program):
    work = copy / "howto-work"
    work.mkdir(exist_ok=True)
    (work / "photos.pointer").write_text("photos are in howto-world/images\n")
    subprocess.run([program, "run", "--config", root / "tests/howto/howto.yaml"], cwd=work, check=True)
    metrics = json.loads((work / "howto-run/query/metrics.json").read_text())
    assert metrics["answered"] == metrics["count"] > 0, metrics
    log = [json.loads(line) for line in (work / "howto-run/train.jsonl").read_text().splitlines()]
    assert any("hemisphere" in line for line in log), "the head's loss is not in the log"
    gallery = (work / "howto-run/gallery/index.faiss").read_bytes()
    assert gallery.startswith(b"plain "), gallery[:16]
    photos = (work / "howto-run/photos.txt").read_text()
    assert int(photos) > 0, photos
    print(f"check-howto: {len(PARTS)} parts, each one file and one line, work together")


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in ("", "prepare"):
        prepare()
    if command == "":
        subprocess.run(["scripts/build.sh", "release", "dualgeo"], cwd=copy, check=True)
    if command in ("", "run"):
        run(pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else copy / "build/release/tools/dualgeo")


main()
