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

from harness import FLAGS, Trial, main
from linked_check import check
from linked_clients import MRN, LinkedBook, LinkedClient

POLICIES = ["link", "create", "quarantine"]


class ImagesAndRecords(Trial):
    def __init__(self, rng, clients):
        super().__init__(rng, clients)
        seed = rng.randrange(1, 10**6)
        self.policy = rng.choice(POLICIES)
        self.books = [LinkedBook(number, seed, clients) for number in range(clients)]
        self.logs = ([], [])

    def flags(self):
        if self.rng.random() < 0.3:
            self.policy = self.rng.choice(POLICIES)
        return [*FLAGS, "--store.duplicates=replace", f"--imaging.patients={self.policy}", f"--imaging.patient_systems=={MRN}"]

    def clients(self, port):
        return [LinkedClient(port, book, self.rng.getrandbits(64)) for book in self.books]

    def check(self, port, last):
        self.logs = check(port, self.policy, self.books, self.logs, self.rng)
        return sum(map(len, self.logs))

    def acknowledged(self):
        return sum(book.acknowledged for book in self.books)


if __name__ == "__main__":
    main("crash test of images and records", __doc__, ImagesAndRecords, loops=4, things="writes")
