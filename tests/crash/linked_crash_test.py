#!/usr/bin/python3 -B
"""Kills `hilum serve` at random moments while clients store and delete images, write, merge and delete Patients, write
orders and reports and edit ImagingStudies, all at once; starts it again, now and then with another policy for Patients, and
compares everything with everything:

- what was acknowledged is there, what was not is whole or absent;
- every ImagingStudy says what the images and the records say now: series, instances, counts, subject, review, basedOn;
- searches find what reading shows;
- both change logs say what they said before and lead to what is there, version by version;
- at the end `hilum verify --deep` finds nothing.

  linked_crash_test.py --hilum build/release/hilum --loops 100 [--seed N]
"""

import sys

from crash_test import FLAGS, check_offline, kill_while_starting, run, run_clients, start
from linked_check import check
from linked_clients import MRN, LinkedBook, LinkedClient
from server import Server


POLICIES = ["link", "create", "quarantine"]


def flags_for(policy):
    return [*FLAGS, "--store.duplicates=replace", f"--imaging.patients={policy}", f"--imaging.patient_systems=={MRN}"]


def run_store(binary, data, loops, rng, tally, clients):
    """Loops over one store, from empty; raises Failure."""
    seed, policy = rng.randrange(1, 10**6), rng.choice(POLICIES)
    books = [LinkedBook(number, seed, clients) for number in range(clients)]
    server = Server(binary, data, flags_for(policy))
    logs = ([], [])
    try:
        start(server, tally)
        for _ in range(loops):
            run_clients(server, [LinkedClient(server.port, book, rng.getrandbits(64)) for book in books], rng, tally)
            if rng.random() < 0.3:
                policy = rng.choice(POLICIES)
                server.flags = flags_for(policy)
            if rng.random() < 0.4:
                kill_while_starting(server, rng, tally)
            start(server, tally)
            logs = check(server.port, policy, books, logs, rng)
            tally.read += len(logs[0]) + len(logs[1])
        server.kill()
        check_offline(binary, data)
    finally:
        server.kill()
        tally.acknowledged += sum(book.acknowledged for book in books)


if __name__ == "__main__":
    sys.exit(run("crash test of images and records", __doc__, run_store, loops=4, things="writes"))
