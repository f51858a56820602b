#!/usr/bin/env bash
# The index of a tar with as many members as MP-16 has: seconds and peak memory of reading three photos at random places when
# it is made, and when it is there.
#   scripts/bench/tar_index.sh [MEMBERS]       (default 4,700,000: 4.8 GB in $TMPDIR)
set -euo pipefail
cd "$(dirname "$0")/../.."
dualgeo=$(realpath "${DUALGEO:-build/release/tools/dualgeo}")
members=${1:-4700000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$members" "$work" <<'END'
import random
import struct
import sys
import zlib

members, folder = int(sys.argv[1]), sys.argv[2]
chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
photo = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
         chunk(b"IDAT", zlib.compress(bytes(8 * 25))) + chunk(b"IEND", b""))
content = photo.ljust(512, b"\0")
empty = b"\0".join([b"0000644", b"0000000", b"0000000", b"%011o" % len(photo), b"00000000000"]) + b"\0"
after = b" 0".ljust(101, b"\0") + b"ustar\00000"

def name(i):  # as Flickr's are in MP-16: two folders, a number, a hash
    return f"{i * 2654435761 % 256:02x}/{i * 40503 % 256:02x}/{10 ** 9 + i}_{i * 2654435761 % 2 ** 40:010x}.png"

with open(f"{folder}/photos.tar", "wb", buffering=1 << 24) as tar:
    for i in range(members):
        start = name(i).encode().ljust(100, b"\0") + empty
        checksum = sum(start) + 8 * 32 + sum(after[1:])
        tar.write((start + b"%06o\0" % checksum + after).ljust(512, b"\0") + content)
    tar.write(bytes(1024))
random.seed(1)
with open(f"{folder}/photos.csv", "w") as table:
    table.write("IMG_ID,LAT,LON\n")
    for i in sorted(random.sample(range(members), 3)):
        table.write(f"{name(i)},1,2\n")
END
echo "$members members, $(du -m "$work/photos.tar" | cut -f1) MB; three of them read:"
for when in "and the index made" "with the index there"; do
  /usr/bin/time -f "%e %U %S %M" -o "$work/time" "$dualgeo" photos check "$work/photos.csv" "$work/photos.tar" >"$work/out" 2>&1 ||
    { cat "$work/out" >&2; exit 1; }
  awk -v when="$when" '{ printf "%-22s %6.2f s, %6.2f CPU-s, peak %4.0f MB\n", when, $1, $2 + $3, $4 / 1024 }' "$work/time"
done
ls -l "$work" | awk '/index/ { printf "the index: %.0f MB\n", $5 / 1e6 }'
