#!/usr/bin/env python3
"""`dualgeo serve` beside the library: milliseconds a photo by POST /v1/locate, one request after another, the library's own for the same
photos (Locator, as the replies' header Server-Timing says), and by `dualgeo locate` of all of them at once, which shares the search
among them (its time for all but that for one, so that the start does not count); each the least of several rounds. Then clients that ask at once, with the errors and the memory they leave behind.

  scripts/bench/serve.py --run RUN --images DIR [--count 100] [--rounds 3] [--clients 8] [--seconds 60] [--dualgeo PATH]

RUN: folder of a finished `dualgeo run`. DIR: JPEG or PNG photos. The standard library of Python is enough."""
import argparse
import http.client
import pathlib
import re
import subprocess
import threading
import time


def arguments():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--dualgeo", default=str(root / "build/release/tools/dualgeo"))
    return parser.parse_args()


class Server:
    """Started on a free port; `port` is what it says on its first lines."""

    def __init__(self, dualgeo, run):
        self.process = subprocess.Popen([dualgeo, "serve", "--run", run, "--port", "0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break
        else:
            raise SystemExit("serve: did not start")
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def megabytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def close(self):
        self.process.terminate()
        self.process.wait()


def ask(connection, photo):
    connection.request("POST", "/v1/locate", photo, {"Content-Type": "application/octet-stream"})
    reply = connection.getresponse()
    body = reply.read()
    if reply.status != 200 or b'"lat"' not in body:
        return None
    return float(re.fullmatch(r"locate;dur=([0-9.]+)", reply.headers["Server-Timing"])[1])


def requests_ms(port, photos):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    ask(connection, photos[0])
    begin = time.perf_counter()
    library = [ask(connection, photo) for photo in photos]
    if None in library:
        raise SystemExit("serve: a photo was not answered")
    return (time.perf_counter() - begin) * 1000 / len(photos), sum(library) / len(photos)


def locate_ms(dualgeo, run, files):
    def seconds(some):
        begin = time.perf_counter()
        subprocess.run([dualgeo, "locate", "--run", run, "--json", *some], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return time.perf_counter() - begin

    return (seconds(files) - seconds(files[:1])) * 1000 / (len(files) - 1)


def load(server, photos, clients, seconds):
    """Answers, errors and megabytes after a tenth of the time and at its end."""
    until = time.perf_counter() + seconds
    answers, errors = [0] * clients, [0] * clients

    def client(number):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for i in range(1 << 30):
            if time.perf_counter() > until:
                return
            try:
                good = ask(connection, photos[(number + i) % len(photos)]) is not None
            except OSError:
                good = False
                connection = http.client.HTTPConnection("127.0.0.1", server.port)
            answers[number] += good
            errors[number] += not good

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 10)
    early = server.megabytes()
    for thread in threads:
        thread.join()
    return sum(answers), sum(errors), early, server.megabytes()


def main():
    options = arguments()
    files = sorted(str(path) for path in pathlib.Path(options.images).rglob("*") if path.suffix in (".jpg", ".jpeg", ".png"))
    files = files[:options.count]
    if len(files) < 2:
        raise SystemExit(f"serve: {options.images}: fewer than two photos")
    photos = [pathlib.Path(file).read_bytes() for file in files]
    server = Server(options.dualgeo, options.run)
    try:
        by_request, by_library, by_locate = [], [], []
        for _ in range(options.rounds):
            request, library = requests_ms(server.port, photos)
            by_request.append(request)
            by_library.append(library)
            by_locate.append(locate_ms(options.dualgeo, options.run, files))
        request, library, locate = min(by_request), min(by_library), min(by_locate)
        print("| photos | ms a request | the library's own | ratio (at most 1.3) | `locate` of all |\n| ---: | ---: | ---: | ---: | ---: |")
        print(f"| {len(files)} | {request:.2f} | {library:.2f} | {request / library:.2f} | {locate:.2f} |\n")
        answers, errors, early, late = load(server, photos, options.clients, options.seconds)
        print("| clients | seconds | answers | errors | MB after a tenth | MB at the end |\n| ---: | ---: | ---: | ---: | ---: | ---: |")
        print(f"| {options.clients} | {options.seconds:.0f} | {answers} | {errors} | {early:.0f} | {late:.0f} |")
    finally:
        server.close()


main()
