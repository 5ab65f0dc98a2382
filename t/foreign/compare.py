"""compare.py STATUS BARE RECORD: did a check end in the sandbox as it does
bare?

STATUS is what it exited with bare, BARE what it printed, RECORD the record of
`run --json`. Prints what differs and exits 1 if anything does. Numbers change
from one moment to the next, and the sandbox has a /tmp of its own: neither
counts, nor does the order of lines."""

import json
import re
import sys
from typing import List

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
OWN = re.compile(r"\b(_tmp|devops_agent)\w*")


def shape(text: str) -> List[str]:
    """Its lines, without what may differ."""
    return sorted(NUMBER.sub("N", line.strip()) for line in text.splitlines()
                  if line.strip() and not OWN.search(line))


def main() -> int:
    """Compare."""
    status = int(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8", errors="replace") as file:
        bare = shape(file.read())
    with open(sys.argv[3], encoding="utf-8") as file:
        record = json.load(file)
    if record["exit"]["code"] != status:
        print("exit status: bare %d, record: %s" %
              (status, json.dumps({key: record[key] for key in
                                   ("state", "exit", "error", "denials")})))
        return 1
    if (record["state"] == "succeeded") != (status == 0):
        print("state %s with exit status %d" % (record["state"], status))
        return 1
    # what a failed check printed is not the result of its job
    if record["result"] is None:
        return 0 if status else 1
    got = shape(record["result"])
    if got != bare:
        print("bare: %s" % bare)
        print("run:  %s" % got)
        return 1
    return 0


sys.exit(main())
