#!/usr/bin/env python3
"""The pages of this tree as one site of plain HTML: scripts/docs.sh calls it. Every link that leads into the tree is
checked, with its anchor, and so is every link of the site that it makes."""

import html
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

try:
    import markdown
except ImportError as error:
    if os.path.exists("/usr/bin/python3") and not os.environ.get("DUALGEO_PYTHON_TRIED"):
        os.environ["DUALGEO_PYTHON_TRIED"] = "yes"  # the distribution's may have it
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    sys.exit(f"docs: {error} (Debian: python3-markdown)")

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build/site"
PICTURES = {".svg", ".png", ".jpg"}

STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --paper: #fff; --line: #d6dde4; --soft: #f3f6f8; --link: #0b62a8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dfe6ec; --paper: #14191f; --line: #36424d; --soft: #1d252d; --link: #79b8f2; }
}
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--link); }
.page { display: flex; max-width: 76rem; margin: 0 auto; }
nav { flex: 0 0 14rem; padding: 1.5rem 1rem; border-right: 1px solid var(--line); font-size: .9rem; }
nav ul { list-style: none; padding: 0; margin: 0 0 1rem; }
nav li { margin: .2rem 0; }
nav [aria-current] { font-weight: 600; color: inherit; text-decoration: none; }
main { flex: 1; min-width: 0; padding: 1rem 2rem 4rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.2rem; }
pre, code { font: 0.875em/1.5 ui-monospace, monospace; background: var(--soft); }
code { padding: .1em .25em; border-radius: 3px; }
pre { padding: .8rem 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; }
pre code { padding: 0; }
table { border-collapse: collapse; display: block; margin: 1rem 0; overflow-x: auto; font-size: .9rem; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { background: var(--soft); }
img { max-width: 100%; background: #fff; }
@media (max-width: 50rem) {
  .page { flex-direction: column-reverse; }
  nav { border: 0; border-top: 1px solid var(--line); }
  main { padding: 1rem; }
}
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{up}style.css">
</head>
<body>
<div class="page">
<nav aria-label="Pages">{nav}</nav>
<main>
{body}
</main>
</div>
</body>
</html>
"""


def anchor_of(heading):
    """As GitHub makes them, and scripts/check-docs.sh."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


def with_blank_lines(text):
    """Python-Markdown begins a list or a table only behind a blank line."""
    lines, fence, result = text.split("\n"), False, []
    item = re.compile(r"\s*([-*+]|\d+\.) ")
    for i, line in enumerate(lines):
        before = lines[i - 1] if i else ""
        if not fence and before.strip() and not line.startswith(" "):
            begins_list = item.match(line) and not item.match(before) and not before.startswith(" ")
            begins_table = line.startswith("|") and not before.startswith("|")
            if begins_list or begins_table:
                result.append("")
        if line.startswith("```"):
            fence = not fence
        result.append(line)
    return "\n".join(result)


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.anchors = [], set()

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and tag != "meta":
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.targets.append(value)


class Site:
    def __init__(self):
        self.faults = []
        listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True,
                                capture_output=True, check=True).stdout.split("\n")
        self.files = {name for name in listed if name and (ROOT / name).is_file()}
        self.folders = {str(parent) for name in self.files for parent in Path(name).parents}
        first = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        releases = sorted(name for name in self.files if re.fullmatch(r"docs/releases/[^/]+\.md", name))
        self.pages = [name for name in first if name in self.files]
        self.pages += sorted(name for name in self.files if re.fullmatch(r"docs/[^/]+\.md", name)) + releases
        self.text = {name: (ROOT / name).read_text(encoding="utf-8") for name in self.pages}
        self.shown = set()  # files of the tree that some page leads to

    @staticmethod
    def target_of(name):
        """Where a file of the tree lies in the site."""
        if name == "README.md":
            return "index.html"
        if name.endswith(".md"):
            return name[:-3] + ".html"
        return name if Path(name).suffix in PICTURES else name + ".html"

    def title_of(self, name):
        found = re.search(r"^# (.*)$", self.text[name], re.M)
        return re.sub(r"[`*]", "", found.group(1)) if found else name

    def nav(self, here):
        up = "../" * here.count("/")
        entries = [(self.target_of(name), self.title_of(name)) for name in self.pages]
        if (SITE / "notebook.html").exists():
            entries.append(("notebook.html", "A notebook over a run"))
        if (SITE / "api/index.html").exists():
            entries.append(("api/index.html", "The headers (API)"))
        items = ""
        for target, title in entries:
            mark = ' aria-current="page"' if target == here else ""
            items += f'<li><a href="{up}{target}"{mark}>{html.escape(title)}</a></li>'
        return f"<ul>{items}</ul>"

    def write(self, target, title, body):
        path = SITE / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.format(title=html.escape(title), up="../" * target.count("/"), nav=self.nav(target), body=body),
                        encoding="utf-8")

    def link(self, page, href):
        """What a link of a page becomes in the site."""
        if re.match(r"[a-z]+:", href) or href.startswith("#"):
            return href
        path, _, anchor = href.partition("#")
        name = os.path.normpath(os.path.join(os.path.dirname(page), unquote(path)))
        if name not in self.files and name not in self.folders:
            self.faults.append(f"{page}: leads to {href}, which is not there")
            return href
        if name in self.files and name not in self.pages:
            self.shown.add(name)
        if name in self.folders:
            self.shown.add(name)
            target = name + "/index.html"
        else:
            target = self.target_of(name)
        relative = os.path.relpath(target, os.path.dirname(self.target_of(page)) or ".")
        return relative + ("#" + anchor if anchor else "")

    def make_page(self, name):
        body = markdown.markdown(with_blank_lines(self.text[name]), tab_length=2,
                                 extensions=["tables", "fenced_code", "sane_lists", "toc"],
                                 extension_configs={"toc": {"slugify": lambda text, _: anchor_of(text)}})
        body = re.sub(r'(href|src)="([^"]*)"',
                      lambda m: f'{m[1]}="{html.escape(self.link(name, html.unescape(m[2])))}"', body)
        self.write(self.target_of(name), self.title_of(name), body)

    def make_shown(self):
        """Files of the tree that pages lead to: pictures as they are, texts as pages, folders as lists."""
        done = set()
        while todo := self.shown - done:
            for name in sorted(todo):
                done.add(name)
                target = self.target_of(name) if name in self.files else name + "/index.html"
                if name in self.folders:
                    inside = sorted({child for child in self.files if os.path.dirname(child) == name} |
                                    {child for child in self.folders if os.path.dirname(child) == name})
                    self.shown |= {child for child in inside if child not in self.pages}
                    items = ""
                    for child in inside:
                        to = self.target_of(child) if child in self.files else child + "/index.html"
                        to = os.path.relpath(to, os.path.dirname(target))
                        items += f'<li><a href="{html.escape(to)}">{html.escape(os.path.basename(child))}</a></li>'
                    self.write(target, name, f"<h1>{html.escape(name)}</h1><ul>{items}</ul>")
                elif Path(name).suffix in PICTURES:
                    (SITE / target).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, SITE / target)
                else:
                    try:
                        text = (ROOT / name).read_text(encoding="utf-8")
                    except UnicodeDecodeError:
                        text = f"{(ROOT / name).stat().st_size} bytes that are no text"
                    self.write(target, name, f"<h1>{html.escape(name)}</h1><pre><code>{html.escape(text)}</code></pre>")

    def check_links(self):
        found = {}

        def links_of(path):
            if path not in found:
                links = Links()
                links.feed(path.read_text(encoding="utf-8", errors="replace"))
                found[path] = links
            return found[path]

        count = 0
        for path in sorted(SITE.rglob("*.html")):
            if SITE / "api" in path.parents or path.name == "notebook.html":
                continue  # made by Doxygen and Jupyter
            for target in links_of(path).targets:
                count += 1
                if re.match(r"[a-z]+:", target):
                    if not re.match(r"(https?|mailto):", target):
                        self.faults.append(f"{path.relative_to(SITE)}: {target}")
                    continue
                where, _, anchor = target.partition("#")
                other = Path(os.path.normpath(path.parent / unquote(where))) if where else path
                if not other.is_file():
                    self.faults.append(f"{path.relative_to(SITE)}: {target} is not in the site")
                elif anchor and other.suffix == ".html" and unquote(anchor) not in links_of(other).anchors:
                    self.faults.append(f"{path.relative_to(SITE)}: {target}: no such anchor")
        return count


def main():
    site = Site()
    SITE.mkdir(parents=True, exist_ok=True)
    (SITE / "style.css").write_text(STYLE, encoding="utf-8")
    for name in site.pages:
        site.make_page(name)
    site.make_shown()
    links = site.check_links()
    for fault in site.faults:
        print(f"docs: {fault}", file=sys.stderr)
    if site.faults:
        sys.exit(1)
    print(f"docs: {len(site.pages)} pages, {len(site.shown)} files of the tree, {links} links")


if __name__ == "__main__":
    main()
