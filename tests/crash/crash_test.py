#!/usr/bin/python3 -B
"""Kills `hilum serve` at random moments while clients store, starts it again and checks every promise:

- what was acknowledged is there, byte for byte, and found at every level with the right counts;
- what was not acknowledged is whole or absent; an upload that broke off is absent;
- a repeat of what was acknowledged succeeds and changes nothing;
- the server is ready within ten seconds, also when it was killed while it recovered.

  crash_test.py --hilum build/release/hilum --loops 100 [--seed N]
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import journal as journals
from server import Failure, NotReady, Server
from writers import Universe, Writer

LOOPS_PER_STORE = 10  # then a store is checked whole and a new one begun, so that the disk does not fill
FLAGS = ["--store.write_buffer=4MiB", "--store.low_water=64MiB", "--store.segment=16MiB", "--store.compact_every=1s",
         "--store.keep_deleted=0s"]


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


def run_clients(server, writers, rng, tally):
    """Lets the threads write for a moment, then ends the server one way or the other."""
    for writer in writers:
        writer.start()
    time.sleep(0.1 + rng.random() * 1.6)
    if not server.running():
        raise Failure(f"the server ended by itself: {server.output[-2000:]}")
    clean = rng.random() < 0.15
    if clean:
        for writer in writers:
            writer.stopping.set()
        code = server.stop()
        if code != 0:
            raise Failure(f"SIGTERM: exit code {code}: {server.output[-2000:]}")
        tally.clean_stops += 1
    else:
        server.kill()
        tally.kills += 1
    for writer in writers:
        writer.stopping.set()
    for writer in writers:
        writer.join(60)
        if writer.unexpected:
            raise Failure(writer.unexpected)


def check_offline(binary, data):
    result = subprocess.run([binary, "verify", "--deep", "--data", data, *FLAGS], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"hilum verify --deep: exit code {result.returncode}: {(result.stdout + result.stderr)[-2000:]}")


def run_store(binary, data, loops, rng, tally, clients):
    """Loops over one store, from empty; raises Failure."""
    journal = journals.Journal()
    universe = Universe(rng.randrange(1, 10**6))
    server = Server(binary, data, FLAGS)
    try:
        kill_while_starting(server, rng, tally)  # while the store is made
        start(server, tally)
        for loop in range(loops):
            run_clients(server, [Writer(server.port, universe, journal, rng.getrandbits(64)) for _ in range(clients)], rng, tally)
            if loop == 0 or rng.random() < 0.4:
                kill_while_starting(server, rng, tally)
            start(server, tally)
            last = loop + 1 == loops
            tally.read += journals.verify(server.port, journal, rng, sample=None if last else 50)
            journals.verify_repeats(server.port, journal, rng, 3)
        server.kill()
        check_offline(binary, data)
    finally:
        server.kill()
        tally.acknowledged += len(journal.acknowledged)


def run(name, description, run_store, loops, things):
    """The command line of a crash test: run_store(binary, data, loops, rng, tally, clients) on as many stores as it takes."""
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
            run_store(options.hilum, os.path.join(folder, "data"), loops, rng, tally, options.clients)
        except Failure as failure:
            print(f"FAILED with seed {options.seed} in loop {options.loops - left} or before: {failure}\nthe store is kept in {folder}")
            return 1
        shutil.rmtree(folder)
    print(f"{name} passed: {options.loops} loops, {tally.kills} kills, {tally.recovery_kills} kills while starting, "
          f"{tally.clean_stops} clean stops, {tally.acknowledged} {things} acknowledged, 0 lost, {tally.read} looked up, "
          f"slowest start {tally.slowest_start:.2f} s, {time.monotonic() - begin:.0f} s, seed {options.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(run("crash test", __doc__, run_store, loops=6, things="instances"))
