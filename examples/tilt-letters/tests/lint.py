"""lint.py FOLDER: every Python file parses, and no line is too long."""

import ast
import os
import sys

found = 0
for folder, _, names in os.walk(sys.argv[1]):
    for path in [os.path.join(folder, name) for name in names if name.endswith(".py")]:
        with open(path) as file:
            text = file.read()
        ast.parse(text, path)
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > 120:
                found += 1
                print("%s:%d: longer than 120" % (path, number))
sys.exit(1 if found else 0)
