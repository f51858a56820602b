"""Photos a second and peak memory of the encoders, beside the same models in Python: see encoders.sh."""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "peers"))

MODELS = {  # name: photos, Python's batch (of 2, 4, 8, 16 and 32 about the fastest for each)
    "vit-b-32": (256, 16),
    "vit-l-14": (64, 8),
    "segformer-b0": (64, 2),
    "segformer-b5": (24, 2),
    "dualgeo": (64, 8),
}
PRECISIONS = ("fp32", "bf16")


def make_model(name):
    import models

    if name.startswith("vit"):
        return models.ClipVision(name)
    if name.startswith("segformer"):
        return models.SegFormer(name.split("-")[1])
    return models.DualGeo()


def peer(name, precision, folder, photos, out):
    """The Python side: its own process, so that its peak memory is its own."""
    from concurrent.futures import ThreadPoolExecutor

    import models
    import numpy
    import torch
    from PIL import Image

    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    batch = MODELS[name][1]
    model = models.load(str(folder / f"{name}.safetensors"), make_model(name))
    half = precision == "bf16"
    if half:
        model = model.bfloat16()
    segments = name.startswith("segformer")
    mean, std = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) if segments else (
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (mean, std))

    def crop(image, filter):
        width, height = image.size
        short = min(width, height)
        width, height = (224 if side == short else int(224 * side / short) for side in (width, height))
        left, top = (width - 224) // 2, (height - 224) // 2
        return image.resize((width, height), filter).crop((left, top, left + 224, top + 224))

    def read(path):
        image = Image.open(path).convert("RGB")
        size = image.size
        image = image.resize((512, 512), Image.BILINEAR) if segments else crop(image, Image.BICUBIC)
        pixels = (torch.from_numpy(numpy.array(image)).permute(2, 0, 1) / 255 - mean) / std
        mask = None
        if name == "dualgeo":
            mask = Image.open(folder / "masks" / path.relative_to(photos.parent).with_suffix(".png"))
            mask = torch.from_numpy(numpy.array(crop(mask, Image.NEAREST)))
        return pixels, mask, size

    paths = photo_list(photos)
    results = []
    with torch.inference_mode(), ThreadPoolExecutor(cores) as pool:
        start = time.perf_counter()
        # One batch is read while another is computed.
        ahead = [pool.submit(read, path) for path in paths[:batch]]
        for begin in range(0, len(paths), batch):
            examples = [future.result() for future in ahead]
            ahead = [pool.submit(read, path) for path in paths[begin + batch : begin + 2 * batch]]
            pixels = torch.stack([example[0] for example in examples])
            if half:
                pixels = pixels.bfloat16()
            if name == "dualgeo":
                results.append(torch.cat(model(pixels, torch.stack([example[1] for example in examples])), 1).float())
            elif not segments:
                results.append(model(pixels).float())
            else:
                logits = model(pixels).float()
                for i, (_, _, (width, height)) in enumerate(examples):
                    full = torch.nn.functional.interpolate(logits[i : i + 1], size=(height, width), mode="bilinear")
                    to = (out / paths[begin + i].relative_to(photos.parent)).with_suffix(".png")
                    to.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(full.argmax(1)[0].byte().numpy()).save(to, compress_level=1)
        seconds = time.perf_counter() - start
    if not segments:
        torch.save(torch.cat(results), out)
    print(f"{len(paths) / seconds:.4f} photos/s")


def photo_list(table):
    with open(table) as file:
        return [table.parent / line.strip() for line in list(file)[1:]]


def run(command):
    """Its standard streams as one text, and peak memory in MB. Linux counts into a program's peak what the process that
    started it had in use: so PyTorch is imported in processes of their own only, and this one stays small."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nfailed:\n{text}")
    return text, usage.ru_maxrss / 1024


def rate(text):
    return float(re.findall(r"([0-9.]+) photos/s", text)[-1])


def program_command(dualgeo, name, precision, folder, table, out):
    common = ["--photos", table, "--images", table.parent, "--set", f"precision={precision}"]
    weights = folder / f"{name}.safetensors"
    if name.startswith("segformer"):
        return [dualgeo, "segment", *common, "--set", f"model.segmenter.preset={name.split('-')[1]}", "--checkpoint",
                weights, "--out", out]
    if name == "dualgeo":
        return [dualgeo, "embed", "photos", *common, "--checkpoint", weights, "--masks", folder / "masks", "--out", out]
    size = {"vit-b-32": 512, "vit-l-14": 768}[name]
    return [dualgeo, "embed", "photos", *common, "--checkpoint", "none", "--set", "model.views=image", "--set",
            f"model.image_encoder.preset={name}", "--set", f"model.embed_dim={size}", "--set",
            f"model.image_encoder.weights={weights}", "--out", out]


def agreement(name, ours, theirs, table):
    """How alike the results are: the mean cosine of features, or the share of equal pixels of masks."""
    import numpy
    import torch
    from PIL import Image

    paths = [path.relative_to(table.parent) for path in photo_list(table)]
    if name.startswith("segformer"):
        read = lambda folder, path: numpy.array(Image.open((folder / path).with_suffix(".png")))
        return statistics.mean(float((read(ours, path) == read(theirs, path)).mean()) for path in paths)
    with open(ours, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    tensors = []
    for key in ("image", "segmentation", "fused_image", "fused_segmentation") if name == "dualgeo" else ("image",):
        begin, end = header[key]["data_offsets"]
        tensors.append(torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).view(header[key]["shape"]))
    cosines = [torch.nn.functional.cosine_similarity(a, b, dim=1).mean().item()
               for a, b in zip(tensors, torch.load(theirs).split(tensors[0].shape[1], 1))]
    return min(cosines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--photos", type=pathlib.Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / "build" / "bench-encoders")
    parser.add_argument("--peer", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--agree", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        import models

        return models.save(options.make[1], models.init(make_model(options.make[0])))
    if options.agree:
        name, *paths = options.agree
        return print(agreement(name, *map(pathlib.Path, paths)))
    if options.peer:
        name, precision, table, out = options.peer
        return peer(name, precision, options.keep, pathlib.Path(table), pathlib.Path(out))

    myself = [sys.executable, __file__, "--keep", options.keep.resolve()]
    dualgeo = os.environ.get("DUALGEO", ROOT / "build" / "release" / "tools" / "dualgeo")
    names = options.models.split(",")
    rounds = options.rounds or (1 if options.quick else 3)
    folder = options.keep.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    needed = set(names) | ({"segformer-b0"} if "dualgeo" in names else set())
    for name in sorted(needed):
        path = folder / f"{name}.safetensors"
        if not path.exists():
            run([*myself, "--make", name, path.with_suffix(".tmp")])
            path.with_suffix(".tmp").rename(path)
    photos = options.photos.resolve() if options.photos else folder / "world" / "images"
    if not options.photos and not (folder / "world" / "photos.csv").exists():
        run([dualgeo, "world", "--out", folder / "world", "--places", 30, "--views", 12, "--size", 512])
    found = sorted(str(p.relative_to(photos)) for p in photos.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise SystemExit(f"{photos}: no JPEGs")

    def write_table(count):
        table = folder / f"photos-{count}"
        (table / "out").mkdir(parents=True, exist_ok=True)
        link = table / "images"
        link.unlink(missing_ok=True)
        link.symlink_to(photos)
        count = min(count, len(found))
        (table / "photos.csv").write_text("IMG_ID\n" + "".join(f"images/{found[i]}\n" for i in range(count)))
        return table / "photos.csv"

    print(f"load {os.getloadavg()[0]:.1f}, {len(os.sched_getaffinity(0))} cores, {rounds} rounds, photos of {photos}",
          file=sys.stderr)
    rows, python_fp32 = [], {}
    for name in names:
        table = write_table(MODELS[name][0] // (4 if options.quick else 1))
        outputs = table.parent / "out"
        if name == "dualgeo":
            run(program_command(dualgeo, "segformer-b0", "fp32", folder, table, folder / "masks"))
        for precision in PRECISIONS:
            ours, theirs = [], []
            suffix = "" if name.startswith("segformer") else ".safetensors"
            for _ in range(rounds):
                text, memory = run(program_command(dualgeo, name, precision, folder, table, outputs / f"{name}{suffix}"))
                ours.append((rate(text), memory))
                text, memory = run([*myself, "--peer", name, precision, table, outputs / f"{name}-python"])
                theirs.append((rate(text), memory))
            mine, python = statistics.median(r for r, _ in ours), statistics.median(r for r, _ in theirs)
            ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, theirs))
            python_fp32.setdefault(name, python)
            same = float(run([*myself, "--agree", name, outputs / f"{name}{suffix}", outputs / f"{name}-python", table])[0])
            rows.append(f"| {name} | {precision} | {mine:.2f} | {python:.2f} | {ratio:.2f} | {mine / python_fp32[name]:.2f} | "
                        f"{max(m for _, m in ours):.0f} | {max(m for _, m in theirs):.0f} | {same:.5f} |")
            print(rows[-1], file=sys.stderr)
    print("| model | precision | photos/s | Python's | ratio | to Python's fp32 | peak MB | Python's | agreement |\n"
          "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
