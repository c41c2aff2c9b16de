"""The length service: GET /convert?value=1&from=mile&to=foot answers with JSON."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

sys.path.insert(0, "gen")
from units import UNITS  # noqa: E402


def convert(value, source, target):
    return round(value * UNITS[source] / UNITS[target], 4)


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlparse(self.path)
        if url.path == "/healthz":
            return self.answer(200, {"units": len(UNITS)})
        try:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            result = convert(float(query["value"]), query["from"], query["to"])
        except (KeyError, ValueError) as error:
            return self.answer(400, {"error": f"bad question: {error}"})
        return self.answer(200, {"result": result})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, pattern, *values):
        if self.path != "/healthz":
            print(pattern % values, flush=True)


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    print(f"{len(UNITS)} units on port {port}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Api).serve_forever()
