"""Indexes side by side: see scripts/bench/index.sh, which builds what this calls. Prints a Markdown table."""
import argparse
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import numpy

K = 20
# factory, parameters, queries (of 4,000: as many as take seconds), sizes it is measured at
OURS = [
    ("grouped", "", 4000, (0, 10**9)),
    ("grouped", "nprobe=4", 4000, (0, 10**9)),
    ("grouped,SQ8", "", 4000, (0, 10**9)),
    ("grouped,SQ8", "nprobe=4", 4000, (0, 10**9)),
    ("grouped,SQ8,RFlat", "", 4000, (0, 10**9)),
    ("faiss:Flat", "", 1000, (0, 10**9)),
    ("faiss:SQfp16", "", 40, (0, 200000)),
    ("faiss:SQ8", "", 40, (0, 200000)),
    ("faiss:IVF{lists},Flat", "nprobe=8", 4000, (0, 10**9)),
    ("faiss:IVF{lists},SQ8", "nprobe=8", 1000, (0, 10**9)),
    ("faiss:IVF{lists},PQ192x4,RFlat", "nprobe=16,k_factor_rf=10", 1000, (0, 200000)),
    ("faiss:HNSW32", "efSearch=64", 1000, (0, 200000)),
]
PEER = [
    ("Flat", "", 4000, (0, 10**9)),
    ("SQfp16", "", 1000, (0, 200000)),
    ("SQ8", "", 1000, (0, 200000)),
    ("IVF{lists},Flat", "nprobe=8", 4000, (0, 10**9)),
    ("IVF{lists},SQ8", "nprobe=8", 4000, (0, 10**9)),
    ("IVF{lists},PQ192x4fsr,Refine(SQfp16)", "nprobe=16,k_factor_rf=10", 4000, (0, 10**9)),
    ("HNSW32", "efSearch=64", 4000, (0, 200000)),
]

PEER_PROGRAM = r"""
import os, resource, sys, time
import faiss, numpy
verb, folder, factory, file = sys.argv[1:5]
dimension = int(open(folder + "/dimension").read())
status = lambda name: float([l for l in open("/proc/self/status") if l.startswith(name)][0].split()[1])
peak = lambda: (status("VmHWM:") - status("RssFile:")) / 1024
if verb == "build":
    base = numpy.memmap(folder + "/base.f32", dtype="float32", mode="r").reshape(-1, dimension)
    start = time.perf_counter()
    index = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(base[:300000])
    for first in range(0, len(base), 65536):
        index.add(base[first:first + 65536])
    seconds = time.perf_counter() - start
    faiss.write_index(index, file)
    print(f"build,{seconds:.2f},{peak():.0f},{os.path.getsize(file)}")
else:
    parameters, count, k = sys.argv[5], int(sys.argv[6]), int(sys.argv[7])
    queries = numpy.fromfile(folder + "/queries.f32", dtype="float32").reshape(-1, dimension)[:count]
    index = faiss.read_index(file)
    if parameters:
        faiss.ParameterSpace().set_index_parameters(index, parameters)
    cpu, start = time.process_time(), time.perf_counter()
    _, labels = index.search(queries, k)
    seconds = time.perf_counter() - start
    labels.astype("int64").tofile(folder + "/found.i64")
    print(f"search,{seconds:.4f},{peak():.0f},{time.process_time() - cpu:.4f}")
"""


def call(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    out = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True, text=True).stdout
    return [float(x) for x in out.strip().splitlines()[-1].split(",")[1:]]


def recall(found, truth):
    n = min(len(found), len(truth))
    found, truth = found[:n], truth[:n]
    first = (found == truth[:, :1]).any(1).mean()
    return first, (found[:, :, None] == truth[:, None, :]).any(1).mean()


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.keep) / f"{options.count}x{options.dimension}"
        self.truth = None
        self.flat = None
        self.last = None
        self.lists = options.lists or 1 << max(0, (4 * int(options.count**0.5)).bit_length() - 1)

    def measure(self, name, command, factory, parameters, queries):
        factory = factory.replace("{lists}", str(self.lists))
        parameters = parameters or ""
        file = self.folder / ("index." + name + "." + factory.replace(",", "_").replace(":", "_"))
        if not file.exists():
            build = call([*command, "build", self.folder, factory, file], self.options.threads)
            pathlib.Path(str(file) + ".build").write_text(",".join(map(str, build)))
        build = [float(x) for x in pathlib.Path(str(file) + ".build").read_text().split(",")]
        best = None
        for _ in range(self.options.rounds):
            once = call([*command, "search", self.folder, factory, file, parameters, str(queries), str(K)],
                        self.options.threads)
            best = once if best is None or once[0] < best[0] else best
        found = numpy.fromfile(self.folder / "found.i64", dtype="int64").reshape(-1, K)
        if self.truth is None:
            self.truth = found
        else:
            first, all20 = recall(found, self.truth)
        self.last = file
        rate, cpu = queries / best[0], best[2] / queries * 1000
        if self.flat is None:
            self.flat, first, all20 = (rate, cpu), 1, 1
        print(f"| {name} | {factory.replace('faiss:', '')} {parameters} | {build[2] / self.options.count:.0f} | "
              f"{build[0]:.0f} | {build[1]:.0f} | {best[1]:.0f} | {rate:.0f} | {cpu:.3f} | {first:.4f} | {all20:.4f} | "
              f"{rate / self.flat[0]:.1f} | {self.flat[1] / cpu:.1f} |", flush=True)

    def run(self):
        options = self.options
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "base.f32").exists():
            subprocess.run([options.program, "generate", self.folder, str(options.count), str(options.queries),
                            str(options.dimension)], check=True)
        print(f"{options.count} vectors of {options.dimension} dimensions, {options.threads} threads, "
              f"{platform.processor() or platform.machine()}\n")
        print("| by | index, parameters | bytes a vector | build s | build peak MiB | search peak MiB | queries/s | "
              "CPU ms a query | recall@1 | recall@20 | q/s : flat | CPU, flat : it |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        program, peer = [options.program], [options.peer_python, "-c", PEER_PROGRAM]
        jobs = [("FAISS of the build", program, "faiss:Flat", "", options.queries, (0, 10**9))]
        jobs += [("ours" if one[0].startswith("grouped") else "FAISS of the build", program, *one) for one in OURS
                 if one[0] != "faiss:Flat"]
        if options.peer_python:
            jobs += [("faiss-cpu", peer, *one) for one in PEER]
        for name, command, factory, parameters, queries, sizes in jobs:
            if options.only and not any(word in name + " " + factory for word in options.only.split(";")):
                continue
            if sizes[0] <= options.count <= sizes[1]:
                before = self.last
                self.measure(name, command, factory, parameters, min(queries, options.queries))
                if before and before != self.last and not options.keep_indexes:
                    before.unlink()  # not sooner: the next row may ask the same index with other parameters


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--peer-python", default="")
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--dimension", type=int, default=1536)
    parser.add_argument("--queries", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lists", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--keep", default="build/bench-index")
    parser.add_argument("--keep-indexes", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    room = shutil.disk_usage(pathlib.Path(options.keep).absolute().parent).free
    if room < 3 * options.count * options.dimension * 4:
        sys.exit(f"index.py: {options.keep}: {room >> 20} MiB free; three times the vectors are needed")
    Bench(options).run()


if __name__ == "__main__":
    main()
