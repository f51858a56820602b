#!/usr/bin/env python3
"""A rule in the place of a vision language model, so that systems with one run in the laboratory: an OpenAI-compatible
server that looks at nothing but the text of the prompt. It never opens the photo and knows nothing of the world, so its
scores say what the retrieval and the choice around it do, and nothing about language models.

    scripts/reproduce/stand_in_server.py [--port 8089]        then: predict.lmm.endpoint=http://127.0.0.1:8089/v1,
                                                              predict.lmm.model=stand-in-prompt-rule

The rule: of the first list of coordinates in the prompt (lines "- 48.858400, 2.294500"; similar photos, best first) the one
with most of the list near it: each of the others adds exp(-distance / 200 km), weighted by 1 / rank. A second list
(dissimilar photos) takes the same away. Without a list it refuses, as one who cannot see must. The same prompt gets the same answer.

Answers carry the model name stand-in-prompt-rule, and requests for any other model are refused, so that nobody takes them for a
model's."""
import argparse
import http.server
import json
import math
import re
import sys

MODEL = "stand-in-prompt-rule"
LINE = re.compile(r"- (-?\d+\.\d+), (-?\d+\.\d+)")


def lists_of(prompt):
    """The runs of lines that are coordinates: [[(lat, lon), ...], ...]."""
    lists, open_list = [], None
    for line in prompt.splitlines():
        match = LINE.match(line)
        if not match:
            open_list = None
            continue
        if open_list is None:
            open_list = []
            lists.append(open_list)
        open_list.append((float(match[1]), float(match[2])))
    return lists


def distance_km(a, b):
    (lat1, lon1), (lat2, lon2) = [tuple(map(math.radians, place)) for place in (a, b)]
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371 * math.asin(min(1, math.sqrt(h)))


def near(place, places):
    return sum(math.exp(-distance_km(place, other) / 200) / rank for rank, other in enumerate(places, 1))


def answer(prompt):
    lists = lists_of(prompt)
    if not lists:
        return "I cannot tell where this photo was taken."
    similar, dissimilar = lists[0], lists[1] if len(lists) > 1 else []
    best = max(similar, key=lambda place: near(place, similar) - near(place, dissimilar))  # the first of equals
    return json.dumps({"latitude": best[0], "longitude": best[1]})


def text_of(content):
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part.get("type") == "text")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.endswith("/chat/completions"):
            return self.reply(404, {"error": {"message": "there is /v1/chat/completions alone"}})
        try:
            request = json.loads(body)
            prompt = "\n".join(text_of(message["content"]) for message in request["messages"])
        except (ValueError, KeyError, TypeError) as error:
            return self.reply(400, {"error": {"message": f"no chat completion request: {error!r}"}})
        if request.get("model", MODEL) != MODEL:
            message = f"this is no language model but a rule; ask for the model {MODEL}"
            return self.reply(404, {"error": {"message": message}})
        text = answer(prompt)
        self.reply(200, {"id": "stand-in", "object": "chat.completion", "model": MODEL,
                         "choices": [{"index": 0, "finish_reason": "stop",
                                      "message": {"role": "assistant", "content": text}}],
                         "usage": {"prompt_tokens": len(prompt.split()), "completion_tokens": len(text.split()),
                                   "total_tokens": len(prompt.split()) + len(text.split())}})

    def reply(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser(description="a rule in the place of a vision language model")
    parser.add_argument("--port", type=int, default=8089, help="on 127.0.0.1; 0: any free one [8089]")
    server = Server(("127.0.0.1", parser.parse_args().port), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
