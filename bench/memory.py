"""What the agent's own processes take while a plugin runs.

    memory.py COMMAND [ARGUMENT ...]

Starts the command, which must run a plugin for a moment, and looks at it and
at pid 1 of its sandbox until the end. Prints a line of JSON for the two: peak
and last resident size, proportional size, in KiB. Needs root.
"""
import json
import subprocess
import sys
import time


def fields(pid, name, keys):
    with open("/proc/%d/%s" % (pid, name)) as file:
        rows = [line.split() for line in file]
    return {keys[row[0]]: int(row[1]) for row in rows if row[0] in keys}


def look(pid):
    found = fields(pid, "status", {"VmHWM:": "peak", "VmRSS:": "resident"})
    found.update(fields(pid, "smaps_rollup", {"Pss:": "proportional"}))
    return found


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(child) for child in file.read().split()]


def merge(known, found):
    # with one process less, what is shared counts more: keep the largest
    return {key: max(known.get(key, 0), found[key]) for key in found}


def main():
    command = sys.argv[1:]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    sizes = {"agent": {}, "init": {}}
    while run.poll() is None:
        try:
            sizes["agent"] = merge(sizes["agent"], look(run.pid))
            for init in children(run.pid):
                # before it has a plugin it is the agent's copy
                if children(init):
                    sizes["init"] = merge(sizes["init"], look(init))
        except (OSError, ValueError):
            pass                # one has just gone
        time.sleep(0.001)
    if run.returncode or not sizes["init"]:
        sys.exit("memory.py: %s: status %d" % (command[0], run.returncode))
    print(json.dumps(sizes))


if __name__ == "__main__":
    main()
