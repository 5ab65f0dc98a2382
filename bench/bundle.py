"""Make the file that `crun spec` wrote start a command in the host's root.

    bundle.py CONFIG COMMAND [ARGUMENT ...]
"""
import json
import sys


def main():
    path, command = sys.argv[1], sys.argv[2:]
    with open(path) as file:
        config = json.load(file)
    config["process"].update(terminal=False, args=command, cwd="/")
    config["root"] = {"path": "/", "readonly": True}
    with open(path, "w") as file:
        json.dump(config, file)


if __name__ == "__main__":
    main()
