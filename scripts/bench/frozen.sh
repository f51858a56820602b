#!/usr/bin/env bash
# Training on what a frozen image encoder gave once (train.cache_frozen_features) beside training that runs it every epoch, and
# beside the same loop in Python: photos a second of an epoch. CLIP ViT-B/32 with random weights, frozen, and GeoCLIP's heads over it
# (two layers on the photo's vector, a GPS encoder, contrastive loss), batches of 64.
#   scripts/bench/frozen.sh --photos CSV --images DIR [--count 512] [--threads 2] [--peer-python VENV/bin/python]
# The peer needs torch, transformers and pillow.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
photos= images= count=512 threads=2 peer=
while [ $# -gt 1 ]; do
  case $1 in
    --photos) photos=$2 ;;
    --images) images=$2 ;;
    --count) count=$2 ;;
    --threads) threads=$2 ;;
    --peer-python) peer=$2 ;;
    *) break ;;
  esac
  shift 2
done
[ $# -eq 0 ] && [ -n "$photos" ] && [ -n "$images" ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
dualgeo=${DUALGEO:-$root/build/release/tools/dualgeo}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
head -n $((count + 1)) "$photos" >"$folder/photos.csv"
common=(--config "$root/configs/dualgeo.yaml" --set model.views=image --set 'model.heads=[contrastive_gps]'
  --set model.image_encoder.preset=vit-b-32 --set model.image_encoder.weights=null --set model.image_encoder.freeze=true
  --set model.embed_dim=512 --set model.gps_encoder.weights=null --set data.train.csv="$folder/photos.csv" --set data.train.images="$images"
  --set data.validation.fraction=0 --set train.batch_size=64 --set train.log_every_steps=1 --set "threads=$threads" --set device=cpu)

# Photos a second over an epoch, by the log: of the second, where everything is warm.
rate() { python3 -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
rates = [1 / line["photos_per_second"] for line in lines if line.get("epoch") == 2 and "photos_per_second" in line]
print(f"{len(rates) / sum(rates):.2f}")' "$1/train.jsonl"; }
"$dualgeo" train "${common[@]}" --set train.epochs=2 --set "run_dir=$folder/plain" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
plain=$(rate "$folder/plain")
"$dualgeo" train "${common[@]}" --set train.epochs=2 --set train.cache_frozen_features=true --set "run_dir=$folder/cached" >"$folder/log" 2>&1 ||
  { cat "$folder/log" >&2; exit 1; }
cached=$(rate "$folder/cached")
echo "| photos a second of an epoch | | of the first |"
echo "| --- | ---: | ---: |"
echo "| dualgeo, the encoder in every epoch | $plain | 1 |"
echo "| dualgeo, train.cache_frozen_features | $cached | $(awk "BEGIN { printf \"%.1f\", $cached / $plain }") |"
[ -n "$peer" ] || exit 0
cat >"$folder/peer.py" <<'END'
import csv, math, os, sys, time
import torch
from PIL import Image
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

table, images, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
rows = list(csv.DictReader(open(table)))
config = CLIPVisionConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, patch_size=32,
                          projection_dim=512)
clip = CLIPVisionModelWithProjection(config).eval().requires_grad_(False)
head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512))
frequencies = [torch.randn(256, 2) * sigma for sigma in (1, 16, 256)]
gps = nn.ModuleList([nn.Sequential(nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1024),
                                   nn.ReLU(), nn.Linear(1024, 512)) for _ in frequencies])
scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
optimizer = torch.optim.AdamW([*head.parameters(), *gps.parameters(), scale], lr=3e-5)
mean, std = torch.tensor([0.4815, 0.4578, 0.4082]).view(3, 1, 1), torch.tensor([0.2686, 0.2613, 0.2758]).view(3, 1, 1)


class Photos(torch.utils.data.Dataset):
    def __len__(self):
        return len(rows)

    def __getitem__(self, i):
        photo = Image.open(os.path.join(images, rows[i]["IMG_ID"])).convert("RGB")
        short = min(photo.size)
        photo = photo.resize([round(side * 224 / short) for side in photo.size], Image.BICUBIC)
        left, top = (photo.width - 224) // 2, (photo.height - 224) // 2
        photo = photo.crop((left, top, left + 224, top + 224))
        pixels = torch.frombuffer(bytearray(photo.tobytes()), dtype=torch.uint8).view(224, 224, 3).permute(2, 0, 1)
        return (pixels / 255 - mean) / std, torch.tensor([float(rows[i]["LAT"]), float(rows[i]["LON"])])


loader = torch.utils.data.DataLoader(Photos(), batch_size=64, shuffle=True, drop_last=True, num_workers=threads)
for epoch in range(2):
    start, seen = time.time(), 0
    for pixels, places in loader:
        with torch.no_grad():
            vectors = clip(pixels).image_embeds
        a = nn.functional.normalize(head(vectors), dim=1)
        b = 0
        for table_, capsule in zip(frequencies, gps):
            phase = 2 * math.pi * (places / 180) @ table_.T
            b = b + capsule(torch.cat([phase.cos(), phase.sin()], 1))
        b = nn.functional.normalize(b, dim=1)
        logits = scale.exp() * a @ b.T
        target = torch.arange(len(a))
        loss = (nn.functional.cross_entropy(logits, target) + nn.functional.cross_entropy(logits.T, target)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += len(a)
    rate = seen / (time.time() - start)
print(f"{rate:.2f}")
END
python=$("$peer" "$folder/peer.py" "$folder/photos.csv" "$images" "$threads")
echo "| PyTorch, the same loop (transformers' CLIP, Pillow) | $python | $(awk "BEGIN { printf \"%.2f\", $python / $plain }") |"
echo "cached beside PyTorch: $(awk "BEGIN { printf \"%.1f\", $cached / $python }") times"
