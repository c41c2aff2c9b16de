"""The page of the poll."""

import html
import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        with urllib.request.urlopen(os.environ["TALLY"] + "/cgi-bin/tally", timeout=10) as answer:
            tally = json.load(answer)
        rows = "".join("<li>%s: %d</li>\n" % (html.escape(choice), votes) for choice, votes in tally.items())
        body = ("<!doctype html>\n<title>Poll</title>\n<h1>What shall it be?</h1>\n<ul>\n%s</ul>\n" % rows).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    print("page: open at http://localhost:%s" % os.environ["PORT"])
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
