import json
import os
import socket
import threading
import time

import pytest

LINES = b"one error\ntwo\nthree Error\n"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "app.log"


@pytest.fixture
def grep(shell, log):
    def run(content=None, pattern="error", **params):
        if content is not None:
            log.write_bytes(content)
        return shell("log_grep", dict({"path": str(log), "pattern": pattern},
                                      **params))

    return run


def texts(outcome):
    assert outcome.error is None, outcome.stderr
    return [line["text"] for line in outcome.result["lines"]]


def refused(outcome, word):
    assert outcome.code == 1, (outcome.result, outcome.stderr)
    assert outcome.result is None
    assert "log-grep: " in outcome.stderr and word in outcome.stderr
    assert outcome.seconds < 10


# Finding


def test_lines_that_hold_a_text(grep, log):
    outcome = grep(LINES)
    assert outcome.error is None, outcome.stderr
    result = dict(outcome.result)
    del result["metrics"]
    assert result == {
        "path": str(log), "matches": 1, "truncated": False,
        "scanned_bytes": len(LINES), "skipped_bytes": 0,
        "next_bytes": len(LINES),
        "lines": [{"line": 1, "text": "one error", "cut": False}]}


def test_metrics_and_their_units(grep, log):
    outcome = grep(LINES)
    assert [(metric["name"], metric["value"], metric["unit"], metric["kind"])
            for metric in outcome.metrics] == [
        ("log_matches", 1, None, "gauge"),
        ("log_size_bytes", len(LINES), "bytes", "gauge")]
    assert {metric["labels"]["path"] for metric in outcome.metrics} == \
        {str(log)}


def test_no_match_is_no_failure(grep):
    outcome = grep(LINES, "absent")
    assert texts(outcome) == [] and outcome.result["matches"] == 0


def test_an_empty_file(grep):
    outcome = grep(b"")
    assert texts(outcome) == [] and outcome.result["next_bytes"] == 0


def test_letters_of_either_case(grep):
    assert texts(grep(LINES, ignore_case=True)) == ["one error",
                                                    "three Error"]


@pytest.mark.parametrize("pattern, regex, want", [
    ("^one|o$", True, ["one error", "two"]),
    ("^one|o$", False, []),
    ("a.c", False, ["a.c"]), ("a.c", True, ["abc", "a.c"]),
    ("-v", False, ["-v"]), ("--help", False, []),
    ("\\", False, ["back\\slash"]), ("[", False, ["[x]"]),
    ("e e", False, ["one error"]), ("$HOME", False, ["$HOME `id`"]),
    ("Grüße", False, ["viele Grüße"]), (404, False, ["GET 404"]),
])
def test_patterns(grep, pattern, regex, want):
    content = ("one error\ntwo\nabc\na.c\n-v\nback\\slash\n[x]\n$HOME `id`\n"
               "viele Grüße\nGET 404\n").encode("utf-8")
    assert texts(grep(content, pattern, regex=regex)) == want


def test_the_last_matches_are_told_and_all_are_counted(grep):
    content = b"".join(b"error %d\n" % n for n in range(1, 501))
    outcome = grep(content, max_matches=3)
    assert [line["line"] for line in outcome.result["lines"]] == \
        [498, 499, 500]
    assert texts(outcome)[-1] == "error 500"
    assert outcome.result["matches"] == 500
    assert outcome.result["truncated"] is True
    assert outcome.metric("log_matches") == 500


def test_none_of_them_may_be_told(grep):
    outcome = grep(LINES, max_matches=0)
    assert texts(outcome) == []
    assert outcome.result["matches"] == 1
    assert outcome.result["truncated"] is True


def test_a_last_line_without_its_newline(grep):
    assert texts(grep(b"x\nlast error")) == ["last error"]


# What a log may hold


@pytest.mark.parametrize("raw, want", [
    (b'say "error" \\ \\n', 'say "error" \\ \\n'),
    (b"error\ttab\r", "error\ttab\r"),
    (b"error \x01\x1b[31m\x7f\x08", "error \x01\x1b[31m\x7f\x08"),
    ("error é ü 日本 😀".encode("utf-8"), "error é ü 日本 😀"),
    (b"error \xff\xfe.", "error \ufffd\ufffd."),
    (b"error \xc3", "error \ufffd"),
    (b"error \xc3(", "error \ufffd("),
    (b"error \xe2\x82.", "error \ufffd\ufffd."),
    (b"error \xc0\xaf.", "error \ufffd\ufffd."),
    (b"error \xed\xa0\x80.", "error \ufffd\ufffd\ufffd."),
    (b"error \xf4\x90\x80\x80.", "error \ufffd\ufffd\ufffd\ufffd."),
    (b"error \xf8\x88\x80\x80\x80.", "error " + "\ufffd" * 5 + "."),
    (b"error </script> & %s %n $(id)", "error </script> & %s %n $(id)"),
    (b"error \xe2\x80\xa8 \xc2\x85", "error \u2028 \x85"),
    (b"=0 error", "=0 error"), (b"1:2:error", "1:2:error"),
])
def test_any_bytes_stay_valid_json(grep, raw, want):
    assert texts(grep(b"first\n" + raw + b"\nlast\n")) == [want]


def test_a_nul_does_not_end_a_line(grep):
    assert texts(grep(b"a\n\0error \0\xff after\nb\n")) == \
        ["\ufffderror \ufffd\ufffd after"]
    assert texts(grep(pattern="after$", regex=True)) == \
        ["\ufffderror \ufffd\ufffd after"]


def test_every_byte_there_is(grep):
    every = bytes(set(range(1, 256)) - {10})
    found, = texts(grep(b"error" + every + b"\n"))
    assert found.startswith("error\x01\x02")
    assert found.count("\ufffd") == 128


def test_a_binary_file(grep, log):
    log.write_bytes(os.urandom(1 << 20))
    outcome = grep(pattern="a", max_matches=1000)
    assert outcome.error is None, outcome.stderr
    assert outcome.result["matches"] > 100
    assert outcome.size < 1 << 20


def test_a_line_without_end(grep):
    outcome = grep(b"x" * 20000000 + b"error\nnext error\n")
    first, second = outcome.result["lines"]
    assert (first["text"], first["cut"]) == ("x" * 4096, True)
    assert (second["line"], second["text"]) == (2, "next error")
    assert outcome.seconds < 10


@pytest.mark.parametrize("length, cut", [(4096, False), (4097, True)])
def test_where_a_line_is_cut(grep, length, cut):
    line, = grep(b"e" * length + b"\n", "e").result["lines"]
    assert (len(line["text"]), line["cut"]) == (4096, cut)


@pytest.mark.parametrize("filler", [b"x", b"\x01", b"\xff", b'"'])
def test_all_lines_together_have_a_bound(grep, filler):
    outcome = grep((b"error" + filler * 4000 + b"\n") * 1000,
                   max_matches=1000)
    assert outcome.error is None, outcome.stderr
    assert outcome.size < 1 << 20
    assert outcome.result["matches"] == 1000
    assert outcome.result["truncated"] is True
    assert outcome.result["lines"][-1]["line"] == 1000


def test_odd_file_names(grep, log):
    name = os.fsencode(str(log)) + b' "q" \\ \n\x01\xff -x'
    with open(name, "wb") as file:
        file.write(LINES)
    outcome = grep(path=name)
    assert texts(outcome) == ["one error"]
    assert outcome.result["path"] == \
        str(log) + ' "q" \\ \n\x01\ufffd -x'


# What was added since; rotation


def test_only_what_was_added(grep, log):
    first = grep(LINES)
    with log.open("ab") as file:
        file.write(b"four error\nfive\n")
    second = grep(since_bytes=first.result["next_bytes"])
    assert texts(second) == ["four error"]
    assert second.result["lines"][0]["line"] is None
    assert second.result["scanned_bytes"] == 16
    third = grep(since_bytes=second.result["next_bytes"])
    assert texts(third) == [] and third.result["scanned_bytes"] == 0


def test_a_file_that_was_rotated(grep, log):
    first = grep(LINES * 100)
    log.rename(log.with_suffix(".1"))
    second = grep(b"new error\n", since_bytes=first.result["next_bytes"])
    assert texts(second) == ["new error"]
    assert second.result["lines"][0]["line"] == 1


def test_a_file_that_was_truncated(grep, log):
    first = grep(LINES)
    os.truncate(str(log), 0)
    second = grep(since_bytes=first.result["next_bytes"])
    assert texts(second) == [] and second.result["next_bytes"] == 0


@pytest.mark.parametrize("limit, want, skipped", [
    # "error 1\nerror 2\nerror 3\n": of 24 bytes the last ones.
    (24, ["error 1", "error 2", "error 3"], 0),
    (23, ["error 2", "error 3"], 1), (17, ["error 2", "error 3"], 7),
    (16, ["error 2", "error 3"], 8), (15, ["error 3"], 9),
    (8, ["error 3"], 16), (7, [], 17), (1, [], 23),
])
def test_only_the_end_of_a_big_file_is_read(grep, limit, want, skipped):
    outcome = grep(b"error 1\nerror 2\nerror 3\n", max_bytes=limit)
    assert texts(outcome) == want
    assert outcome.result["skipped_bytes"] == skipped
    assert outcome.result["next_bytes"] == 24


def test_a_file_that_grows_meanwhile(grep, log):
    log.write_bytes(b"error\n" * 1000)
    stop = threading.Event()

    def write():
        with log.open("ab") as file:
            while not stop.wait(0.0005):
                file.write(b"error\n" * 1000)
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        since = total = 0
        for limit in (1 << 30, 1 << 30, 5000, 1 << 30):
            outcome = grep(since_bytes=since, max_bytes=limit,
                           max_matches=1)
            assert outcome.error is None, outcome.stderr
            result = outcome.result
            whole = result["scanned_bytes"] // 6
            assert result["matches"] == whole
            total += result["scanned_bytes"] + result["skipped_bytes"]
            since = result["next_bytes"]
    finally:
        stop.set()
        writer.join()
    assert total == since


def test_a_file_of_more_than_32_bits(grep, log):
    log.write_bytes(b"")
    os.truncate(str(log), 1 << 32)      # sparse
    with log.open("ab") as file:
        file.write(b"\nerror\n")
    outcome = grep(max_bytes=100000)
    assert texts(outcome) == ["error"]
    assert outcome.result["next_bytes"] == (1 << 32) + 7


def test_it_writes_no_file(shell, log):
    log.write_bytes(LINES)
    outcome = shell("log_grep", {"path": str(log), "pattern": "error"},
                    prefix=["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh"])
    assert texts(outcome) == ["one error"]
    assert outcome.stderr == ""


# Paths that are no files


def test_a_file_that_is_not_there(grep, log):
    refused(grep(), "no such file, or it is not granted: %s" % log)


def test_a_folder(grep, tmp_path):
    refused(grep(path=str(tmp_path)), "not a regular file")


def test_a_fifo_does_not_hang_it(grep, log):
    os.mkfifo(str(log))
    start = time.monotonic()
    refused(grep(), "not a regular file")
    assert time.monotonic() - start < 5


def test_devices_and_sockets(grep, log):
    refused(grep(path="/dev/zero"), "not a regular file")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(log))
        refused(grep(), "not a regular file")


def test_links(grep, log):
    log.write_bytes(LINES)
    link = log.with_name("link")
    link.symlink_to(log)
    assert texts(grep(path=str(link))) == ["one error"]
    loop = log.with_name("loop")
    loop.symlink_to(loop)
    refused(grep(path=str(loop)), "no such file")
    fifo = log.with_name("fifo")
    os.mkfifo(str(fifo))
    link.unlink()
    link.symlink_to(fifo)
    refused(grep(path=str(link)), "not a regular file")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_file_that_may_not_be_read(shell, tmp_path):
    path = tmp_path / "closed"
    path.write_bytes(LINES)
    path.chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o111)
    outcome = shell("log_grep", {"path": str(path), "pattern": "error"},
                    prefix=["setpriv", "--reuid=65534", "--regid=65534",
                            "--clear-groups"])
    refused(outcome, "can't read")


# Bad parameters


@pytest.mark.parametrize("params, word", [
    ({"path": ""}, "path"), ({"path": "app.log"}, "path"),
    ({"path": "-"}, "path"), ({"path": "~/x"}, "path"),
    ({"pattern": ""}, "pattern"), ({"pattern": "a\nb"}, "pattern"),
    ({"pattern": "a\n"}, "pattern"),
    ({"max_matches": "x"}, "max_matches"), ({"max_matches": -1}, "-1"),
    ({"max_matches": 1.5}, "max_matches"),
    ({"max_matches": "010"}, "max_matches"),
    ({"since_bytes": "1e3"}, "since_bytes"),
    ({"since_bytes": 10 ** 30}, "since_bytes"),
    ({"max_bytes": "$(id)"}, "max_bytes"), ({"max_bytes": " 1"}, "max_bytes"),
])
def test_bad_parameters(grep, params, word):
    outcome = grep(LINES, **params)
    if word == "-1":
        word = "max_matches"
    refused(outcome, "bad parameter " + word)


@pytest.mark.parametrize("pattern", ["[", "(", "a{2,1}", "[z-a]", "\\"])
def test_a_bad_expression(grep, pattern):
    refused(grep(LINES, pattern, regex=True), "the search failed")


def test_the_most_that_the_header_permits(grep):
    outcome = grep(LINES, since_bytes=999999999999999, max_matches=1000,
                   max_bytes=1073741824)
    assert texts(outcome) == ["one error"]


def test_no_parameters_at_all(shell):
    refused(shell("log_grep"), "bad parameter path")


def test_the_environment_is_not_taken_for_parameters(shell, log):
    log.write_bytes(LINES)
    outcome = shell("log_grep", {"path": str(log), "pattern": "error"},
                    env={"GREP_OPTIONS": "-v", "GREP_COLORS": "mt=1",
                         "POSIXLY_CORRECT": "1", "kind": "-P"})
    assert texts(outcome) == ["one error"]
    json.dumps(outcome.result)
