"""GFLOP/s of ViT-L/14's matrix products on this CPU (eight photos, 2056 rows; the best of eight runs): LibTorch's linear,
which gives float32 to BLAS, and oneDNN's convolution by 1 x 1, which the program uses. Needs python3-torch.

    /usr/bin/python3 scripts/bench/products.py        # OPENBLAS_NUM_THREADS=1: BLAS on one thread
"""

import os
import time

import torch


def gflops(multiply, operations):
    multiply()
    best = 1e9
    for _ in range(8):
        start = time.perf_counter()
        multiply()
        best = min(best, time.perf_counter() - start)
    return operations / best / 1e9


rows, cores = 2056, len(os.sched_getaffinity(0))
convolution = torch.ops.aten.mkldnn_convolution
print(f"| k, n | type | linear, 1 thread set | linear, {cores} set | oneDNN, 1 | oneDNN, {cores} |")
print("| --- | --- | ---: | ---: | ---: | ---: |")
with torch.inference_mode():
    for k, n in ((1024, 1024), (1024, 4096), (4096, 1024)):
        for dtype in (torch.float32, torch.bfloat16):
            x, weight, bias = (torch.randn(*shape).to(dtype) for shape in ((rows, k), (n, k), (n,)))
            image = x.view(1, 1, rows, k).permute(0, 3, 1, 2)
            kernel = weight.view(n, k, 1, 1)
            found = []
            for multiply in (lambda: torch.nn.functional.linear(x, weight, bias),
                             lambda: convolution(image, kernel, bias, [0, 0], [1, 1], [1, 1], 1)):
                for threads in (1, cores):
                    torch.set_num_threads(threads)
                    found.append(f"{gflops(multiply, 2 * rows * k * n):.0f}")
            print(f"| {k}, {n} | {str(dtype).split('.')[1]} | {' | '.join(found)} |")
