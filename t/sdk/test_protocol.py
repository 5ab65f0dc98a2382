"""The examples of docs/protocol.md do what it says."""

import json
import pathlib
import re
import subprocess

import pytest

from conftest import request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "protocol.md").read_text("utf-8")


def block(heading, language):
    """The first block of code below a heading."""
    part = TEXT.split("\n## %s\n" % heading)[1]
    return part.split("```%s\n" % language)[1].split("```")[0]


def speak(command):
    done = subprocess.run(
        command, text=True, capture_output=True, timeout=30, check=True,
        input="".join(json.dumps(asked, separators=(",", ":")) + "\n"
                      for asked in (request(id=41), {
                          "jsonrpc": "2.0", "method": "cancel",
                          "params": {"id": 41}}, request(id=42))))
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_message_is_json():
    lines = re.findall(r"^(?:[<>] )?(\{\"jsonrpc\".*)$", TEXT, re.M)
    assert len(lines) > 10
    for line in lines:
        assert json.loads(line)["jsonrpc"] == "2.0"


@pytest.mark.parametrize("minutes", ["1", "5", "15"])
def test_json_in_shell(plugin, minutes):
    done = subprocess.run(
        ["/bin/sh", plugin(block("json in shell", "sh"), "load.sh")],
        env={"PATH": "/bin:/usr/bin", "PARAM_MINUTES": minutes},
        text=True, capture_output=True, timeout=30, check=True)
    assert json.loads(done.stdout)["minutes"] == int(minutes)
    assert done.stderr.startswith("the load is ")


def test_rpc_in_shell(plugin):
    said = speak(["/bin/sh", plugin(block("rpc in shell", "sh"), "up.sh")])
    assert [message.get("method") or message["id"] for message in said] == [
        "ready", "metric", 41, "metric", 42]


def test_rpc_in_c(plugin, tmp_path):
    source = plugin(block("rpc in C", "c"), "hello.c")
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o",
                    tmp_path / "hello", source], timeout=60, check=True)
    said = speak([tmp_path / "hello"])
    assert said[0]["method"] == "ready"
    assert [message["id"] for message in said[1:]] == [41, 42]
