#!/usr/bin/env bash
# GeoCLIP beside the package geoclip (1.3), in one run, with the same weights and threads: the embedding of a gallery's places, and
# photos located a second. The package embeds all places anew for every photo; here they are embedded once.
#   scripts/bench/geoclip.sh --clip F --weights DIR --gallery CSV --images DIR [--peer-python VENV/bin/python]
#     [--count 256] [--peer-count 2] [--threads 2]
# --clip, --weights, --gallery: as scripts/parity/geoclip.sh. --images: JPEG files. --count: how many are located here,
# --peer-count: how many by the peer, whose rate does not depend on it. The peer needs geoclip, torch, transformers, pandas.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
clip= weights= gallery= images= peer= count=256 peer_count=2 threads=2
while [ $# -gt 1 ]; do
  case $1 in
    --clip) clip=$2 ;;
    --weights) weights=$2 ;;
    --gallery) gallery=$2 ;;
    --images) images=$2 ;;
    --peer-python) peer=$2 ;;
    --count) count=$2 ;;
    --peer-count) peer_count=$2 ;;
    --threads) threads=$2 ;;
    *) break ;;
  esac
  shift 2
done
[ $# -eq 0 ] && [ -n "$clip" ] && [ -n "$weights" ] && [ -n "$gallery" ] && [ -n "$images" ] ||
  { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
dualgeo=${DUALGEO:-$root/build/release/tools/dualgeo}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
settings=$(python3 "$root/scripts/parity/geoclip_sizes.py" --dualgeo "$dualgeo" --clip "$clip" --weights "$weights")
common=(--config "$root/configs/systems/geoclip.yaml" --checkpoint none --set "threads=$threads")
while IFS= read -r setting; do common+=(--set "$setting"); done <<<"$settings"
(echo IMG_ID; find "$images" -name '*.jpg' -printf '%P\n' | sort | head -n "$count") >"$folder/photos.csv"
located=$(($(wc -l <"$folder/photos.csv") - 1))

# Runs a command; prints wall and CPU seconds and peak MB.
measure() {
  /usr/bin/time -f '%e %U %S %M' -o "$folder/time" "$@" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
  awk '{ printf "%.2f %.2f %.0f\n", $1, $2 + $3, $4 / 1024 }' "$folder/time"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
rate() { awk -v n="$1" -v s="$2" 'BEGIN { printf "%.3f", n / s }'; }

cat >"$folder/peer.py" <<'EOF'
import resource, sys, time
import torch
from geoclip import GeoCLIP, LocationEncoder
from geoclip.model.misc import load_gps_data

what, gallery, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)

def clip_of(path, sizes):
    from safetensors.torch import load_file
    from transformers import CLIPConfig, CLIPModel
    vision = dict(hidden_size=sizes["width"], intermediate_size=4 * sizes["width"], num_hidden_layers=sizes["layers"],
                  num_attention_heads=sizes["heads"], patch_size=sizes["patch"], image_size=sizes["image_size"])
    model = CLIPModel(CLIPConfig(projection_dim=sizes["projection_dim"], vision_config=vision,
                                 text_config=dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                                  num_attention_heads=1)))
    missing, unexpected = model.load_state_dict(load_file(path), strict=False)
    assert not unexpected and not [name for name in missing if name.startswith(("vision", "visual"))], (missing, unexpected)
    return model

def seconds(function):
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu

with torch.no_grad():
    if what == "embed":
        places, encoder = load_gps_data(gallery), LocationEncoder().eval()
        used = seconds(lambda: encoder(places))
    else:
        settings = dict(line.strip().split("=", 1) for line in open(sys.argv[4]))
        sizes = {key.rsplit(".", 1)[1]: int(value) for key, value in settings.items()
                 if key.startswith("model.image_encoder.") and value.isdigit()}
        # A small tower in place of the package's own, which is CLIP's largest and would be made first.
        import geoclip.model.image_encoder as image_encoder
        image_encoder.CLIPModel = lambda config: clip_of(settings["model.image_encoder.weights"], sizes)
        model = GeoCLIP(clip_pretrained=False).eval()
        model.gps_gallery = load_gps_data(gallery)
        photos = sys.argv[5:]
        used = seconds(lambda: [model.predict(photo, 10) for photo in photos])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{used[0]:.2f} {used[1]:.2f} {peak:.0f}")
EOF
echo "$settings" >"$folder/settings"
ask_peer() { "$peer" "$folder/peer.py" "$1" "$gallery" "$threads" "${@:2}" 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }; }

echo "load $(cut -d' ' -f1 /proc/loadavg), $(nproc) cores, $threads threads, $(($(wc -l <"$gallery") - 1)) places, $located photos" >&2
echo "| what | wall s | CPU s | peak MB | peer: wall s | CPU s | peak MB | ratio, wall | CPU |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
read -r wall cpu peak < <(measure "$dualgeo" embed gps "${common[@]}" --coordinates "$gallery" --out "$folder/gps.safetensors")
if [ -n "$peer" ]; then read -r peer_wall peer_cpu peer_peak < <(ask_peer embed); fi
row() {
  if [ -z "$peer" ]; then echo "| $1 | $wall | $cpu | $peak | | | | | |"; return; fi
  echo "| $1 | $wall | $cpu | $peak | $peer_wall | $peer_cpu | $peer_peak | $(ratio "$peer_wall" "$wall") | $(ratio "$peer_cpu" "$cpu") |"
}
row "embed gps, whole command; peer: its encoder alone"
read -r gallery_wall _ _ < <(measure "$dualgeo" gallery build "${common[@]}" --features "$folder/gps.safetensors" --out "$folder/gallery")
read -r wall cpu peak < <(measure "$dualgeo" search "${common[@]}" --set search.top_k=10 --gallery "$folder/gallery" \
  --photos "$folder/photos.csv" --images "$images" --out "$folder/candidates.csv")
echo "locate: $(rate "$located" "$wall") photos/s (search of $located photos, start included; the gallery's index took $gallery_wall s, once)" >&2
[ -n "$peer" ] || { echo "peer: skipped, no Python with geoclip (--peer-python)" >&2; exit 0; }
mapfile -t first < <(sed 1d "$folder/photos.csv" | head -n "$peer_count" | sed "s|^|$images/|")
read -r peer_wall peer_cpu peer_peak < <(ask_peer predict "$folder/settings" "${first[@]}")
ours=$(rate "$located" "$wall") theirs=$(rate "${#first[@]}" "$peer_wall")
echo
echo "| what | photos/s | peer's | ratio |"
echo "| --- | ---: | ---: | ---: |"
echo "| search, start included; peer: predict, without its start | $ours | $theirs | $(ratio "$ours" "$theirs") |"
