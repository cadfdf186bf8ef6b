#!/usr/bin/python3 -B
"""Kills `hilum serve` at random moments while clients store, starts it again and checks every promise:

- what was acknowledged is there, byte for byte, and found at every level with the right counts;
- what was not acknowledged is whole or absent; an upload that broke off is absent;
- a repeat of what was acknowledged succeeds and changes nothing;
- the server is ready within ten seconds, also when it was killed while it recovered.

  crash_test.py --hilum build/release/hilum --loops 100 [--seed N]
"""

import journal as journals
from harness import Trial, main
from writers import Universe, Writer


class Instances(Trial):
    def __init__(self, rng, clients):
        super().__init__(rng, clients)
        self.many = clients
        self.journal = journals.Journal()
        self.universe = Universe(rng.randrange(1, 10**6))

    def clients(self, port):
        return [Writer(port, self.universe, self.journal, self.rng.getrandbits(64)) for _ in range(self.many)]

    def check(self, port, last):
        read = journals.verify(port, self.journal, self.rng, sample=None if last else 50)
        journals.verify_repeats(port, self.journal, self.rng, 3)
        return read

    def acknowledged(self):
        return len(self.journal.acknowledged)


if __name__ == "__main__":
    main("crash test", __doc__, Instances, loops=6, things="instances")
