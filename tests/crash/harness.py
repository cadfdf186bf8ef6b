"""What the crash tests have in common: a server that is killed at random moments while clients write, started again, and
checked each time; at the end the store is checked whole."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time

from server import Failure, NotReady, Server, expect_sound

LOOPS_PER_STORE = 10  # then a store is checked whole and a new one begun, so that the disk does not fill
FLAGS = ["--store.write_buffer=4MiB", "--store.low_water=64MiB", "--store.segment=16MiB", "--store.compact_every=1s",
         "--store.keep_deleted=0s"]


class Trial:
    """What is written to one store, and what must be there. `clients`: how many write at a time."""

    def __init__(self, rng, clients):
        self.rng = rng

    def flags(self):
        """Of the next start."""
        return FLAGS

    def clients(self, port):
        """New threads (clients.Worker)."""
        raise NotImplementedError

    def check(self, port, last):
        """Raises Failure; how many things were looked up. `last`: no loop follows."""
        raise NotImplementedError

    def acknowledged(self):
        """How many writes or things were, so far."""
        raise NotImplementedError


class Tally:
    kills = recovery_kills = clean_stops = acknowledged = read = 0
    slowest_start = 0.0


def kill_while_starting(server, rng, tally):
    for _ in range(rng.randrange(1, 4)):
        server.spawn()
        time.sleep(rng.random() ** 2 * 0.4)
        server.kill()
        tally.recovery_kills += 1


def start(server, tally):
    try:
        seconds = server.start()
    except NotReady as error:
        raise Failure(f"the server does not start after a kill: {error}") from error
    tally.slowest_start = max(tally.slowest_start, seconds)


def run_clients(server, clients, rng, tally):
    """Lets the threads write for a moment, then ends the server one way or the other."""
    for client in clients:
        client.start()
    time.sleep(0.1 + rng.random() * 1.6)
    if not server.running():
        raise Failure(f"the server ended by itself: {server.output[-2000:]}")
    clean = rng.random() < 0.15
    if clean:
        for client in clients:
            client.stopping.set()
        code = server.stop()
        if code != 0:
            raise Failure(f"SIGTERM: exit code {code}: {server.output[-2000:]}")
        tally.clean_stops += 1
    else:
        server.kill()
        tally.kills += 1
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(60)
        if client.unexpected:
            raise Failure(client.unexpected)


def run_store(binary, data, trial, loops, rng, tally):
    """Loops over one store, from empty; raises Failure."""
    server = Server(binary, data, trial.flags())
    try:
        kill_while_starting(server, rng, tally)  # while the store is made
        start(server, tally)
        for loop in range(loops):
            run_clients(server, trial.clients(server.port), rng, tally)
            server.flags = list(trial.flags())
            if loop == 0 or rng.random() < 0.4:
                kill_while_starting(server, rng, tally)
            start(server, tally)
            tally.read += trial.check(server.port, last=loop + 1 == loops)
        server.kill()
        expect_sound(binary, data, ["--deep", *FLAGS])
    finally:
        server.kill()
        tally.acknowledged += trial.acknowledged()


def main(name, description, trial, loops, things):
    """The command line of a crash test: a `trial` (a class of them) for each of as many stores as it takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hilum", required=True, help="the server binary")
    parser.add_argument("--loops", type=int, default=loops)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**9))
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where stores are made; a broken one is kept there")
    options = parser.parse_args()
    print(f"{name}: seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    tally = Tally()
    begin = time.monotonic()
    left = options.loops
    while left > 0:
        loops = min(left, LOOPS_PER_STORE)
        left -= loops
        folder = tempfile.mkdtemp(prefix="hilum-crash-", dir=options.folder)
        try:
            run_store(options.hilum, os.path.join(folder, "data"), trial(rng, options.clients), loops, rng, tally)
        except Failure as failure:
            print(f"FAILED with seed {options.seed} in loop {options.loops - left} or before: {failure}\nthe store is kept in {folder}")
            sys.exit(1)
        shutil.rmtree(folder)
    print(f"{name} passed: {options.loops} loops, {tally.kills} kills, {tally.recovery_kills} kills while starting, "
          f"{tally.clean_stops} clean stops, {tally.acknowledged} {things} acknowledged, 0 lost, {tally.read} looked up, "
          f"slowest start {tally.slowest_start:.2f} s, {time.monotonic() - begin:.0f} s, seed {options.seed}")
