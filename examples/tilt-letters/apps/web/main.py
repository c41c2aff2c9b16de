"""The page with all letters."""

import html
import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))


def page():
    with urllib.request.urlopen(os.environ["API_URL"] + "/letters", timeout=10) as answer:
        letters = json.load(answer)
    rows = ["<li>%s <b>%s</b></li>" % (html.escape(one["text"]), one["stamp"] or "no stamp yet") for one in letters]
    with open(os.path.join(HERE, "page.html")) as template:
        return template.read().replace("{letters}", "\n".join(rows))


class Web(BaseHTTPRequestHandler):
    def do_GET(self):
        body = (page() if self.path == "/" else "well\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["PORT"]))
    print("web: open at http://%s:%d" % address)
    ThreadingHTTPServer(address, Web).serve_forever()
