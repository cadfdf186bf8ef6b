#!/usr/bin/python3 -B
"""Kills `hilum serve` at random moments while clients write FHIR resources, starts it again and checks every promise:

- every create, update, delete and transaction that was acknowledged is there, by reading and by searching;
- one that was not is whole or absent;
- conditional creates of the same thing by several clients made one resource;
- at the end `hilum verify` finds rows, histories, identifiers and index in agreement.

  fhir_crash_test.py --hilum build/release/hilum --loops 100 [--seed N]
"""

from fhir_clients import Book, Client, verify_book
from harness import Trial, main


class Records(Trial):
    def __init__(self, rng, clients):
        super().__init__(rng, clients)
        self.books = [Book(number) for number in range(clients)]

    def clients(self, port):
        return [Client(port, book, self.rng.getrandbits(64)) for book in self.books]

    def check(self, port, last):
        return sum(verify_book(port, book, self.rng, None if last else 50) for book in self.books)

    def acknowledged(self):
        return sum(book.acknowledged for book in self.books)


if __name__ == "__main__":
    main("FHIR crash test", __doc__, Records, loops=4, things="writes")
