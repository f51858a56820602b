#!/usr/bin/env python3
"""Kills each long command ten times (SIGKILL) at random moments, starts it again each time, and compares what it made, byte for
byte, with what one that was left alone makes. Prints how much longer all its tries took than the one: what was done twice.

usage: scripts/check-kills.py [RUN_DIR] [KILLS]     default: runs/quickstart (a finished `scripts/quickstart.sh`), 10

A training's turn is scripts/check-resume.sh, a whole run's the test SlowRunKill. `predict` asks a server of this script."""
import hashlib
import http.server
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
DUALGEO = ROOT / "build/release/tools/dualgeo"


class Server(http.server.ThreadingHTTPServer):
    """A language model that knows one place, slowly."""
    daemon_threads = True
    requests = 0

    def handle_error(self, *_):  # who asked was killed
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        time.sleep(0.03)
        reply = json.dumps({"choices": [{"message": {"role": "assistant", "content": "48.8584, 2.2945"},
                                         "finish_reason": "stop"}],
                            "usage": {"prompt_tokens": 1, "completion_tokens": 1}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


def digest(path):
    """Of a file, or of all files of a folder with their names, but for hidden ones and the one that holds times."""
    names = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")
                                                        and p.name != "checked.json")
    total = hashlib.sha256()
    for name in names:
        total.update(str(name.relative_to(path)).encode() + name.read_bytes())
    return total.hexdigest()


def remove(path):
    for old in path.parent.glob(path.name + "*"):
        shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()


def run(arguments, kill_after=None):
    """Whether it ended by itself; and the seconds."""
    start = time.monotonic()
    child = subprocess.Popen([DUALGEO, "-q", *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, err = child.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return False, time.monotonic() - start
    if child.returncode != 0:
        sys.exit(f"check-kills: {' '.join(map(str, arguments))}: {err}")
    return True, time.monotonic() - start


def check(name, out, arguments, kills, chance, further=lambda: ""):
    remove(out)
    _, whole = run(arguments)
    expected = digest(out)
    words = further()
    remove(out)
    killed, spent = 0, 0.0
    for _ in range(10 * kills):
        if killed == kills:
            break
        ended, seconds = run(arguments, chance.uniform(0.2, max(0.5, 0.5 * whole)))
        killed += not ended
        spent += seconds
        if ended:  # before the kill: a result like any other
            assert digest(out) == expected, f"{name}: other bytes"
            remove(out)
            spent = 0.0
    spent += run(arguments)[1]
    if digest(out) != expected:
        sys.exit(f"check-kills: {name}: other bytes after {killed} kills")
    print(f"{name}: {killed} kills, the same bytes; {whole:.1f} s in one go, {spent:.1f} s in all since it last began anew{words}{further()}",
          flush=True)


def main():
    run_dir = (ROOT / (sys.argv[1] if len(sys.argv) > 1 else "runs/quickstart")).resolve()
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    if not (run_dir / "report.html").exists():
        sys.exit(f"check-kills: {run_dir}: no finished run (scripts/quickstart.sh makes one)")
    world = run_dir.parent / "world"
    chance = random.Random(1)
    config = ["--config", run_dir / "config.yaml"]
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        query = ["--photos", world / "query.csv", "--images", world / "images"]
        check("segment", work / "masks",
              ["segment", *config, *query, "--checkpoint", run_dir / "segmenter/best", "--out", work / "masks"], kills, chance)
        check("embed", work / "f.safetensors",
              ["embed", "photos", *config, "--checkpoint", run_dir / "checkpoint/best", "--photos", world / "train.csv",
               "--images", world / "images", "--masks", run_dir / "masks/train", "--out", work / "f.safetensors"], kills, chance)
        check("gallery build", work / "gallery",
              ["gallery", "build", *config, "--checkpoint", run_dir / "checkpoint/best", "--photos", world / "train.csv",
               "--images", world / "images", "--masks", run_dir / "masks/train", "--set", "gallery.index=HNSW32",
               "--out", work / "gallery"], kills, chance)
        check("search", work / "c.csv",
              ["search", *config, "--checkpoint", run_dir / "checkpoint/best", "--gallery", run_dir / "gallery", *query,
               "--masks", run_dir / "masks/query", "--out", work / "c.csv"], kills, chance)

        asked = []

        def requests():
            """Said after the whole run and after the killed ones: requests since the last time."""
            asked.append(server.requests)
            return f"; {asked[-1] - (asked[-2] if len(asked) > 1 else 0)} requests"

        lists = work / "lists.csv"
        lines = (run_dir / "query/candidates.csv").read_text().splitlines()
        lists.write_text("\n".join(lines[:1 + 20 * 60]) + "\n")
        check("predict", work / "p.csv",
              ["predict", "--method", "lmm", "--candidates", lists, "--images", world / "images", "--out", work / "p.csv",
               "--cache", work / "p.csv.sqlite", "--endpoint", f"http://127.0.0.1:{server.server_port}/v1", "--concurrency", "2"],
              kills, chance, requests)


if __name__ == "__main__":
    main()
