"""A letter that goes all the way: posted to the api, stamped, shown on the page."""

import json
import os
import sys
import time
import urllib.request

TEXT = "dear aunt, all is well (%d)" % os.getpid()


def main():
    letter = json.dumps({"country": "at", "text": TEXT}).encode()
    urllib.request.urlopen(os.environ["API_URL"] + "/letters", data=letter, timeout=10).close()
    for _ in range(300):
        with urllib.request.urlopen(os.environ["WEB_URL"], timeout=10) as answer:
            page = answer.read().decode()
        if TEXT + " <b>AT-" in page:
            print("letter: it came, with its stamp")
            return 0
        time.sleep(0.1)
    print("letter: it never got a stamp:\n" + page)
    return 1


if __name__ == "__main__":
    sys.exit(main())
