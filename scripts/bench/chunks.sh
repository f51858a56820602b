#!/usr/bin/env bash
# chunks.sh [CHUNK]: peak memory and time of one step of training: 256 photos at once, 4096 at once in chunks
# (train.chunk_size, default 128), and 4096 by two processes. Photos are a few, under many names.
set -euo pipefail
chunk=${1:-128}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 - <<'PY'
import os, random, struct, zlib
random.seed(3)
os.mkdir('photos')
chunk = lambda name, data: struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
for i in range(16):
    rows = b''.join(b'\0' + random.randbytes(3 * 128) for _ in range(96))
    with open(f'{i}.png', 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 128, 96, 8, 2, 0, 0, 0)) +
                   chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
for n in (256, 4096):
    with open(f'{n}.csv', 'w') as table:
        table.write('IMG_ID,LAT,LON\n')
        for i in range(n):
            table.write(f'p{i}.png,{random.uniform(-80, 80):.5f},{random.uniform(-179, 179):.5f}\n')
for i in range(4096):
    os.link(f'{i % 16}.png', f'photos/p{i}.png')
PY
cat > c.yaml <<'YAML'
device: cpu
data: {train: {images: photos}, validation: {fraction: 0}, augment: {enabled: false}}
model:
  views: image
  embed_dim: 128
  image_encoder: {preset: vit-tiny, freeze: false, width: 128, layers: 6, heads: 4, patch: 8, image_size: 96}
train: {epochs: 1}
YAML
step() {  # name, photos, launcher..., options
  local name=$1 photos=$2; shift 2
  /usr/bin/time -f '%M %e %U' -o time.txt "$@" --config c.yaml --set data.train.csv=$photos.csv --set run_dir="$name" -q >/dev/null
  awk -v name="$name" '{printf "%-28s peak %6.0f MB of a process, %6.1f s, %6.1f s of CPU\n", name, $1 / 1024, $2, $3}' time.txt
}
dualgeo=$root/build/release/tools/dualgeo
step batch-256 256 "$dualgeo" train --set train.batch_size=256
step batch-4096-chunk-$chunk 4096 "$dualgeo" train --set train.batch_size=4096 --set train.chunk_size=$chunk
step batch-4096-two-processes 4096 "$root/scripts/launch-local.sh" 2 "$dualgeo" train --set train.batch_size=4096 --set train.chunk_size=$chunk
