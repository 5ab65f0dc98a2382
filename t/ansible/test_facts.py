"""devops_agent_facts and devops_agent_token."""

import stat

import pytest


def answer_all(program):
    """A host where everything is well."""
    program.answer("--version", out="devops_agent 0.1.0\n")
    program.answer("status", out={"pid": 7, "metrics": [1, 2]})
    program.answer("plugin list", out='{"name": "a", "runnable": true}\n'
                   '{"name": "b", "runnable": false}\n')
    program.answer("schedule list", out='{"name": "s"}\n')
    program.answer("forward status", out="")


def test_facts(run_module, program):
    """What there is comes as one fact"""
    answer_all(program)
    ended = run_module("devops_agent_facts")
    assert ended.result["ansible_facts"]["devops_agent"] == {
        "installed": True, "version": "0.1.0", "running": True, "errors": {},
        "status": {"pid": 7}, "schedules": [{"name": "s"}],
        "destinations": [],
        "plugins": {"a": {"name": "a", "runnable": True},
                    "b": {"name": "b", "runnable": False}}}
    assert not ended.result["changed"]


def test_facts_without_an_agent(run_module, program):
    """An agent that does not run is a fact, with why"""
    answer_all(program)
    program.answer("status", 125, err="devops_agent: no agent at /run/x\n"
                   "hint: systemctl start devops_agent\n")
    facts = run_module("devops_agent_facts").result["ansible_facts"]
    assert facts["devops_agent"]["running"] is False
    assert facts["devops_agent"]["errors"] == {
        "status": "no agent at /run/x (systemctl start devops_agent)"}
    assert set(facts["devops_agent"]["plugins"]) == {"a", "b"}
    assert "schedules" not in facts["devops_agent"]


def test_facts_of_an_empty_host(run_module, program):
    """So is a host without the program"""
    ended = run_module("devops_agent_facts", installed=False)
    assert ended.result["ansible_facts"]["devops_agent"] == {
        "installed": False, "running": False, "errors": {}}
    assert not program.calls


def test_doctor_of_a_weak_host(run_module, program):
    """That the minimum is not met is what the fact says, not an error"""
    answer_all(program)
    program.answer("doctor", 1, out='{"minimum": "not met"}\n')
    facts = run_module("devops_agent_facts", gather=["doctor"])
    assert facts.result["ansible_facts"]["devops_agent"]["doctor"] == [
        {"minimum": "not met"}]


THERE = '{"name": "deploy", "role": "operator"}\n'


@pytest.mark.parametrize("title, listed, arguments, check, want, last", [
    ("issued", "", {}, False, {"changed": True, "token": "dagt_x"},
     "token add --name deploy --role operator"),
    ("issued for a time", "", {"expires": "90d"}, False,
     {"changed": True, "token": "dagt_x"},
     "token add --name deploy --role operator --expires 90d"),
    ("there", THERE, {}, False, {"changed": False}, "token list --json"),
    ("in check mode", "", {}, True, {"changed": True}, "token list --json"),
    ("revoked", THERE, {"state": "absent"}, False, {"changed": True},
     "token revoke deploy"),
    ("not there to revoke", "", {"state": "absent"}, False,
     {"changed": False}, "token list --json"),
    ("revoked in check mode", THERE, {"state": "absent"}, True,
     {"changed": True}, "token list --json"),
])
def test_token(run_module, program, title, listed, arguments, check, want,
               last):
    """A token is issued once, and revoked"""
    program.answer("token list", out=listed)
    program.answer("token add", out="dagt_x\n")
    program.answer("token revoke")
    ended = run_module("devops_agent_token", check=check, name="deploy",
                       role="operator", **arguments)
    assert (ended.failed, ended.result) == (False, want), title
    assert " ".join(program.calls[-1][0]) == last, title


def test_token_of_another_role(run_module, program):
    """A token keeps its role"""
    program.answer("token list", out=THERE)
    ended = run_module("devops_agent_token", name="deploy", role="admin")
    assert ended.failed
    assert ended.result["msg"] == (
        "the token deploy has the role operator, not admin "
        "(revoke it by state=absent first)")


def test_token_to_a_file(run_module, program, tmp_path):
    """A token that goes to a file of the host is not returned"""
    program.answer("token list")
    program.answer("token add", out="dagt_x\n")
    path = tmp_path / "token"
    ended = run_module("devops_agent_token", name="deploy", dest=str(path))
    assert ended.result == {"changed": True}
    assert path.read_text(encoding="utf-8") == "dagt_x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_token_to_nowhere(run_module, program, tmp_path):
    """One that could not be stored is not issued"""
    program.answer("token list")
    ended = run_module("devops_agent_token", name="deploy",
                       dest=str(tmp_path / "no" / "token"))
    assert ended.failed and "there is no such folder" in ended.result["msg"]
    assert len(program.calls) == 1


def test_token_that_can_not_be_stored(run_module, program, tmp_path):
    """One that can't be stored is revoked again"""
    program.answer("token list")
    program.answer("token add", out="dagt_x\n")
    program.answer("token revoke")
    (tmp_path / "token").mkdir()
    ended = run_module("devops_agent_token", name="deploy",
                       dest=str(tmp_path / "token"))
    assert ended.failed
    assert "the token was revoked again" in ended.result["msg"]
    assert program.calls[-1][0] == ["token", "revoke", "deploy"]
