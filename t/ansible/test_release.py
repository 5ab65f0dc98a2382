"""Releases, made and checked by the real program."""

import json
import os
import stat
import subprocess

import pytest

from conftest import ROOT, load

PROGRAM = os.environ.get("DEVOPS_AGENT", str(ROOT / "bin" / "devops_agent"))
PLUGIN = """\
# /// devops_agent
# name: {name}
# version: 1.0.0
# description: A test.
# permissions: {{read: [{reads}]}}
# ///


def register():
    return lambda job: {returns}
"""

agent = load("module_utils.agent")
release = load("module_utils.release")


def call(line, **_options):
    """As AnsibleModule.run_command."""
    done = subprocess.run(line, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def plugin(name, reads="", returns=1):
    """A plugin's file."""
    return PLUGIN.format(name=name, reads=reads, returns=returns).encode()


@pytest.fixture(name="releases")
def make_releases(tmp_path):
    """Those of a host that has none yet."""
    return release.Releases(str(tmp_path))


def stage(releases, files, grants=None):
    """Stages one; its name."""
    files = {path: (data, False) for path, data in files.items()}
    name = release.release_id(files, grants or {})
    releases.stage(name, files, grants or {}, agent.Agent(call, PROGRAM))
    return name


def test_name():
    """The name follows from the content, and from nothing else"""
    one = {"a": (b"x", False), "b": (b"y", False)}
    names = {release.release_id(files, grants) for files, grants in [
        (one, {}), ({"a": (b"x", True), "b": (b"y", False)}, {}),
        ({"a": (b"xy", False)}, {}),
        ({"a": (b"y", False), "b": (b"x", False)}, {}),
        (one, {"a": "asked"})]}
    assert len(names) == 5
    assert release.release_id(dict(reversed(one.items())), {}) in names
    assert all(len(name) == 16 for name in names)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x",
                                  "a\0b"])
def test_hostile_names(path):
    """A file's name that leaves the folder is refused"""
    with pytest.raises(agent.AgentError, match="no name of a file"):
        release.release_id({path: (b"", False)}, {})


def test_stage_and_activate(releases, tmp_path):
    """What is staged is not in force until it is activated"""
    assert releases.current() == ""
    one = stage(releases, {"python/a.py": plugin("a")})
    assert releases.current() == "" and releases.has(one)
    releases.activate(one)
    two = stage(releases, {"python/a.py": plugin("a", returns=2)})
    assert releases.current() == one
    releases.activate(two)
    assert releases.current() == two
    assert os.readlink(releases.link) == f"releases/{two}"
    assert sorted(os.listdir(tmp_path)) == ["current", "releases"]
    assert sorted(os.listdir(releases.root)) == sorted([one, two])
    assert os.listdir(releases.folder(two)) in (
        ["plugins", "grants.d"], ["grants.d", "plugins"])


def test_modes(releases):
    """Everybody may read a release, and nobody else may write it"""
    old = os.umask(0o077)
    try:
        name = stage(releases, {"python/a.py": plugin("a")})
    finally:
        os.umask(old)
    for at, folders, files in os.walk(releases.root):
        for entry in [at] + [os.path.join(at, file) for file in files]:
            mode = stat.S_IMODE(os.stat(entry).st_mode)
            assert mode == (0o755 if os.path.isdir(entry) else 0o644), entry
    assert releases.files(name)["python/a.py"] == (plugin("a"), False)


def test_grants(releases):
    """A grant is what was said, pinned to the files"""
    files = {"python/a.py": plugin("a", "/etc/hostname"),
             "python/b.py": plugin("b", "/etc/hostname"),
             "python/c.py": plugin("c", "/etc/hostname")}
    name = stage(releases, files, {
        "a": {"read": ["/etc/hostname"]}, "b": "asked", "c": "denied"})
    config = os.path.join(releases.path, "config.yaml")
    with open(config, "w", encoding="utf-8") as f:
        json.dump({"agent": {"data_dir": releases.path}, "plugins": {
            "path": releases.folder(name) + "/plugins",
            "grants": releases.folder(name) + "/grants.d"}}, f)
    got = agent.Agent(call, PROGRAM, config).objects("plugin", "list")
    assert {p["name"]: p["runnable"] for p in got} == {
        "a": True, "b": True, "c": False}


@pytest.mark.parametrize("files, grants, want", [
    ({"python/a.py": plugin("a", "/etc/shadow")}, {}, "never granted"),
    ({"python/a.py": plugin("a", "/etc/shadow")},
     {"a": {"read": ["/etc/hostname"]}}, "/etc/shadow"),
    ({"python/a.py": b"# /// devops_agent\n# nme: a\n# ///\n"}, {},
     "unknown key 'nme'"),
    ({"python/a.py": plugin("a"), "python/b.py": plugin("a")}, {},
     "two plugins are called a|called a"),
    ({"python/a.py": plugin("a")}, {"b": "asked"}, "no plugin b"),
    ({"python/a.py": plugin("a")}, {"b": {"read": ["/x"]}}, "no plugin b"),
    ({"python/a.py": plugin("a")}, {"a": "yes"}, "expected asked, denied"),
    ({"python/a.py": plugin("a")}, {"../../x": {}}, "no name of a plugin"),
    ({"python/a.py": plugin("a")}, {"a": {"raed": ["/x"]}}, "raed"),
])
def test_refused(releases, files, grants, want):
    """What is wrong is refused by name, and leaves nothing"""
    with pytest.raises(agent.AgentError, match=want) as error:
        stage(releases, files, grants)
    assert releases.root not in error.value.text
    assert os.listdir(releases.root) == []


def test_activate_what_is_not_there(releases):
    """Only what was staged whole can be put in force"""
    for name in ["", "0" * 16, "../../etc", "."]:
        with pytest.raises(agent.AgentError, match="there is no release"):
            releases.activate(name)
    assert releases.current() == ""


def test_prune(releases):
    """Old releases go, but not one in use"""
    names = []
    for i in range(6):
        names.append(stage(releases, {"python/a.py": plugin("a", returns=i)}))
        os.utime(releases.folder(names[-1]), (1000 + i, 1000 + i))
    used = [names[5], names[0]]
    assert releases.to_prune(used, 3) == sorted(names[1:3])
    assert releases.to_prune(used, 0) == sorted(names[1:5])
    assert releases.to_prune(used, 99) == []
    for name in [".new-old", ".new-now"]:
        os.mkdir(releases.folder(name))
    os.utime(releases.folder(".new-old"), (1000, 1000))
    releases.prune(releases.to_prune(used, 1))
    os.rmdir(releases.folder(".new-now"))
    assert sorted(os.listdir(releases.root)) == sorted(used)


def test_source(tmp_path):
    """Caches, hidden files and back-ups are no part of a release"""
    for path in ["python/a.py", "python/__pycache__/a.pyc", ".git/config",
                 "python/.a.py.swp", "python/a.py~", "shell/b.sh"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    (tmp_path / "shell" / "b.sh").chmod(0o755)
    assert release.read_files(str(tmp_path)) == {
        "python/a.py": (b"x", False), "shell/b.sh": (b"x", True)}


def test_differences():
    """A difference has a part for each file that is not the same"""
    before = {"a": (b"1\n", False), "b": (b"1\n", False)}
    after = {"b": (b"1\n", False), "c": (b"\xff", False)}
    assert [(d["after_header"], d["before"], d["after"][:8])
            for d in release.differences(before, after)] == [
                ("a", "1\n", ""), ("c", "", "(1 bytes")]


def test_module_in_check_mode(run_module, program, tmp_path):
    """In check mode a release has its name, and nothing is written"""
    source = [{"path": "python/a.py", "executable": False, "content": "eA=="}]
    ended = run_module("devops_agent_release", check=True, files=source,
                       bundled=False, path=str(tmp_path / "etc"))
    assert not ended.failed and ended.result["changed"]
    assert ended.result["previous"] == ""
    assert ended.result["diff"][0]["after"] == "x"
    name = ended.result["release"]
    ended = run_module("devops_agent_release", check=True, state="active",
                       release=name, path=str(tmp_path / "etc"))
    assert not ended.failed and ended.result["changed"]
    assert not (tmp_path / "etc").exists() and not program.calls
