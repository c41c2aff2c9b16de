"""Letters as JSON. The store knows lines only."""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from postage.countries import COUNTRIES

STORE = os.environ["STORE_URL"] + "/cgi-bin/letters"


def letters():
    with urllib.request.urlopen(STORE, timeout=10) as answer:
        rows = [line.split("|") for line in answer.read().decode().splitlines()]
    names = ("id", "country", "stamp", "text")
    return [dict(zip(names, row)) for row in rows]


def put(path, line):
    urllib.request.urlopen(STORE + path, data=line.encode(), timeout=10).close()


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, {"countries": sorted(COUNTRIES)})
        if self.path == "/letters":
            return self.answer(200, letters())
        return self.answer(404, {"error": "there is no " + self.path})

    def do_POST(self):
        letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/stamps":
            put("?stamp", "%(id)s %(stamp)s\n" % letter)
            return self.answer(200, letter)
        if letter["country"] not in COUNTRIES:
            return self.answer(400, {"error": "no letters go to " + letter["country"]})
        text = letter["text"].replace("|", "/").replace("\n", " ")
        put("?add", "%s||%s\n" % (letter["country"], text))
        return self.answer(201, letter)

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["PORT"]))
    print("api: open at %s:%d for %s" % (*address, ", ".join(sorted(COUNTRIES))))
    ThreadingHTTPServer(address, Api).serve_forever()
