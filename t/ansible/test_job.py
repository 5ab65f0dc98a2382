"""devops_agent_job: what it asks the program, and what it makes of it."""

import json
import os
import stat

import pytest

RECORD = {"id": 42, "name": "collect-disk", "state": "succeeded",
          "result": {"filesystems": []}, "error": None}
FAILED = dict(RECORD, state="failed", result=None, error={
    "code": "failed", "message": "no such mount", "hint": "look at /proc"})


@pytest.mark.parametrize("arguments, want", [
    ({}, "run --params - --json -- p"),
    ({"via": "local"}, "run --local --params - --json -- p"),
    ({"method": "forecast"}, "run --method forecast --params - --json -- p"),
    ({"via": "agent"}, "job run --plugin p --wait --params - --json"),
    ({"via": "agent", "name": "n", "key": "k", "timeout": "5s"},
     "job run --plugin p --wait --name n --key k --timeout 5s "
     "--params - --json"),
    ({"via": "agent", "plugin": "/a/p.py"},
     "job run --command /a/p.py --wait --params - --json"),
])
def test_command_line(run_module, program, arguments, want):
    """Each option is the program's own"""
    program.answer("run", out=RECORD)
    program.answer("job run", out=RECORD)
    run_module("devops_agent_job", **{"plugin": "p", **arguments})
    assert " ".join(program.calls[0][0]) == want


def test_succeeds(run_module, program):
    """The record and the result are returned"""
    program.answer("run", out=RECORD)
    ended = run_module("devops_agent_job", plugin="collect-disk",
                       params={"min_percent": 80})
    assert not ended.failed
    assert ended.result == {
        "changed": True, "rc": 0, "job": RECORD, "state": "succeeded",
        "result": {"filesystems": []}}
    assert json.loads(program.calls[0][1]["data"]) == {"min_percent": 80}


def test_changes_nothing(run_module, program):
    """A plugin that only looks is no change"""
    program.answer("run", out=RECORD)
    ended = run_module("devops_agent_job", plugin="p", changes=False)
    assert not ended.result["changed"]


@pytest.mark.parametrize("status, out, err, want", [
    (1, FAILED, "", "no such mount (look at /proc)"),
    (1, FAILED, "a log line\ndevops_agent: p: it broke\n", "p: it broke "
     "(look at /proc)"),
    (3, "", "devops_agent: p asks for what was never granted: read: [/x]\n"
     "hint: devops_agent plugin allow p\n",
     "p asks for what was never granted: read: [/x] "
     "(devops_agent plugin allow p)"),
    (125, "", "", "no job record came back: exit status 125"),
    (0, "[1]", "", "no job record came back: exit status 0"),
    (0, "garbage", "", "no job record came back: exit status 0"),
])
def test_fails(run_module, program, status, out, err, want):
    """A job that fails fails the module, with why"""
    program.answer("run", status, out, err)
    ended = run_module("devops_agent_job", plugin="p")
    assert ended.failed
    assert ended.result["msg"] == want
    assert ended.result["changed"] == (out == FAILED)
    assert ("job" in ended.result) == (out == FAILED)


def test_secrets(run_module, program, tmp_path):
    """Secrets go by a file that only its owner can read, and that is gone"""
    seen = {}

    def answer(line, **options):
        path = line[line.index("--secrets") + 1][1:]
        seen["mode"] = stat.S_IMODE(os.stat(path).st_mode)
        with open(path, encoding="utf-8") as f:
            seen["secrets"] = json.load(f)
        seen["path"] = path
        assert "s3cret" not in " ".join(line)
        return 0, json.dumps(RECORD), ""

    program.__class__.__call__, kept = (
        lambda self, line, **options: answer(line, **options),
        program.__class__.__call__)
    try:
        ended = run_module("devops_agent_job", plugin="p",
                           secrets={"token": "s3cret"})
    finally:
        program.__class__.__call__ = kept
    assert not ended.failed
    assert seen["secrets"] == {"token": "s3cret"}
    assert seen["mode"] == 0o600
    assert not os.path.exists(seen["path"])
    assert str(tmp_path) in seen["path"]


def test_check_mode(run_module, program):
    """In check mode nothing runs; that it could is checked"""
    program.answer("plugin show", out={"name": "p", "not_granted": []})
    ended = run_module("devops_agent_job", check=True, plugin="p")
    assert not ended.failed and ended.result["changed"]
    assert [words[:2] for words, _ in program.calls] == [["plugin", "show"]]


def test_check_mode_refuses(run_module, program):
    """... and one that could not is an error"""
    program.answer("plugin show",
                   out={"name": "p", "not_granted": ["+ read: [/x]"]})
    ended = run_module("devops_agent_job", check=True, plugin="p")
    assert ended.failed
    assert ended.result["msg"] == (
        "p is not granted what it asks for: + read: [/x] "
        "(devops_agent plugin allow p)")


def test_check_mode_of_an_empty_host(run_module):
    """... but a host where nothing is installed yet is none"""
    ended = run_module("devops_agent_job", check=True, installed=False,
                       plugin="p")
    assert not ended.failed


@pytest.mark.parametrize("arguments, want", [
    ({"key": "k"}, "key: goes with via=agent only"),
    ({"name": "n", "timeout": "1s", "via": "local"},
     "name, timeout: goes with via=agent only"),
])
def test_wrong_use(run_module, program, arguments, want):
    """Options that would be ignored are errors"""
    ended = run_module("devops_agent_job", plugin="p", **arguments)
    assert ended.failed and ended.result["msg"] == want
    assert not program.calls


def test_not_installed(run_module):
    """A host without the program is an error"""
    ended = run_module("devops_agent_job", installed=False, plugin="p")
    assert ended.failed
    assert ended.result["msg"] == "devops_agent is not installed on this host"
