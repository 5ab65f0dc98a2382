"""How a plugin is loaded, and what that costs."""

import json
import pathlib
import subprocess

import pytest

from conftest import BOOT, ENVIRONMENT, PYTHON, SDK, request

# All that may be imported before a plugin that imports nothing has answered.
# Think of each plugin's start before you add to it.
ALLOWED = {"devops_agent", "devops_agent._job", "devops_agent._loader",
           "_json"}

SIMPLE = """
    def register():
        return run

    def run(job):
        job.log.info("x %d", 1)
        job.metric("x", 1.5, a="b")
        job.progress(0.5, "y")
        return job.params
"""


def modules(code, *args, stdin=""):
    done = subprocess.run(
        [PYTHON, "-I", "-S", "-B", "-c", code + ";import sys;"
         "sys.stderr.write(' '.join(sys.modules))", *args], input=stdin,
        env=ENVIRONMENT, capture_output=True, text=True, timeout=30,
        check=True)
    return set(done.stderr.split())


def test_the_loader_imports_nothing_that_could_be_spared(plugin):
    path = plugin(SIMPLE)
    given = modules(BOOT, SDK, str(path),
                    stdin=json.dumps(request()) + "\n")
    assert given - modules("pass") - {"sample"} <= ALLOWED


def test_the_pipes_may_be_files(plugin, tmp_path):
    (tmp_path / "in").write_text(json.dumps(request()) + "\n")
    with open(tmp_path / "in", "rb") as asked, \
            open(tmp_path / "out", "wb") as said:
        done = subprocess.run(
            [PYTHON, "-I", "-S", "-B", "-c", BOOT, SDK, plugin(SIMPLE)],
            stdin=asked, stdout=said, stderr=subprocess.PIPE,
            env=ENVIRONMENT, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"result"' in (tmp_path / "out").read_bytes()


def test_ready_says_who_speaks_and_what_there_is(run):
    outcome = run("""
        def register():
            return {"run": one, "forecast": one}

        def one(job):
            return 1
    """, method="forecast")
    import devops_agent
    assert outcome.ready == [{
        "protocol": 1, "sdk": "python/" + devops_agent.__version__,
        "methods": ["run", "forecast"]}]
    assert outcome.result == 1
    assert outcome.status == 0


def test_a_callable_object_is_a_method(run):
    assert run("""
        import functools

        def add(n, job):
            return n + job.params["x"]

        def register():
            return functools.partial(add, 3)
    """, {"x": 4}).result == 7


def test_the_module_is_a_real_one(method, tmp_path):
    outcome = method("""
        import sys
        module = sys.modules[__name__]
        return [__name__, __file__, module.run is run, sys.argv,
                __spec__.name, __spec__.origin, Thing.__module__]
    """, top="class Thing: pass")
    path = str(tmp_path / "sample.py")
    assert outcome.result == ["sample", path, True, [path], "sample", path,
                              "sample"]


def test_a_dataclass_and_pickle_find_the_module(method):
    assert method("""
        import pickle
        return pickle.loads(pickle.dumps(Thing(3))).x
    """, top="""
        import dataclasses
        from typing import ClassVar, Optional

        @dataclasses.dataclass
        class Thing:
            x: "Optional[int]"
            y: "ClassVar[int]" = 1
    """).result == 3


def test_no_trace_of_the_sdk_is_on_the_path(method):
    path, cache = method("""
        import sys
        return [sys.path, list(sys.path_importer_cache)]
    """).result
    assert SDK not in path and SDK not in cache


def test_the_packages_of_the_distribution_can_be_imported(method):
    import site
    path = method("import sys; return sys.path").result
    folders = [folder for folder in site.getsitepackages()
               if subprocess.run(["test", "-d", folder]).returncode == 0]
    assert path[-len(folders):] == folders
    assert method("import pytest; return 1").result == 1


def test_a_site_folder_is_searched_before_the_distribution(
        start, plugin, tmp_path):
    site, other = tmp_path / "site", tmp_path / "other"
    for folder, name in ((site, "yaml"), (other, "extra")):
        folder.mkdir()
        (folder / (name + ".py")).write_text("here = __file__")
    (site / "some.pth").write_text(
        "# a remark\n\nimport sys; sys.exit('no code')\n%s\n../nowhere\n"
        % other)
    session = start(plugin("""
        import yaml
        import extra

        def register():
            return lambda job: [yaml.here, extra.here]
    """), site)
    assert session.ask()["result"] == [str(site / "yaml.py"),
                                       str(other / "extra.py")]


class Ending(type(pathlib.Path())):
    """A path that keeps its end."""

    def __new__(cls, path, end):
        self = super().__new__(cls, path)
        self.end = end
        return self

    def __str__(self):
        return super().__str__() + self.end


FOLDER = {
    "pack/__init__.py": """
        from . import one
        from .sub.two import two

        def register():
            return run

        def run(job):
            from .late import late
            import pack.one
            return [one.one, two(), late, pack.one is one, __name__,
                    __package__, __path__]
    """,
    "pack/one.py": "one = 1",
    "pack/late.py": "late = 'late'",
    "pack/sub/__init__.py": "",
    "pack/sub/two.py": """
        from .. import one

        def two():
            return one.one + 1
    """,
}


@pytest.mark.parametrize("end", ["", "/", "/__init__.py"])
def test_a_folder_is_a_package(start, plugin, tmp_path, end):
    for name, text in FOLDER.items():
        plugin(text, name)
    session = start(Ending(tmp_path / "pack", end))
    assert session.ask()["result"] == [
        1, 2, "late", True, "pack", "pack", [str(tmp_path / "pack")]]


def test_a_plugin_called_like_a_standard_module_can_import_it(run, plugin):
    outcome = run(plugin("""
        import json

        def register():
            return lambda job: [json.dumps([1]), __name__]
    """, "json.py"))
    assert outcome.result == ["[1]", "plugin_json"]


def test_a_source_in_latin_1(run, plugin):
    assert run(plugin(b"# -*- coding: latin-1 -*-\n"
                      b"def register():\n"
                      b"    return lambda job: '\xe9'\n")).result == "\xe9"


def test_a_source_with_a_byte_order_mark(run, plugin):
    path = plugin(b"\xef\xbb\xbf# x\r\ndef register():\r\n"
                  b"    return lambda job: '\xc3\xa9'\r\n")
    assert run(path).result == "\xe9"


def test_a_source_has_its_own_future_and_documentation(method):
    assert method("""
        import sys
        return [__doc__, Thing.__annotations__, sys.getprofile()]
    """, top="""
        '''What it is.'''
        from __future__ import annotations

        class Thing:
            x: nothing_that_is
    """.lstrip("\n")).result == ["What it is.", {"x": "nothing_that_is"}, None]


def test_every_part_of_the_code_knows_its_file(method, tmp_path):
    assert method("""
        def inner():
            return lambda: [x for x in ()]
        parts = [Thing.method, run, inner, inner()]
        return [part.__code__.co_filename for part in parts]
    """, top="""
        class Thing:
            def method(self):
                pass
    """).result == [str(tmp_path / "sample.py")] * 4


def test_an_error_of_an_imported_module_is_shown_as_such(run, tmp_path):
    outcome = run("import json\njson.loads('[')\n")
    assert outcome.error["message"].startswith("JSONDecodeError: ")
    outcome = run("eval('1 +')\n")
    assert outcome.error["message"] == \
        "SyntaxError: invalid syntax (<string>, line 1)"
    assert str(tmp_path) in outcome.error["data"]["traceback"]


def test_a_source_with_a_nul(run, plugin):
    assert "null bytes" in run(plugin(b"x = 1\0\n")).error["message"]


def test_requests_are_served_until_the_end(start):
    session = start("""
        seen = []

        def register():
            return run

        def run(job):
            seen.append(job.id)
            return seen
    """)
    for count in range(1, 4):
        assert session.ask(id=count)["result"] == list(range(1, count + 1))
    assert session.close().status == 0


def test_a_request_in_pieces(start):
    session = start(SIMPLE)
    data = json.dumps(request(params={"k": "\u20ac" * 100000})).encode()
    for at in range(0, len(data), 30011):
        session.send(data[at:at + 30011])
    session.send(b"\n")
    assert session.answer()["result"] == {"k": "\u20ac" * 100000}


def test_requests_in_one_piece(start):
    session = start(SIMPLE)
    session.send(request(id=1), request(id=2), b"\n", request(id=3))
    assert [session.answer()["id"] for _ in range(3)] == [1, 2, 3]
    assert session.close().status == 0


# What can't be loaded


@pytest.mark.parametrize("text, message, kind", [
    ("def x(", "SyntaxError: '(' was never closed (sample.py, line 1)",
     "SyntaxError"),
    ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'",
     "ModuleNotFoundError"),
    ("raise ValueError('bad')", "ValueError: bad", "ValueError"),
    ("import sys; sys.exit(3)", "plugin called sys.exit(3)", "SystemExit"),
    ("def register(): raise KeyError('x')", "KeyError: 'x'", "KeyError"),
    ("x = 1", "%s has no function register()", "Failed"),
    ("register = 1", "%s has no function register()", "Failed"),
    ("def register(): return 3", "register() must return a function, or a "
     "dict of 1 to 64 names to functions, not int", "Failed"),
    ("def register(): return {}", "register() must return a function, or a "
     "dict of 1 to 64 names to functions, not dict", "Failed"),
    ("def register(): return {'run': 3}", "register() must return a "
     "function, or a dict of 1 to 64 names to functions, not dict",
     "Failed"),
    ("def register(): return {'x' * 129: print}", "register() must return a "
     "function, or a dict of 1 to 64 names to functions, not dict",
     "Failed"),
])
def test_what_can_not_be_loaded_is_said(run, tmp_path, text, message, kind):
    outcome = run(text)
    if "%" in message:
        message %= tmp_path / "sample.py"
    assert outcome.id is None
    assert outcome.ready == []
    assert outcome.error["code"] == -32000
    assert outcome.error["message"] == message
    assert outcome.error["data"]["type"] == kind
    assert outcome.status == 1


def test_a_plugin_that_is_not_there(run, tmp_path):
    outcome = run(tmp_path / "nowhere.py")
    assert outcome.id is None
    assert outcome.error["data"]["errno"] == 2
    assert outcome.error["data"]["filename"] == str(tmp_path / "nowhere.py")


def test_the_traceback_of_a_load_shows_the_plugin_alone(run, tmp_path):
    outcome = run("import os\nos.nothing\n")
    assert outcome.error["data"]["traceback"] == (
        "Traceback (most recent call last):\n"
        '  File "%s", line 2, in <module>\n'
        "    os.nothing\n"
        "AttributeError: module 'os' has no attribute 'nothing'\n"
        % (tmp_path / "sample.py"))


def test_a_syntax_error_shows_its_line(run, tmp_path):
    outcome = run("x = 1\ny = = 2\n")
    text = outcome.error["data"]["traceback"]
    assert text.startswith('  File "%s", line 2\n' % (
        tmp_path / "sample.py"))
    assert "y = = 2" in text and SDK not in text
