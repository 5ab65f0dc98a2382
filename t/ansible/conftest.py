"""The collection's modules, loaded as Ansible loads them on a host."""

import importlib
import json
import pathlib
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "packaging" / "ansible"
NAME = "ansible_collections.devops_agent.agent"


def add_package(name, path):
    """A package that is a folder somewhere else."""
    package = types.ModuleType(name)
    package.__path__ = [str(path)]
    sys.modules[name] = package


for at, folder in [("ansible_collections", COLLECTION.parent),
                   ("ansible_collections.devops_agent", COLLECTION.parent),
                   (NAME, COLLECTION), (NAME + ".plugins",
                                        COLLECTION / "plugins")]:
    add_package(at, folder)


def load(name):
    """One module of the collection, such as modules.devops_agent_job."""
    return importlib.import_module(f"{NAME}.plugins.{name}")


class Program:
    """Stands in for the program: answers by the first words."""

    def __init__(self):
        self.calls = []
        self.answers = {}

    def answer(self, words, status=0, out="", err=""):
        """What a command that begins so comes to."""
        if not isinstance(out, str):
            out = json.dumps(out)
        self.answers[words] = (status, out, err)

    def __call__(self, line, **options):
        words = [word for word in line[1:]]
        if words[:1] == ["--config"]:
            del words[:2]
        self.calls.append((words, options))
        for begin, answer in self.answers.items():
            if words[:len(begin.split())] == begin.split():
                return answer
        raise AssertionError(f"not expected: {line}")


class Ended(Exception):
    """The module has ended: `failed`, and what it returned."""

    def __init__(self, failed, result):
        super().__init__(str(result))
        self.failed = failed
        self.result = result


@pytest.fixture(name="program")
def make_program():
    """The program of the host."""
    return Program()


@pytest.fixture(name="run_module")
def make_run_module(monkeypatch, tmp_path, program):
    """Runs a module: run_module(name, arguments) is what it returned."""
    basic = pytest.importorskip("ansible.module_utils.basic")

    def end(failed):
        def ended(self, **result):
            raise Ended(failed, result)
        return ended

    def run_module(module_name, /, check=False, installed=True, **arguments):
        module = load(f"modules.{module_name}")
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({
            "ANSIBLE_MODULE_ARGS": dict(
                arguments, _ansible_check_mode=check, _ansible_diff=True,
                _ansible_remote_tmp=str(tmp_path))}).encode())
        monkeypatch.setattr(basic.AnsibleModule, "exit_json", end(False))
        monkeypatch.setattr(basic.AnsibleModule, "fail_json", end(True))
        monkeypatch.setattr(
            basic.AnsibleModule, "run_command",
            lambda self, line, **options: program(line, **options))
        monkeypatch.setattr(
            basic.AnsibleModule, "get_bin_path",
            lambda *_: "/usr/bin/devops_agent" if installed else None)
        with pytest.raises(Ended) as ended:
            module.main()
        return ended.value

    return run_module
