#!/usr/bin/python3 -B
"""Kills `hilum serve` at random moments while clients write FHIR resources, starts it again and checks every promise:

- every create, update, delete and transaction that was acknowledged is there, by reading and by searching;
- one that was not is whole or absent;
- conditional creates of the same thing by several clients made one resource;
- at the end `hilum verify` finds rows, histories, identifiers and index in agreement.

  fhir_crash_test.py --hilum build/release/hilum --loops 100 [--seed N]
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time

from crash_test import FLAGS, LOOPS_PER_STORE, Tally, check_offline, kill_while_starting, run_clients, start
from fhir_clients import Book, Client, verify_book
from server import Failure, Server


def run_store(binary, data, loops, rng, tally, clients):
    """Loops over one store, from empty; raises Failure."""
    books = [Book(number) for number in range(clients)]
    server = Server(binary, data, FLAGS)
    try:
        start(server, tally)
        for loop in range(loops):
            run_clients(server, [Client(server.port, book, rng.getrandbits(64)) for book in books], rng, tally)
            if rng.random() < 0.4:
                kill_while_starting(server, rng, tally)
            start(server, tally)
            last = loop + 1 == loops
            tally.read += sum(verify_book(server.port, book, rng, None if last else 50) for book in books)
        server.kill()
        check_offline(binary, data)
    finally:
        server.kill()
        tally.acknowledged += sum(book.acknowledged for book in books)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hilum", required=True, help="the server binary")
    parser.add_argument("--loops", type=int, default=4)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**9))
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where stores are made; a broken one is kept there")
    options = parser.parse_args()
    print(f"FHIR crash test: seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    tally = Tally()
    begin = time.monotonic()
    left = options.loops
    while left > 0:
        loops = min(left, LOOPS_PER_STORE)
        left -= loops
        folder = tempfile.mkdtemp(prefix="hilum-crash-", dir=options.folder)
        try:
            run_store(options.hilum, os.path.join(folder, "data"), loops, rng, tally, options.clients)
        except Failure as failure:
            print(f"FAILED with seed {options.seed} in loop {options.loops - left} or before: {failure}\nthe store is kept in {folder}")
            return 1
        shutil.rmtree(folder)
    print(f"FHIR crash test passed: {options.loops} loops, {tally.kills} kills, {tally.recovery_kills} kills while starting, "
          f"{tally.clean_stops} clean stops, {tally.acknowledged} writes acknowledged, 0 lost, {tally.read} looked up, "
          f"slowest start {tally.slowest_start:.2f} s, {time.monotonic() - begin:.0f} s, seed {options.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
