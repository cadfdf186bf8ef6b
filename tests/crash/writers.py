"""Clients that store as hard as they can and note what was acknowledged."""

import random
import threading
import time

from clients import Worker
from part10 import Instance
from server import store

ROOT = "2.25.41"


class Universe:
    """Few studies shared by all writers, so that counts are made by many at a time; every instance has a UID of its own."""

    def __init__(self, seed, studies=5, series=3):
        self.rng = random.Random(seed)
        self.lock = threading.Lock()
        self.seed, self.studies, self.series, self.next = seed, studies, series, 0

    def new_instance(self, octets):
        with self.lock:
            self.next += 1
            number = self.next
            study = f"{ROOT}.{self.seed}.{self.rng.randrange(self.studies) + 1}"
            series = f"{study}.{self.rng.randrange(self.series) + 1}"
            pixels = self.rng.getrandbits(40)
        return Instance.make(study, series, f"{series}.{number}", number, pixels, octets)


class Writer(Worker):
    def __init__(self, port, universe, journal, seed):
        super().__init__(port, seed)
        self.universe, self.journal = universe, journal

    def goes_on(self):
        self.stopping.wait(0.02)
        return True  # it breaks connections itself

    def octets(self):
        kind = self.rng.random()
        if kind < 0.6:
            return self.rng.randrange(2_000, 60_000)
        return self.rng.randrange(60_000, 600_000) if kind < 0.9 else self.rng.randrange(600_000, 4_000_000)

    def one_write(self, connection):
        kind = self.rng.random()
        if kind < 0.1:
            again = self.journal.some_acknowledged(self.rng)
            if again:
                return self.exchange(connection, [again], {})
        if kind < 0.16:
            return self.break_off(connection)
        if kind < 0.26:
            pause = lambda: self.stopping.wait(self.rng.random() * 0.05)
            return self.exchange(connection, [self.universe.new_instance(self.octets())], {"pause": pause, "chunked": kind < 0.21})
        many = self.rng.randrange(2, 7) if kind < 0.45 else 1
        self.exchange(connection, [self.universe.new_instance(self.octets()) for _ in range(many)], {"chunked": kind > 0.85})

    def exchange(self, connection, instances, how):
        bodies = [instance.to_bytes() for instance in instances]
        new = [instance for instance in instances if instance.sop not in self.journal.acknowledged]
        self.journal.begin(new)
        status, answer = store(connection, bodies, **how)
        if status == 200:
            self.journal.acknowledge(new)
        elif status == 503:
            time.sleep(0.05)
        else:
            self.unexpected = f"STOW of {len(bodies)} instances: status {status}: {answer[:500]!r}"

    def break_off(self, connection):
        instance = self.universe.new_instance(self.octets())
        body = instance.to_bytes()
        self.journal.begin([instance], broken=True)
        store(connection, [body], stop_after=self.rng.randrange(200, len(body)))
