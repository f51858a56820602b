#!/usr/bin/env python3
"""Pictures of the pages of `dualgeo serve`, through headless Chromium's debugging pipe:

    scripts/plots/pages.py RUN PHOTO OUT_FOLDER [--width 1200] [--dark]

writes ask.png and run.png, of the page's answer about PHOTO and of the run. Needs chromium and a finished run.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Chromium:
    def __init__(self, width, height, dark):
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()
        # The child's 3 and 4.
        in_fd, out_fd = os.dup2(to_read, 30, inheritable=True), os.dup2(back_write, 31, inheritable=True)
        self.profile = tempfile.TemporaryDirectory()
        program = os.environ.get("DUALGEO_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
                   "--hide-scrollbars", f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}",
                   f"--blink-settings=preferredColorScheme={0 if dark else 1}", "about:blank"]
        self.process = subprocess.Popen(["bash", "-c", 'exec "$@" 3<&30 4>&31', "_", *command], pass_fds=(in_fd, out_fd),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.id, self.session, self.buffer = 0, None, b""
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def call(self, method, **parameters):
        self.id += 1
        message = {"id": self.id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                self.buffer += os.read(self.back, 1 << 20)
            text, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("id") == self.id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression):
        for _ in range(200):
            if self.evaluate(f"Boolean({expression})"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"never true: {expression}")

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def picture(self, path, whole=False):
        time.sleep(0.5)
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.process.kill()
        self.process.wait()


def drop(browser, photo):
    """The photo as a file that is dropped on the page."""
    text = base64.b64encode(pathlib.Path(photo).read_bytes()).decode()
    browser.evaluate("(() => { const d = new DataTransfer(), bytes = Uint8Array.from(atob('" + text +
                     "'), c => c.charCodeAt(0)); d.items.add(new File([bytes], " + json.dumps(pathlib.Path(photo).name) +
                     ", {type: 'image/jpeg'})); document.getElementById('drop').dispatchEvent("
                     "new DragEvent('drop', {dataTransfer: d, cancelable: true})); })()")
    browser.wait("document.querySelectorAll('#candidates li').length > 0 && map.small")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("photo")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole-world", action="store_true", help="the answer's map is not zoomed")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen([ROOT / "build/release/tools/dualgeo", "serve", "--run", arguments.run, "--port", "0"],
                              stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().split()[0]
    browser = Chromium(arguments.width, arguments.height, arguments.dark)
    try:
        browser.open(url)
        drop(browser, arguments.photo)
        if arguments.whole_world:
            browser.evaluate("map.whole(), map.draw()")
        browser.picture(arguments.out / "ask.png")
        browser.open(url + "run")
        browser.wait("document.querySelectorAll('#list tbody button').length > 0 && map.small")
        browser.picture(arguments.out / "run.png")
    finally:
        browser.close()
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
