"""Reading photos beside Pillow, in one run and in turn; see photos.sh. `photos.py peer FOLDER SIZE` is the peer."""
import argparse
import glob
import io
import os
import statistics
import subprocess
import sys
import time
import zlib

BENCH = 'build/release/tools/photos_bench'
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def make(folder, count, side):
    """Photos with the spectrum of real ones (1/f), in colour, as a camera's JPEG of quality 90."""
    import numpy as np
    from PIL import Image
    os.makedirs(folder, exist_ok=True)
    random = np.random.default_rng(1)
    width, height = side, side * 3 // 4
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1
    for i in range(count):
        planes = []
        for strength in (45, 12, 12):  # luma, chroma
            noise = np.fft.rfft2(random.standard_normal((height, width))) / frequency
            noise[0, 0] = 0
            plane = np.fft.irfft2(noise, (height, width))
            planes.append(128 + strength * plane / plane.std())
        pixels = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
        image = Image.fromarray(pixels, 'YCbCr').convert('RGB')
        if i % 4 == 3:
            image = image.rotate(90, expand=True)
        image.save(f'{folder}/{i:03d}.jpg', quality=90)


def peer(folder, size):
    import numpy as np
    from PIL import Image
    photos = [open(path, 'rb').read() for path in sorted(glob.glob(folder + '/*'))]
    mean, std = np.float32(MEAN), np.float32(STD)
    least = [1e9] * 3
    for _ in range(4):
        sums, crc = [0.0] * 3, 0
        for photo in photos:
            start = time.process_time()
            image = Image.open(io.BytesIO(photo))
            image = image.convert('RGB')
            decoded = time.process_time()
            short = min(image.size)
            image = image.resize([size if side == short else int(size * side / short) for side in image.size],
                                 Image.BICUBIC)
            left, top = ((side - size) // 2 for side in image.size)
            image = image.crop((left, top, left + size, top + size))
            resized = time.process_time()
            pixels = (np.asarray(image, np.float32) / 255 - mean) / std
            np.ascontiguousarray(pixels.transpose(2, 0, 1))
            for s, t in enumerate((decoded - start, resized - decoded, time.process_time() - resized)):
                sums[s] += t
            crc = zlib.crc32(image.tobytes(), crc)
        if _:
            least = [min(a, 1e3 * b / len(photos)) for a, b in zip(least, sums)]
    for name, value in zip(('decode', 'resize', 'tensor'), least):
        print(f'{name} {value:.3f}')
    print(f'crops {crc:08x}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--photos')
    parser.add_argument('--size', type=int, default=224)
    parser.add_argument('--side', type=int, default=1024)
    parser.add_argument('--count', type=int, default=40)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--keep', default='build/bench-photos')
    options = parser.parse_args()
    folder = options.photos or f'{options.keep}/{options.side}-{options.count}'
    if not options.photos and not os.path.exists(folder):
        make(folder, options.count, options.side)
    size = str(options.size)
    sides = {
        'exact': [BENCH, folder, 'exact', size],
        'fast': [BENCH, folder, 'fast', size],
        'Pillow': [sys.executable, __file__, 'peer', folder, size],
    }
    runs = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, command in sides.items():
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            runs[name].append(dict(line.split() for line in output.splitlines()))
    if runs['exact'][0]['crops'] != runs['Pillow'][0]['crops']:
        print('photos: decode: exact and this Pillow differ in their pixels (another libjpeg?)', file=sys.stderr)
    steps = ('decode', 'resize', 'tensor')
    # A run's sum: its steps belong together.
    total = {name: statistics.median(sum(float(r[s]) for s in steps[:2]) for r in some) for name, some in runs.items()}
    whole = {name: statistics.median(sum(float(r[s]) for s in steps) for r in some) for name, some in runs.items()}
    print('| | decode | resize | tensor | to pixels | photos/s | ratio | to tensor | ratio |')
    print('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
    for name, some in runs.items():
        cells = [f'{statistics.median(float(r[s]) for r in some):.2f}' for s in steps]
        cells += [f'{total[name]:.2f}', f'{1e3 / total[name]:.0f}', f'{total["Pillow"] / total[name]:.2f}']
        cells += [f'{whole[name]:.2f}', f'{whole["Pillow"] / whole[name]:.2f}']
        print(f'| {name} | ' + ' | '.join(cells) + ' |')


if sys.argv[1:2] == ['peer']:
    peer(sys.argv[2], int(sys.argv[3]))
else:
    main()
