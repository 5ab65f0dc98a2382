"""What stands in the place of one of the agent's own programs: the test."""

import array
import json
import os
import pathlib
import shutil
import socket

from conftest import PROGRAM, ROOT, SECONDS, Agent, RpcError

STAND_IN = str(pathlib.Path(os.environ.get("BUILD", str(ROOT / "build")))
               / "t" / "agent" / "stand_in")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Peer:
    """One process of it, and the test's end of its channel."""

    def __init__(self, process, channel, sockets, facts):
        self.process = process
        self.channel = channel
        self.sockets = sockets
        self.facts = facts
        self.file = channel.makefile("rb")
        self.last = 0
        self.notes = []
        self.early = {}
        channel.settimeout(SECONDS)

    def say(self, **message):
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def raw(self, data):
        self.channel.sendall(data)

    def read(self):
        line = self.file.readline()
        assert line, "the agent closed the channel"
        return json.loads(line)

    def note(self, method):
        """The next notification of that name."""
        while True:
            for i, message in enumerate(self.notes):
                if message["method"] == method:
                    return self.notes.pop(i)["params"]
            self.keep(self.read())

    def keep(self, message):
        if "id" in message:
            self.early[message["id"]] = message
        else:
            self.notes.append(message)

    def ready(self, **params):
        """Take `configure`, and say that it serves."""
        configured = self.note("configure")
        self.say(method="ready", params=params)
        return configured

    def send(self, method, token=None, address="127.0.0.1", certificate=None,
             **params):
        auth = {"address": address}
        if token is not None:
            auth["token"] = token
        if certificate is not None:
            auth["certificate"] = certificate
        self.last += 1
        self.say(id=self.last, method=method, params=params, auth=auth)
        return self.last

    def answer(self, id):
        while id not in self.early:
            self.keep(self.read())
        message = self.early.pop(id)
        if "error" in message:
            raise RpcError(message["error"])
        return message["result"]

    def call(self, method, **params):
        return self.answer(self.send(method, **params))

    def end(self, status=0):
        """Let the process exit."""
        self.process.sendall(b"q" + bytes([status]))
        self.close()

    def close(self):
        self.file.close()
        self.channel.close()
        for s in self.sockets:
            s.close()
        self.process.close()


class PeerAgent(Agent):
    """An agent whose programs are stand-ins; one that is copied, as the
    programs are found beside it."""

    def __init__(self, folder, name="api"):
        super().__init__(folder)
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port
        self.settings["agent"]["listen_addr"] = self.address
        bin = self.folder / "bin"
        bin.mkdir()
        base = os.path.basename(PROGRAM)
        self.program = bin / base
        shutil.copy(PROGRAM, self.program)
        shutil.copy(STAND_IN, bin / base.replace(
            "devops_agent", "devops_agent-" + name, 1))
        # no link: one of the agent's own account is not followed
        shutil.copytree(ROOT / "sdk", self.folder / "sdk")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(bin / "peer.sock"))
        os.chmod(bin / "peer.sock", 0o777)
        self.listener.listen(8)
        self.listener.settimeout(SECONDS)
        self.peers = []

    def stop(self, *args):
        """What it listened at has to go with it."""
        status = super().stop(*args)
        for peer in self.peers:
            peer.close()
        self.peers.clear()
        return status

    def peer(self):
        """The next one that the agent starts."""
        process, _ = self.listener.accept()
        process.settimeout(SECONDS)
        fds = array.array("i")
        text, ancillary, _, _ = process.recvmsg(
            512, socket.CMSG_SPACE(32 * fds.itemsize))
        for _, _, data in ancillary:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        channel, *rest = [socket.socket(fileno=fd) for fd in fds]
        # held, or it would end with the last mention of it
        self.peers.append(Peer(process, channel, rest, json.loads(text)))
        return self.peers[-1]

    def api(self, **params):
        """The next one, configured and ready."""
        peer = self.peer()
        peer.ready(**params)
        return peer

    def state(self):
        for peer in self.call("status")["peers"]:
            if peer["name"] == "api":
                return peer
        return None
