#!/usr/bin/env python3
"""No function is longer than 80 lines: whoever reads one should see it whole. CI runs it.

Relies on the formatting that scripts/format.sh makes: a function's first line ends in a brace, and the line that closes
it is indented as that one is."""
import pathlib
import re
import subprocess
import sys

MOST = 80
root = pathlib.Path(__file__).resolve().parents[1]
names = subprocess.check_output(["git", "-C", root, "ls-files", "src", "include", "tools"], text=True).split()
other = re.compile(r" *(namespace|class|struct|enum|union|if|for|while|switch|else|do|case|default|try|catch|#|//|\}|extern)\b|.*\} ")
long, seen = [], 0
for name in names:
    if not name.endswith((".cpp", ".h")) or not (root / name).exists():
        continue
    lines = (root / name).read_text().split("\n")
    for i, line in enumerate(lines):
        if not line.endswith("{"):
            continue
        first = i  # of the statement: up over wrapped parameters, lists of initialisers and return types
        while first > 0 and lines[first - 1]:
            text, above = "".join(lines[first : i + 1]), lines[first - 1]
            open_parameters = text.count(")") > text.count("(")
            initialiser = lines[first].lstrip().startswith(":") or (above[-1] == "," and lines[first].startswith("      "))
            if not open_parameters and not initialiser and (above[-1] in ";{}:," or "//" in above):
                break
            first -= 1
        head = lines[first]
        if other.match(head) or "(" not in head:
            continue
        indent = head[: len(head) - len(head.lstrip())]
        if len(indent) > 4:  # a lambda within a function
            continue
        seen += 1
        end = next((j for j in range(i + 1, len(lines)) if lines[j].startswith(indent + "}")), i)
        if end - first + 1 > MOST:
            long.append(f"{name}:{first + 1}: {end - first + 1} lines: {head.strip()[:100]}")
if seen < 1000:  # of the thousands that there are: the pattern no longer fits
    sys.exit(f"check-functions: only {seen} functions found")
if long:
    sys.exit("check-functions: functions of more than 80 lines:\n" + "\n".join(long))
print(f"check-functions: passed ({seen})")
