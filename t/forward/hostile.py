"""A collector that misbehaves by a seeded schedule, and the books it keeps."""

import json
import random
import threading
import time

from collector import Collector, Gone

ON_THE_WAY = 1  # seconds, on a busy machine
STATUSES = [s for s in range(200, 600) if not 200 <= s <= 204]


class Hostile:
    """Takes JSON lines; a fault for some of the requests.

    `received` lists, for each request that it kept, the numbers of its
    records, whether its answer was given in full, and when.
    """

    def __init__(self, seed, poison=(), faults=0.35, hang=0.4, refuse="400"):
        self.random = random.Random(seed)
        self.poison = set(poison)
        self.faults = faults
        self.hang = hang
        self.refuse = refuse
        self.received = []
        self.counts = {}
        self.authorized_elsewhere = []
        self.lock = threading.Lock()
        self.elsewhere = Collector(self.elsewhere_handle)
        self.collector = Collector(self.handle)
        names = [name for name in dir(self) if name.startswith("fault_")]
        # what costs a time-out is rarer
        names += 3 * [n for n in names if "hang" not in n and "trick" not in n]
        self.kinds = [getattr(self, name) for name in sorted(names)]
        self.asleep = threading.Event()

    @property
    def url(self):
        """Where it is."""
        return self.collector.url + "/v1/results"

    def elsewhere_handle(self, request):
        """Where redirects point: nobody must come here."""
        self.authorized_elsewhere.append(request.line)
        request.answer(200)

    # --- what it does with a request ---

    def handle(self, request):
        """By the schedule."""
        with self.lock:
            bad = self.random.random() < self.faults
            fault = self.random.choice(self.kinds)
        if bad:
            name = fault.__name__
            self.counts[name] = self.counts.get(name, 0) + 1
            return fault(request)
        return self.proper(request)

    @staticmethod
    def numbers(request):
        """The records of a request."""
        lines = request.body().decode().splitlines()
        return [json.loads(line)["id"] for line in lines]

    def keep(self, numbers, whole, request=None):
        """Into the books; `whole`: the answer will be given in full, and in
        time, as far as this machine lets us know."""
        now = time.monotonic()
        late = request and now - request.since > self.hang / 8
        with self.lock:
            self.received.append((numbers, whole and not late, now))

    def proper(self, request):
        """As the best collectors do."""
        numbers = self.numbers(request)
        if self.poison.intersection(numbers):
            return self.reject(request, numbers)
        self.keep(numbers, True, request)
        request.answer(200, json.dumps({"accepted": len(numbers)}))
        return True

    def reject(self, request, numbers):
        """A record of it is poison."""
        if self.refuse == "items":
            rejected = [{"index": i, "code": "bad", "retryable": False}
                        for i, n in enumerate(numbers) if n in self.poison]
            good = [n for n in numbers if n not in self.poison]
            self.keep(good, True, request)
            request.answer(200, json.dumps({"accepted": len(good),
                                            "rejected": rejected}))
        elif self.refuse == "close":
            return False
        else:
            request.answer(int(self.refuse), "there is poison in it")
        return True

    def maybe_keep(self, request):
        """What becomes of the records when the answer gets lost."""
        numbers = self.numbers(request)
        if not self.poison.intersection(numbers) and \
                self.random.random() < 0.5:
            self.keep(numbers, False)

    # --- faults; each named in self.counts ---

    def fault_hang_before(self, request):
        """Reads a part, and then nothing."""
        request.read_body(request.length // 2)
        self.asleep.wait(self.hang)
        return False

    def fault_hang_in(self, request):
        """Begins to answer."""
        self.maybe_keep(request)
        request.send(b"HTTP/1.1 200 OK\r\nContent-")
        self.asleep.wait(self.hang)
        return False

    def fault_hang_after(self, request):
        """Answers, and takes the next request without a word."""
        self.proper(request)
        request.connection.head()
        self.asleep.wait(self.hang)
        return False

    def fault_close_at_once(self, request):
        """Hangs up on the head."""
        del request
        return False

    def fault_close_half(self, request):
        """Hangs up half way through the request."""
        request.read_body(request.length // 2)
        return False

    def fault_close_silent(self, request):
        """Takes everything and hangs up."""
        self.maybe_keep(request)
        return False

    def fault_close_in_answer(self, request):
        """Promises more of an answer than it gives."""
        self.maybe_keep(request)
        request.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"acc')
        return False

    def fault_close_in_head(self, request):
        """Hangs up within the headers of a success."""
        self.maybe_keep(request)
        request.send(b"HTTP/1.1 200 OK\r\nContent-Le")
        return False

    def fault_trickle(self, request):
        """A byte at a time, slower than anyone waits."""
        self.maybe_keep(request)
        for c in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: yyyyyyyyyyyy":
            request.send(bytes([c]))
            if self.asleep.wait(self.hang / 20):
                break
        return False

    def fault_status(self, request):
        """Any status but those that say yes."""
        request.body()
        request.answer(self.random.choice(STATUSES), "no")
        return True

    def fault_often(self, request):
        """The usual ones."""
        request.body()
        request.answer(self.random.choice((429, 500, 503)), "busy",
                       Retry_After=0)
        return True

    def fault_too_large(self, request):
        """413, whatever the size, before the body was read."""
        request.answer(413, "too much", Connection="close")
        self.asleep.wait(0.01)
        return False

    def fault_lie(self, request):
        """200, and nothing was taken."""
        request.body()
        request.answer(200, '{"accepted":0,"rejected":[]}')
        return True

    def fault_retryable(self, request):
        """200, and the second half is to be sent again."""
        numbers = self.numbers(request)
        if self.poison.intersection(numbers):
            request.answer(503)
            return True
        half = len(numbers) // 2
        again = [{"index": i, "code": "busy", "retryable": True}
                 for i in range(half, len(numbers))]
        self.keep(numbers[:half], True, request)
        request.answer(200, json.dumps({"accepted": half, "rejected": again}))
        return True

    def fault_redirect(self, request):
        """Somewhere else, with the credentials, if you please."""
        request.body()
        request.answer(self.random.choice((301, 302, 303, 307, 308)), "",
                       Location=self.elsewhere.url + "/")
        return True

    def fault_huge_answer(self, request):
        """A success, and 20 MiB of it."""
        self.maybe_keep(request)
        try:
            request.send(b"HTTP/1.1 200 OK\r\n"
                         b"Content-Length: 20971520\r\n\r\n")
            for _ in range(20):
                request.send(bytes(1 << 20))
        except Gone:
            pass
        return False

    def fault_huge_head(self, request):
        """Header after header."""
        request.body()
        request.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            request.send(b"X: " + b"y" * 16000 + b"\r\n")
        return False

    def fault_garbage(self, request):
        """What is no HTTP."""
        request.body()
        request.send(b"\x16\x03\x01\x00\xff\x00SSH-2.0-\r\n\r\n")
        return False

    def fault_refuse(self, request):
        """Nobody there, for a while."""
        del request
        if self.collector.refuse():
            self.asleep.wait(0.05)
            self.collector.listen()
        return False


def judge(hostile, master, n):
    """What of the promise was broken; a list of sentences."""
    wrong = []
    seen = {}
    highest = -1
    prefix = f'{master.agent["id"]}-'
    for numbers, whole, at in hostile.received:
        for i in numbers:
            if i in seen:
                if seen[i]:
                    wrong.append(f"{i} came again though it was answered")
            elif i < highest:
                wrong.append(f"{i} came first after {highest}")
            highest = max(highest, i)
            # what was not acknowledged when it was killed is sent again; its
            # request may have been on the way, and read after that
            owed = any(when >= at - ON_THE_WAY and cursors["central"] <= i
                       for when, cursors in master.kills)
            seen[i] = whole and not owed
    aside = {int(name.replace(prefix, "", 1)) for name in master.aside}
    missing = set(range(n)) - set(seen) - hostile.poison
    if missing:
        wrong.append(f"{len(missing)} lost, such as {min(missing)}")
    if aside != hostile.poison:
        wrong.append(f"aside: {sorted(aside)[:9]}, not "
                     f"{sorted(hostile.poison)[:9]}")
    if hostile.authorized_elsewhere:
        wrong.append("a redirect was followed")
    return wrong
