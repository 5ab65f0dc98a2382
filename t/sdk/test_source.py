"""What holds of the SDK's source."""

import ast
import importlib.util
import pathlib
import re

import pytest

from conftest import SDK

FILES = sorted(pathlib.Path(SDK, "devops_agent").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_python_3_8(path):
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_calls_nothing_newer_than_python_3_8(path):
    text = path.read_text("utf-8")
    newer = re.findall(r"\.remove(?:prefix|suffix)\(|zip\(.*strict|"
                       r"\bmatch .*:$|import tomllib|\bcache\(", text, re.M)
    assert newer == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_its_byte_code_is_of_this_source(path):
    """`make` compiles it so that nothing is compared when it is loaded."""
    cached = pathlib.Path(importlib.util.cache_from_source(str(path)))
    if not cached.exists():
        return
    header = cached.read_bytes()[:16]
    if header[4] == 1:                          # an unchecked hash
        assert header[8:] == importlib.util.source_hash(
            path.read_bytes()), "changed since `make`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_part_is_documented(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_has_less_than_600_lines(path):
    assert path.read_text("utf-8").count("\n") < 600


@pytest.mark.parametrize("name", ["_job.py", "_loader.py"])
def test_what_every_start_loads_has_annotations_that_cost_nothing(name):
    """`from __future__ import annotations` would be an import."""
    text = pathlib.Path(SDK, "devops_agent", name).read_text("utf-8")
    assert "from __future__" not in text


def test_the_version_is_in_one_place():
    text = pathlib.Path(SDK, "pyproject.toml").read_text("utf-8")
    assert 'attr = "devops_agent.__version__"' in text
    assert not re.search(r"^version = \"", text, re.M)
