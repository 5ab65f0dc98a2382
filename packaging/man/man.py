#!/usr/bin/python3
"""man.py PAGE VERSION: a manual page out of docs/, to standard output.

The pages are in PAGES.  Of Markdown it knows what docs/ use: headings,
paragraphs, lists, tables, fenced code, comments, and `code`, **bold**,
*emphasis*, [links](to).  A table becomes a list of its first column's terms.
"""

import os
import re
import sys

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "..", "..", "docs")

# Page: section, the file of docs/ that it is made of, what NAME says.
PAGES = {
    "devops_agent": (1, "cli.md", "run plugins, each in its own sandbox"),
    "devops_agent.yaml": (5, "configuration.md",
                          "configuration of devops_agent"),
    "devops_agent-plugin": (7, "plugins.md", "plugins of devops_agent"),
}
PAGE_OF = {source: "%s(%d)" % (page, section)
           for page, (section, source, _) in PAGES.items()}

LINK = re.compile(r"\[((?:[^][]|\[[^]]*\])*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(\s*)```")
ITEM = re.compile(r"^(\s*)(-|\d+\.) +(.*)$")
ROW = re.compile(r"^\|.*\|$")
RULE = re.compile(r"^\|[-:| ]+\|$")
INLINE = re.compile(r"(``?)(.+?)\1|\*\*(.+?)\*\*|"
                    r"(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])")


def escape(text):
    """As troff takes it for itself, in the middle of a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti")
    return text.replace("`", "\\(ga").replace("'", "\\(aq")


def line_of(text):
    """A line of its own: no request, whatever it begins with."""
    return "\\&" + text if text[:1] in (".", "'") else text


def link(match):
    """Its text, and the page that it leads to where that is another one."""
    text, target = match[1], match[2].partition("#")[0]
    page = PAGE_OF.get(os.path.basename(target))
    if text.strip("`").startswith(os.path.basename(target) or "\n"):
        return page or text
    return "%s (%s)" % (text, page) if page else text


def inline(text):
    """Markdown within a paragraph to troff; one line."""
    parts, end = [], 0
    text = LINK.sub(link, re.sub(r"\s+", " ", text.strip()))
    for m in INLINE.finditer(text):
        parts.append(escape(text[end:m.start()]))
        if m[2]:
            parts.append("\\fB" + escape(m[2]) + "\\fR")
        elif m[3]:
            parts.append("\\fB" + escape(m[3].replace("`", "")) + "\\fR")
        else:
            parts.append("\\fI" + escape(m[4]) + "\\fR")
        end = m.end()
    return line_of("".join(parts) + escape(text[end:]))


def cells(row):
    """The cells of a row; a | behind a backslash or in code is no border."""
    out, cell, code = [], "", False
    for char in re.sub(r"\\\|", "\0", row.strip())[1:]:
        code ^= char == "`"
        if char == "|" and not code:
            out.append(cell.strip())
            cell = ""
        else:
            cell += char.replace("\0", "|")
    return out


def table(rows):
    """A list of the first column's terms, each with what its row says."""
    heads = cells(rows[0])
    # a name stands for what the rows are about, a word such as "option" not
    out = [".PP", inline(heads[0]) + ":"] if "`" in heads[0] else []
    for row in rows[2:]:
        term, *rest = cells(row)
        out += [".TP", inline(term) or "\\&"]
        said = [inline("%s: %s" % (head, text) if head and len(rest) > 1
                       else text)
                for head, text in zip(heads[1:], rest) if text]
        for i, text in enumerate(said):
            out += [".br"] * (i > 0) + [text]
    return out + [".PP"] if out else []


def code(lines):
    """A fenced block, as it is."""
    return [".PP", ".RS 4", ".nf",
            *(line_of(escape(line)) for line in lines), ".fi", ".RE", ".PP"]


class Reader:
    """The lines of a Markdown file, a block at a time."""

    def __init__(self, lines):
        self.lines, self.at = lines, 0

    def take(self, wanted):
        """The lines from here on that are wanted."""
        start = self.at
        while self.at < len(self.lines) and wanted(self.lines[self.at]):
            self.at += 1
        return self.lines[start:self.at]

    def fenced(self):
        """Within ``` and ```, without the indentation of the first."""
        indent = len(FENCE.match(self.lines[self.at])[1])
        self.at += 1
        body = self.take(lambda line: not FENCE.match(line))
        self.at += 1
        return code([line[indent:] for line in body])

    def item(self):
        """A list's item; what is in it may be indented blocks."""
        m = ITEM.match(self.lines[self.at])
        indent = len(m[1])
        self.at += 1
        body = [m[3]] + self.take(
            lambda line: not line.strip() or
            len(line) - len(line.lstrip()) > indent)
        inner = blocks([line.strip() if i == 0 else
                        line[min(indent + len(m[2]) + 1,
                                 len(line) - len(line.lstrip())):]
                        for i, line in enumerate(body)])
        while inner and inner[0] == ".PP":
            inner.pop(0)
        tag = "\\(bu" if m[2] == "-" else m[2]
        return [".IP %s 3" % tag, *nest(inner)]

    def paragraph(self):
        """Lines up to one that begins something else."""
        text = self.take(lambda line: line.strip() and not (
            ITEM.match(line) or FENCE.match(line) or ROW.match(line) or
            line.startswith(("#", "<!--"))))
        return [".PP", inline(" ".join(text))]

    def block(self):
        """The next block, as troff."""
        line = self.lines[self.at]
        if FENCE.match(line):
            return self.fenced()
        if line.startswith("<!--"):
            self.take(lambda line: "-->" not in line)
            self.at += 1
            return []
        if line.startswith("#"):
            self.at += 1
            level, text = line.split(" ", 1)
            return [".SH " + inline(text).upper() if level == "##" else
                    ".SS " + inline(text)]
        if ITEM.match(line):
            return self.item()
        if ROW.match(line) and RULE.match(
                "".join(self.lines[self.at + 1:self.at + 2])):
            return table(self.take(ROW.match))
        return self.paragraph()


def nest(inner):
    """Lists and code within an item are indented below it."""
    if not any(line.startswith((".IP", ".TP")) for line in inner):
        return inner
    first = next(i for i, line in enumerate(inner)
                 if line.startswith((".IP", ".TP", ".PP")))
    return [*inner[:first], ".RS 3", *inner[first:], ".RE"]


def blocks(lines):
    """All of them."""
    reader, out = Reader(lines), []
    while reader.at < len(lines):
        if not lines[reader.at].strip():
            reader.at += 1
            continue
        before = reader.at
        out += reader.block()
        assert reader.at > before, lines[reader.at]
    return out


def tidy(lines):
    """Without paragraphs that nothing is in, which troff warns of."""
    out = []
    for line in lines:
        if out and out[-1] == ".PP" and line.startswith(
                (".PP", ".SH", ".SS", ".IP", ".TP", ".RE")):
            out.pop()
        if line == ".PP" and out and out[-1].startswith((".SH", ".SS")):
            continue
        out.append(line)
    while out and out[-1] == ".PP":
        out.pop()
    return out


def described(lines):
    """The text below the title; a synopsis where it begins with code."""
    text = "\n".join(lines).strip("\n").splitlines()
    if not FENCE.match(text[0]):
        return [".SH DESCRIPTION", *blocks(text)]
    reader = Reader(text)
    return [".SH SYNOPSIS", *reader.fenced(),
            ".SH DESCRIPTION", *blocks(text[reader.at:])]


def page(name, version):
    """The whole page."""
    section, source, what = PAGES[name]
    with open(os.path.join(DOCS, source), encoding="utf-8") as file:
        lines = file.read().splitlines()
    title = next(i for i, line in enumerate(lines) if line.startswith("# "))
    others = sorted(text for text in PAGE_OF.values()
                    if text != PAGE_OF[source])
    return "\n".join([
        '.\\" Made from docs/%s by packaging/man/man.py.' % source,
        '.TH %s %d "" "devops_agent %s" "devops_agent"' % (
            name, section, version),
        ".ad l", ".nh",
        ".SH NAME", "%s \\- %s" % (escape(name), what),
        *tidy(described(lines[title + 1:])),
        ".SH SEE ALSO",
        ", ".join("\\fB%s\\fR(%s" % tuple(escape(o).split("(", 1))
                  for o in others), ""])


def main():
    """The page of the command line."""
    if len(sys.argv) != 3 or sys.argv[1] not in PAGES:
        sys.exit("usage: man.py %s VERSION" % "|".join(PAGES))
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(page(sys.argv[1], sys.argv[2]))


if __name__ == "__main__":
    main()
