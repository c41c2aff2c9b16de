"""Puts a stamp on each letter that has none."""

import json
import os
import time
import urllib.request

import postage


def unstamped(letters):
    return [letter for letter in letters if not letter["stamp"]]


def ask(path, value=None):
    data = json.dumps(value).encode() if value is not None else None
    with urllib.request.urlopen(os.environ["API_URL"] + path, data=data, timeout=10) as answer:
        return json.load(answer)


def main():
    print("stamper: at work")
    while True:
        try:
            for letter in unstamped(ask("/letters")):
                stamp = postage.stamp(letter["country"], letter["text"])
                ask("/stamps", {"id": letter["id"], "stamp": stamp})
                print("stamper: letter %s gets %s" % (letter["id"], stamp))
        except OSError as error:
            print("stamper: %s" % error)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
