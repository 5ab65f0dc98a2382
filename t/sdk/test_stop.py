"""Cancelling, signals, async methods, threads and children."""

import fcntl
import os
import signal
import sys
import termios

import pytest

from conftest import request, wait_until


def cancel(session, id=7):
    session.send({"jsonrpc": "2.0", "method": "cancel", "params": {"id": id}})


def is_cancelled(answer):
    error = answer["error"]
    return (error["code"], error["message"], error["data"]["code"]) == (
        -32000, "cancelled", "cancelled")


LOOP = """
    import time

    def register():
        return run

    def run(job):
        job.log.info("begun")
        for _ in range(3000):
            time.sleep(0.01)
            if %s:
                return "stopped"
        return "never"
"""


def test_a_loop_sees_that_it_is_cancelled(start):
    session = start(LOOP % "job.cancelled")
    session.send(request())
    session.log("begun")
    cancel(session)
    assert session.answer()["result"] == "stopped"
    assert session.close().status == 0


def test_remaining_looks_for_it_too(start):
    session = start(LOOP % "job.remaining() and job._cancelled")
    session.send(request())
    session.log("begun")
    cancel(session)
    assert session.answer()["result"] == "stopped"


def test_a_request_to_cancel_that_came_with_the_job(start):
    session = start("def register(): return lambda job: job.cancelled")
    session.send(request(), {"jsonrpc": "2.0", "method": "cancel",
                             "params": {"id": 7}}, request(id=8))
    assert session.answer()["result"] in (True, False)
    assert session.answer() == {"jsonrpc": "2.0", "id": 8, "result": False}


@pytest.mark.parametrize("line", [
    {"jsonrpc": "2.0", "method": "cancel", "params": {"id": 8}},
    {"jsonrpc": "2.0", "method": "cancel", "params": []},
    {"jsonrpc": "2.0", "method": "cancel"}, b"cancel\n",
    {"jsonrpc": "2.0", "method": "other", "params": {"cancel": 7, "id": 7}},
])
def test_what_does_not_cancel_the_job(start, line):
    session = start("""
        import time

        def register():
            return run

        def run(job):
            job.log.info("begun")
            while not job._channel.lines:
                assert not job.cancelled
            return job.cancelled
    """)
    session.send(request())
    session.log("begun")
    session.send(line)
    assert session.answer()["result"] is False


def test_the_next_job_is_not_cancelled(start):
    session = start(LOOP % "job.cancelled or job.id == 8")
    session.send(request())
    session.log("begun")
    cancel(session)
    session.answer()
    assert session.ask(id=8)["result"] == "stopped"


def test_the_end_of_the_requests_cancels_nothing(start):
    session = start("""
        import time

        def register():
            return run

        def run(job):
            for _ in range(20):
                time.sleep(0.01)
                if job.cancelled:
                    return "cancelled"
            return "done"
    """)
    session.send(request())
    session.close()
    assert session.messages[-1]["result"] == "done"
    assert session.status == 0


# SIGTERM


def test_sigterm_ends_a_method_and_cleans_up(start):
    session = start("""
        import time

        def register():
            return run

        def run(job):
            try:
                job.log.info("begun")
                time.sleep(60)
            except Exception:
                job.log.info("wrong")
            finally:
                job.log.info("cleaned up %s", job.cancelled)
    """)
    session.send(request())
    session.log("begun")
    session.process.send_signal(signal.SIGTERM)
    session.log("cleaned up True")
    assert is_cancelled(session.answer())
    session.close()
    assert session.status == 143
    assert session.stderr == ""
    assert len(session.of("log")) == 2


def test_sigterm_ends_a_loader_that_waits(start):
    session = start("def register(): return lambda job: 1")
    session.ask()
    session.process.send_signal(signal.SIGTERM)
    session.close()
    assert session.status == 143
    assert session.stderr == ""


def test_sigterm_ends_an_import(start):
    session = start("""
        import time
        import logging
        logging.info("begun")
        time.sleep(60)
    """)
    session.log("begun")
    session.process.send_signal(signal.SIGTERM)
    answer = session.answer()
    assert answer["id"] is None and is_cancelled(answer)
    assert session.close().status == 1


def test_a_plugin_may_catch_it_and_answer_what_it_has(start):
    session = start("""
        import time

        def register():
            return run

        def run(job):
            try:
                job.log.info("begun")
                time.sleep(60)
            except job.Cancelled:
                return "partial"
    """)
    session.send(request())
    session.log("begun")
    session.process.send_signal(signal.SIGTERM)
    assert session.answer()["result"] == "partial"
    assert session.close().status == 143


def test_sigterm_tears_no_line(start):
    session = start("""
        import time

        def register():
            return run

        def run(job):
            job.log.info("begun")
            while True:
                job.log.info("x" * 60000)
    """)
    session.send(request())
    session.log("begun")
    assert wait_until(lambda: is_blocked(session))
    session.process.send_signal(signal.SIGTERM)
    assert is_cancelled(session.answer())       # every line before was JSON
    assert session.close().status == 143


def is_blocked(session):
    """Whether it waits for room in the pipe."""
    count = fcntl.ioctl(session.process.stdout, termios.FIONREAD, b"\0" * 4)
    with open("/proc/%d/stat" % session.process.pid,
              encoding="utf-8") as file:
        state = file.read().rpartition(")")[2].split()[0]
    return state == "S" and int.from_bytes(count, sys.byteorder) > 62000


# async


def test_an_async_method(start):
    session = start("""
        import asyncio

        async def run(job):
            await asyncio.sleep(0.001)
            job.log.info("x")
            return await asyncio.gather(one(), one())

        async def one():
            return 1

        def register():
            return run
    """)
    assert session.ask()["result"] == [1, 1]
    assert session.ask(id=8)["result"] == [1, 1]


def test_an_async_method_that_fails_shows_itself_alone(start):
    session = start("""
        async def run(job):
            raise ValueError("bad")

        def register():
            return run
    """)
    error = session.ask()["error"]
    assert error["message"] == "ValueError: bad"
    assert error["data"]["traceback"].count("File") == 1


ASYNC = """
    import asyncio

    async def run(job):
        try:
            job.log.info("begun")
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            job.log.info("cleaned up %s", job.cancelled)
            raise

    def register():
        return run
"""


def test_an_async_method_is_cancelled(start):
    session = start(ASYNC)
    session.send(request())
    session.log("begun")
    cancel(session)
    session.log("cleaned up True")
    assert is_cancelled(session.answer())
    assert session.close().status == 0


def test_an_async_method_is_cancelled_by_sigterm(start):
    session = start(ASYNC)
    session.send(request())
    session.log("begun")
    session.process.send_signal(signal.SIGTERM)
    session.log("cleaned up True")
    assert is_cancelled(session.answer())
    assert session.close().status == 143


def test_the_end_of_the_requests_cancels_no_async_method(start):
    session = start("""
        import asyncio
        import time

        async def run(job):
            before = time.process_time()
            await asyncio.sleep(0.3)
            return time.process_time() - before

        def register():
            return run
    """)
    session.send(request())
    session.close()
    assert session.messages[-1]["result"] < 0.15        # it does not spin
    assert session.status == 0


def test_a_cancellation_of_its_own_is_a_failure(start):
    session = start("""
        import asyncio

        async def run(job):
            raise asyncio.CancelledError

        def register():
            return run
    """)
    assert session.ask()["error"]["message"] == "CancelledError"


# Threads and children


def test_threads_do_not_tear_each_other_s_lines(method):
    outcome = method("""
        import threading

        def speak(n):
            for count in range(50):
                job.log.info("%d " % n + "x" * 9000)
                job.metric("m", count, thread=n)

        threads = [threading.Thread(target=speak, args=(n,))
                   for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """)
    assert len(outcome.logs) == len(outcome.metrics) == 400
    assert {len(log["message"]) for log in outcome.logs} == {9002}


def test_a_signal_handler_that_logs_waits_for_the_line(method):
    outcome = method("""
        import signal

        def beat(number, frame):
            job.log.info("beat")

        signal.signal(signal.SIGALRM, beat)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for _ in range(300):
            job.log.info("x" * 20000)
        signal.setitimer(signal.ITIMER_REAL, 0)
    """)
    messages = [log["message"] for log in outcome.logs]
    assert messages.count("x" * 20000) == 300
    assert set(messages) == {"x" * 20000, "beat"}


def test_a_child_that_returns_does_not_answer(start):
    session = start("""
        import os

        def register():
            return run

        def run(job):
            pid = os.fork()
            if pid == 0:
                print("child")
                return "child"
            os.waitpid(pid, 0)
            return "parent"
    """)
    assert session.ask()["result"] == "parent"
    assert session.ask(id=8)["result"] == "parent"
    session.close()
    assert len(session.messages) == 3
    assert session.stderr == "child\n" * 2


@pytest.mark.parametrize("end, status", [
    ("return 1", 0), ("sys.exit(3)", 3), ("raise ValueError('x')", 1),
    ("os._exit(4)", 4)])
def test_how_a_child_ends(start, end, status):
    session = start("""
        import os
        import sys

        def register():
            return run

        def run(job):
            pid = os.fork()
            if pid == 0:
                %s
            return os.waitpid(pid, 0)[1]
    """ % end)
    assert os.waitstatus_to_exitcode(session.ask()["result"]) == status
    assert len(session.close().messages) == 2


def test_a_childs_child_keeps_what_the_child_opened(start):
    session = start("""
        import os

        def register():
            return run

        def run(job):
            if os.fork() == 0:
                # the numbers of the pipes that were closed here
                files = [os.open("/dev/null", os.O_RDONLY) for _ in range(4)]
                pid = os.fork()
                if pid == 0:
                    for fd in files:
                        os.fstat(fd)
                    os._exit(7)
                os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            return os.waitstatus_to_exitcode(os.wait()[1])
    """)
    assert session.ask()["result"] == 7
    assert session.close().stderr == ""


def test_a_child_that_is_forked_by_an_import_does_not_speak(start):
    session = start("""
        import os
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)

        def register():
            return lambda job: 1
    """)
    assert session.ask()["result"] == 1
    assert len(session.close().messages) == 2


def test_what_a_child_reports(method):
    outcome = method("""
        import os
        pid = os.fork()
        if pid == 0:
            job.log.warning("from the child")
            try:
                job.metric("x", 1)
            except RuntimeError as error:
                job.log.info(error)
            os._exit(0)
        os.waitpid(pid, 0)
    """)
    assert outcome.logs == outcome.metrics == []
    assert outcome.stderr == (
        "warning: from the child\ninfo: job.metric() in a child process: "
        "report it by the process that runs the job\n")


def test_children_of_multiprocessing(method):
    outcome = method("""
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(abs, [-1, -2, 3])
    """)
    assert outcome.result == [1, 2, 3]


def test_a_child_has_no_descriptor_of_the_protocol(method):
    outcome = method(r"""
        import os
        import subprocess
        job.log.info("x")
        spawned = subprocess.run(
            ["ls", "/proc/self/fd"], stdout=subprocess.PIPE, close_fds=False)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(writer, " ".join(os.listdir("/proc/self/fd")).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(writer)
        return [spawned.stdout.decode().split(),
                os.read(reader, 1000).decode().split(), reader, writer]
    """)
    spawned, forked, *pipe = outcome.result
    assert "62" not in spawned + forked and "63" not in spawned + forked
    assert len(spawned) == 4                    # 0, 1, 2 and the folder


def test_a_child_can_not_eat_a_request(start):
    session = start("""
        import subprocess
        import sys

        def register():
            return run

        def run(job):
            return [subprocess.run(["cat"], stdout=subprocess.PIPE).stdout
                    .decode(), sys.stdin.read()]
    """)
    session.send(request(), request(id=8))
    assert session.answer()["result"] == ["", ""]
    assert session.answer()["id"] == 8


@pytest.mark.parametrize("limit", [64, 32, 8])
def test_any_limit_of_open_files_will_do(method, limit):
    outcome = method("""
        import os
        return sorted(map(int, os.listdir("/proc/self/fd")))[-3:]
    """, prefix=("/usr/bin/prlimit", "--nofile=%d" % limit))
    assert outcome.error is None
    if limit == 64:
        assert outcome.result[-2:] == [62, 63]


def test_a_pipe_that_is_full_and_does_not_wait(start):
    session = start("""
        import os

        def register():
            return run

        def run(job):
            os.set_blocking(job._channel.messages, False)
            for _ in range(100):
                job.log.info("x" * 50000)
            return 1
    """)
    session.send(request())
    assert wait_until(lambda: is_blocked(session))
    assert session.answer()["result"] == 1
    assert len(session.of("log")) == 100


def test_an_agent_that_is_gone(start):
    session = start("""
        def register():
            return run

        def run(job):
            job.log.info("begun")
            while job.remaining() and not job._channel.ended:
                job.log.info("x")
            print("cleaned up")
    """)
    session.send(request())
    session.log("begun")
    session.process.stdout.close()
    session.process.stdin.close()
    assert session.process.stderr.read() == b"cleaned up\n"
    assert session.process.wait(30) == 0
