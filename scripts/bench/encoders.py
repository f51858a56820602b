"""Speed and peak memory of the encoders, from JPEG files on and while training, beside the same models in Python: see
encoders.sh."""

import argparse
import json
import os
import pathlib
import re
import shutil
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
TRAINED = ("vit-b-32", "segformer-b0", "masks")  # forward and backward; masks: the segmentation encoder, ResNet-18
PRECISIONS = ("fp32", "bf16")
PEERS = {  # how a peer's network is made: the authors' code of scripts/peers, or transformers' with its fused attention
    "plain": "scripts/peers in the distribution's PyTorch",
    "eager": "transformers, eager",
    "compile": "transformers, torch.compile",
}
FORCED = {  # what makes each library take a lower instruction set: ours, LibTorch, oneDNN, OpenBLAS, MKL
    "avx512": {"DUALGEO_CPU": "avx512"},
    "avx2": {"DUALGEO_CPU": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
             "OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "plain": {"DUALGEO_CPU": "plain", "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41",
              "OPENBLAS_CORETYPE": "Nehalem", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
}


def make_model(name):
    import models

    if name.startswith("vit"):
        return models.ClipVision(name)
    if name.startswith("segformer"):
        return models.SegFormer(name.split("-")[1])
    return models.MaskEncoder(150, 768) if name == "masks" else models.DualGeo()


def transformers_model(name, weights):
    """The model of the published code's successor, with our weights: these classes read the same names."""
    import models
    import transformers

    folder = weights.with_name(f"{name}-transformers")
    folder.mkdir(exist_ok=True)
    link = folder / "model.safetensors"
    link.unlink(missing_ok=True)
    link.symlink_to(weights)
    if name.startswith("vit"):
        width, layers, heads, patch, size, projection = models.CLIP_SIZES[name]
        kind = transformers.CLIPVisionModelWithProjection
        config = transformers.CLIPVisionConfig(
            hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers, num_attention_heads=heads,
            patch_size=patch, image_size=size, projection_dim=projection)
    else:
        hidden, depths, width, heads, ratios = models.SEGFORMER_SIZES[name.split("-")[1]]
        kind = transformers.SegformerForSemanticSegmentation
        config = transformers.SegformerConfig(
            hidden_sizes=list(hidden), depths=list(depths), decoder_hidden_size=width, num_attention_heads=list(heads),
            sr_ratios=list(ratios), num_labels=150)
    config.save_pretrained(folder)
    transformers.logging.set_verbosity_error()
    return kind.from_pretrained(folder, attn_implementation="sdpa")


def load_peer(kind, name, folder):
    """The network and what gives its features."""
    import models
    import torch

    weights = folder / f"{name}.safetensors"
    first = lambda result: result
    if kind == "plain" or name in ("dualgeo", "masks"):
        if kind != "plain":  # no such model in transformers: the same code with the fused attention
            split = lambda x, heads: x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
            models.attention = lambda q, k, v, heads: torch.nn.functional.scaled_dot_product_attention(
                split(q, heads), split(k, heads), split(v, heads)).transpose(1, 2).flatten(2)
        model = models.load(str(weights), make_model(name))
    else:
        model = transformers_model(name, weights).eval()
        first = lambda result: result.image_embeds if name.startswith("vit") else result.logits
    return (torch.compile(model) if kind == "compile" else model), first


def train_peer(kind, name, folder, seconds):
    """Forward and backward of one batch of random input: the least time of those that fit into `seconds`."""
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model, first = load_peer(kind, name, folder)
    model.train()
    if name.startswith("vit"):
        batch = torch.randn(16, 3, 224, 224)
    elif name == "masks":
        batch = torch.randint(150, (16, 7, 7)).byte().repeat_interleave(32, 1).repeat_interleave(32, 2)
    else:
        batch = torch.randn(2, 3, 512, 512)

    def step():
        model.zero_grad(set_to_none=True)
        first(model(batch)).sum().backward()

    step()
    least_cpu = least = 1e9
    start, count = time.perf_counter(), 0
    while count < 3 or time.perf_counter() - start < seconds:
        cpu, wall = time.process_time(), time.perf_counter()
        step()
        least_cpu, least = min(least_cpu, time.process_time() - cpu), min(least, time.perf_counter() - wall)
        count += 1
    print(f"{len(batch) / least:.4f} photos/s\n{least_cpu / len(batch):.5f} CPU s a photo")


def peer(kind, name, precision, folder, photos, out):
    """The Python side: its own process, so that its peak memory is its own."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy
    import torch
    from PIL import Image

    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    batch = MODELS[name][1]
    model, first = load_peer(kind, name, folder)
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
        if kind == "compile":  # which is not what is measured
            pixels, mask, _ = read(paths[0])
            pixels = torch.stack([pixels.bfloat16() if half else pixels] * batch)
            model(pixels, torch.stack([mask] * batch)) if name == "dualgeo" else model(pixels)
        start, cpu = time.perf_counter(), time.process_time()
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
                results.append(first(model(pixels)).float())
            else:
                logits = first(model(pixels)).float()
                for i, (_, _, (width, height)) in enumerate(examples):
                    full = torch.nn.functional.interpolate(logits[i : i + 1], size=(height, width), mode="bilinear")
                    to = (out / paths[begin + i].relative_to(photos.parent)).with_suffix(".png")
                    to.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(full.argmax(1)[0].byte().numpy()).save(to, compress_level=1)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    if not segments:
        torch.save(torch.cat(results), out)
    print(f"{len(paths) / seconds:.4f} photos/s\n{cpu / len(paths):.5f} CPU s a photo")


def photo_list(table):
    with open(table) as file:
        return [table.parent / line.strip() for line in list(file)[1:]]


def run(command):
    """Its standard streams as one text, peak memory in MB and CPU seconds. Linux counts into a program's peak what the
    process that started it had in use: so PyTorch is imported in processes of their own only, and this one stays small."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nfailed:\n{text}")
    return text, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def rate(text):
    return float(re.findall(r"([0-9.]+) photos/s", text)[-1])


def cpu_time(text):
    return float(re.findall(r"([0-9.]+) CPU s a photo", text)[-1])


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


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.keep.resolve()
        self.binary = pathlib.Path(os.environ.get("DUALGEO", ROOT / "build" / "release" / "tools" / "dualgeo"))
        self.rounds = options.rounds or (1 if options.quick else 3)
        self.peers = []  # (kind, interpreter)
        if options.peer_python:
            kinds = [kind for kind in ("eager", "compile") if kind in options.peers.split(",")]
            self.peers += [(kind, options.peer_python) for kind in kinds]
        if options.distribution_python:
            self.peers.append(("plain", options.distribution_python))

    def python(self, interpreter, *arguments):
        return run([interpreter, __file__, "--keep", self.folder, *arguments])

    def prepare(self, names):
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(set(names) | ({"segformer-b0"} if "dualgeo" in names else set())):
            path = self.folder / f"{name}.safetensors"
            if not path.exists():
                self.python(self.peers[0][1], "--make", name, path.with_suffix(".tmp"))
                path.with_suffix(".tmp").rename(path)
        self.photos = self.options.photos.resolve() if self.options.photos else self.folder / "world" / "images"
        if not self.options.photos and not (self.folder / "world" / "photos.csv").exists():
            run([self.binary, "world", "--out", self.folder / "world", "--places", 30, "--views", 12, "--size", 512])
        self.found = sorted(str(p.relative_to(self.photos)) for p in self.photos.rglob("*")
                            if p.suffix.lower() in (".jpg", ".jpeg"))
        if not self.found:
            raise SystemExit(f"{self.photos}: no JPEGs")

    def table(self, count):
        table = self.folder / f"photos-{count}"
        (table / "out").mkdir(parents=True, exist_ok=True)
        link = table / "images"
        link.unlink(missing_ok=True)
        link.symlink_to(self.photos)
        count = min(count, len(self.found))
        (table / "photos.csv").write_text("IMG_ID\n" + "".join(f"images/{self.found[i]}\n" for i in range(count)))
        return table / "photos.csv"

    def ours(self, name, precision, count):
        """Photos a second, peak MB and CPU seconds a photo. What a start costs (libraries, weights, a first batch) is in
        neither side's: of ours, the CPU time of a run over one batch is taken off."""
        batch = MODELS[name][1]
        suffix = "" if name.startswith("segformer") else ".safetensors"
        seconds = {}
        for photos in (batch, count):
            table = self.table(photos)
            out = table.parent / "out" / f"{name}{suffix}"
            shutil.rmtree(out, ignore_errors=True)  # masks that are there are not made again
            text, memory, seconds[photos] = run(program_command(self.binary, name, precision, self.folder, table, out))
        return rate(text), memory, (seconds[count] - seconds[batch]) / (count - batch)

    def encode(self, name, precision):
        count = MODELS[name][0] // (4 if self.options.quick else 1)
        table = self.table(count)
        out = table.parent / "out"
        if name == "dualgeo":
            run(program_command(self.binary, "segformer-b0", "fp32", self.folder, table, self.folder / "masks"))
        ours, theirs = [], {kind: [] for kind, _ in self.peers}
        for _ in range(self.rounds):
            ours.append(self.ours(name, precision, count))
            for kind, interpreter in self.peers:
                text, memory, _ = self.python(interpreter, "--peer", kind, name, precision, table,
                                              out / f"{name}-{kind}")
                theirs[kind].append((rate(text), memory, cpu_time(text)))
        suffix = "" if name.startswith("segformer") else ".safetensors"
        agree = lambda kind, interpreter: float(
            self.python(interpreter, "--agree", name, out / f"{name}{suffix}", out / f"{name}-{kind}", table)[0])
        return self.rows(f"{name}, {precision}", ours, theirs, {kind: agree(kind, python) for kind, python in self.peers})

    def train(self, name):
        seconds = 2 if self.options.quick else 10
        program = self.binary.with_name("encoders_bench")
        ours, theirs = [], {kind: [] for kind, _ in self.peers}
        for _ in range(self.rounds):
            text, memory, _ = run([program, name, "train", seconds])
            ours.append((rate(text), memory, cpu_time(text)))
            for kind, interpreter in self.peers:
                text, memory, _ = self.python(interpreter, "--train-peer", kind, name, seconds)
                theirs[kind].append((rate(text), memory, cpu_time(text)))
        return self.rows(f"{name}, training step", ours, theirs, {})

    @staticmethod
    def rows(what, ours, theirs, agreement):
        median = lambda runs, i: statistics.median(run[i] for run in runs)
        rows = []
        for kind, runs in theirs.items():
            by_rate = statistics.median(a[0] / b[0] for a, b in zip(ours, runs))
            by_cpu = statistics.median(b[2] / a[2] for a, b in zip(ours, runs))
            same = f"{agreement[kind]:.5f}" if kind in agreement else ""
            rows.append(f"| {what} | {PEERS[kind]} | {median(ours, 0):.2f} | {median(runs, 0):.2f} | {by_rate:.2f} | "
                        f"{median(ours, 2):.3f} | {median(runs, 2):.3f} | {by_cpu:.2f} | {max(r[1] for r in ours):.0f} | "
                        f"{max(r[1] for r in runs):.0f} | {same} |")
            print(rows[-1], file=sys.stderr)
        return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--photos", type=pathlib.Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--train", default=",".join(TRAINED))
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--cpu", choices=FORCED)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--peer-python")
    parser.add_argument("--peers", default="eager,compile")
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / "build" / "bench-encoders")
    for hidden, count in (("--distribution-python", None), ("--peer", 5), ("--train-peer", 3), ("--make", 2), ("--agree", 4)):
        parser.add_argument(hidden, nargs=count, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        import models

        return models.save(options.make[1], models.init(make_model(options.make[0])))
    if options.agree:
        name, *paths = options.agree
        return print(agreement(name, *map(pathlib.Path, paths)))
    if options.peer:
        kind, name, precision, table, out = options.peer
        return peer(kind, name, precision, options.keep, pathlib.Path(table), pathlib.Path(out))
    if options.train_peer:
        kind, name, seconds = options.train_peer
        return train_peer(kind, name, options.keep, float(seconds))

    os.environ.update(FORCED.get(options.cpu, {}))
    names = [name for name in options.models.split(",") if name]
    trained = [name for name in options.train.split(",") if name]
    bench = Bench(options)
    bench.prepare(names + trained)
    print(f"load {os.getloadavg()[0]:.1f}, {len(os.sched_getaffinity(0))} cores, {options.cpu or 'nothing'} forced, "
          f"{bench.rounds} rounds, photos of {bench.photos}", file=sys.stderr)
    rows = []
    for name in names:
        for precision in options.precisions.split(","):
            rows += bench.encode(name, precision)
    for name in trained:
        rows += bench.train(name)
    print("| model | peer | photos/s | peer's | ratio | CPU s a photo | peer's | ratio | peak MB | peer's | agreement |\n"
          "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
