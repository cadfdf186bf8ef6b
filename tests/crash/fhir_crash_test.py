#!/usr/bin/python3 -B
"""Kills `hilum serve` at random moments while clients write FHIR resources, starts it again and checks every promise:

- every create, update, delete and transaction that was acknowledged is there, by reading and by searching;
- one that was not is whole or absent;
- conditional creates of the same thing by several clients made one resource;
- at the end `hilum verify` finds rows, histories, identifiers and index in agreement.

  fhir_crash_test.py --hilum build/release/hilum --loops 100 [--seed N]
"""

import sys

from crash_test import FLAGS, check_offline, kill_while_starting, run, run_clients, start
from fhir_clients import Book, Client, verify_book
from server import Server


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


if __name__ == "__main__":
    sys.exit(run("FHIR crash test", __doc__, run_store, loops=4, things="writes"))
