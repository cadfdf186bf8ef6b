#!/usr/bin/python3 -B
"""Makes the disk under `hilum serve` fail and checks that nothing acknowledged is lost, served wrong, or quietly missing.

  fault_test.py --hilum build/release/hilum full_disk
  fault_test.py --hilum build/release/hilum low_disk
  fault_test.py --hilum build/release/hilum --shim libhilum_fault_shim.so io_errors
  fault_test.py --hilum build/release/hilum --trials 300 damage

Exit code 77: this machine does not permit the case (mounting needs root).
"""

import argparse
import contextlib
import hashlib
import http.client
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import journal as journals
from server import (Failure, NotReady, Server, connect, expect_sound, instance_path, retrieve, run_verify, search, store,
                    value)
from writers import Universe

SKIPPED = 77
SMALL = ["--store.write_buffer=4MiB", "--store.low_water=12MiB", "--store.segment=4MiB"]
MEGABYTE = 1 << 20


class Skip(Exception):
    """The case cannot run here."""


class Bench:
    """A server on a folder, the journal of what it acknowledged, and one client."""

    def __init__(self, options, rng, data):
        self.rng, self.data = rng, data
        self.server = Server(options.hilum, data, SMALL)
        self.journal = journals.Journal()
        self.universe = Universe(rng.randrange(1, 10**6), studies=3, series=2)

    def store_one(self, octets):
        """The status of storing one new instance; None when the connection broke."""
        instance = self.universe.new_instance(octets)
        self.journal.begin([instance])
        connection = connect(self.server.port)
        try:
            status, _ = store(connection, [instance.to_bytes()])
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if status == 200:
            self.journal.acknowledge([instance])
        return status

    def store_until(self, expected, octets, most):
        for _ in range(most):
            status = self.store_one(octets)
            if status == expected:
                return
            if status not in (200, 503, 507):
                raise Failure(f"storing answers {status}: {self.server.output[-2000:]}")
            time.sleep(0 if status == 200 else 0.2)
        raise Failure(f"no answer {expected} after storing {most} times")

    def verify(self):
        journals.verify(self.server.port, self.journal, self.rng)


@contextlib.contextmanager
def small_disk(folder, megabytes):
    os.makedirs(folder)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode != 0:
        raise Skip("mounting a tmpfs is not permitted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def free_megabytes(folder):
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize // MEGABYTE


def add_ballast(path, megabytes):
    """Fills the disk; stops where it is full."""
    with contextlib.suppress(OSError), open(path, "ab", buffering=0) as file:
        for _ in range(megabytes * 16):
            file.write(b"\xA5" * 65536)


def full_disk(options, rng, folder):
    """Below the low-water mark: 507, reads go on; storing goes on when there is space again; restarts work at any time."""
    with small_disk(os.path.join(folder, "disk"), 96) as disk:
        bench = Bench(options, rng, os.path.join(disk, "data"))
        ballast = os.path.join(disk, "ballast")
        add_ballast(ballast, 40)
        try:
            bench.server.start()
            bench.store_until(507, MEGABYTE, 100)
            for _ in range(10):
                if bench.store_one(MEGABYTE) != 507:
                    raise Failure(f"storing on a full disk does not answer 507 again: {bench.server.output[-2000:]}")
            bench.verify()
            bench.server.kill()
            bench.server.start()
            bench.verify()
            bench.store_until(507, MEGABYTE, 3)
            os.remove(ballast)
            bench.store_until(200, MEGABYTE, 50)
            bench.verify()
            if bench.server.stop() != 0:
                raise Failure("SIGTERM after a full disk: exit code is not 0")
            bench.server.start()
            bench.verify()
        finally:
            bench.server.kill()
        expect_sound(options.hilum, bench.data, SMALL)
        return f"{len(bench.journal.acknowledged)} acknowledged around a full disk"


def low_disk(options, rng, folder):
    """Between the low-water mark and the reserve: the server starts, whatever it wants to write; storing is refused; deletions and backups go on."""
    with small_disk(os.path.join(folder, "disk"), 96) as disk:
        bench = Bench(options, rng, os.path.join(disk, "data"))
        try:
            bench.server.start()
            bench.store_until(200, MEGABYTE, 1)
            doomed = bench.universe.new_instance(MEGABYTE)
            connection = connect(bench.server.port)
            if store(connection, [doomed.to_bytes()])[0] != 200:
                raise Failure("storing before the disk is full fails")
            bench.server.kill()
            while free_megabytes(disk) > 10:
                add_ballast(os.path.join(disk, "ballast"), 1)
            # Another port, so another address of the server's Endpoint; and sample images that do not fit.
            bench.server.flags.append("--demo")
            bench.server.start()
            if bench.store_one(MEGABYTE) != 507:
                raise Failure("storing below the low-water mark is not answered 507")
            connection = connect(bench.server.port)
            connection.request("DELETE", "/dicom-web" + instance_path(doomed))
            status = connection.getresponse().status
            if status not in (200, 204) or retrieve(bench.server.port, doomed)[0] != 404:
                raise Failure(f"deleting below the low-water mark is answered {status}: {bench.server.output[-2000:]}")
            backup = os.path.join(folder, "backup")
            result = subprocess.run([options.hilum, "backup", "--data", bench.data, "--to", backup, *SMALL], capture_output=True, text=True, check=False)
            if result.returncode != 0:
                raise Failure(f"backup to another disk: {result.stderr[-2000:]}")
            bench.verify()
        finally:
            bench.server.kill()
        expect_sound(options.hilum, bench.data, SMALL)
        expect_sound(options.hilum, backup, SMALL)
        return f"{len(bench.journal.acknowledged)} acknowledged, one deleted, a backup made on a disk that was low"


def sudden_full_disk(options, rng, folder):
    """Something else fills the disk to the last byte: refuse or stop, never crash, never lose."""
    with small_disk(os.path.join(folder, "disk"), 64) as disk:
        bench = Bench(options, rng, os.path.join(disk, "data"))
        ballast = os.path.join(disk, "ballast")
        rounds = 3
        try:
            for _ in range(rounds):
                bench.server.start()
                for _ in range(4):
                    bench.store_one(200_000)
                add_ballast(ballast, 64)
                answers = [bench.store_one(rng.choice([3_000, 200_000, MEGABYTE])) for _ in range(12)]
                try:
                    bench.verify()
                    bench.server.kill()
                except (OSError, http.client.HTTPException):  # it may stop at any time, but not crash
                    if bench.server.process.wait(30) < 0:
                        raise Failure(f"died of signal {-bench.server.process.returncode} after {answers}: {bench.server.output[-2000:]}")
                os.remove(ballast)
                bench.server.start()
                bench.verify()
                bench.store_until(200, 3_000, 50)
                bench.server.kill()
        finally:
            bench.server.kill()
        expect_sound(options.hilum, bench.data, SMALL)
        return f"{rounds} times, {len(bench.journal.acknowledged)} acknowledged"


FAULTS = [("anysync", "/objects/"), ("anywrite", "/objects/"), ("anysync", "/kv/db/"), ("anywrite", "/kv/db/"),
          ("anywrite", ".log"), ("anysync", "watermark"), ("anywrite", "watermark")]


def io_errors(options, rng, folder):
    """The n-th write or sync fails: the server stops (or refuses to start), and after a restart nothing is missing.

    Debian's RocksDB is built with assertions, some of which do not hold after a failed write: an abort inside it also stops."""
    if not options.shim or not os.path.exists(options.shim):
        raise Skip("the fault library is not built")
    reached = aborted = 0
    for trial in range(options.trials):
        operation, path = FAULTS[trial % len(FAULTS)]
        error = rng.choice(["EIO", "EIO", "ENOSPC"])
        rule = f"{operation}:{error}:{rng.choice([1, 2, 3, 5, 8, 13, 21, 34])}:{path}:sticky"
        bench = Bench(options, rng, os.path.join(folder, f"data{trial}"))
        try:
            bench.server.preload, bench.server.fault = options.shim, rule
            with contextlib.suppress(NotReady):
                bench.server.start()
                for _ in range(40):
                    if bench.store_one(rng.choice([3_000, 100_000, 3 * MEGABYTE])) is None:
                        break
                if "fault injected" in bench.server.output and error == "EIO" and bench.server.wait_for_exit(15) is None:
                    raise Failure(f"the server goes on: {bench.server.output[-2000:]}")
            reached += "fault injected" in bench.server.output
            code = bench.server.process.poll()
            by_assertion = code == -signal.SIGABRT and "rocksdb::" in bench.server.output
            aborted += by_assertion
            if code == 0 or (code is not None and code < 0 and not by_assertion):
                raise Failure(f"ended with code {code}: {bench.server.output[-2000:]}")
            bench.server.kill()
            bench.server.preload = None
            bench.server.start()
            bench.verify()
            bench.store_until(200, 3_000, 5)
        except Failure as failure:
            raise Failure(f"{rule}: {failure}") from failure
        finally:
            bench.server.kill()
        shutil.rmtree(bench.data)
    if reached < options.trials // 2:
        raise Failure(f"only {reached} of {options.trials} faults were reached: the rules do not fit the files any more")
    return f"{reached} of {options.trials} faults reached, {aborted} ended in an assertion of RocksDB"


KINDS = {"log": lambda name: name.endswith(".log"), "table": lambda name: name.endswith(".sst"),
         "manifest": lambda name: name.startswith("MANIFEST"), "current": lambda name: name == "CURRENT",
         "segment": lambda name: name.endswith(".seg")}


def damage_one(rng, data):
    """Damages one file; returns what was done."""
    kind = rng.choice(["log", "log", "table", "table", "segment", "segment", "segment", "manifest", "current"])
    files = [os.path.join(top, name) for top, _, names in os.walk(data) for name in names
             if KINDS[kind](name) and os.path.getsize(os.path.join(top, name)) > 0]
    if not files:
        return None
    path = rng.choice(sorted(files))
    size = os.path.getsize(path)
    action = rng.choice(["flip", "flip", "flip", "cut", "remove"])
    if action == "remove":
        os.remove(path)
    elif action == "cut":
        os.truncate(path, rng.randrange(size))
    else:
        at = rng.randrange(size)
        with open(path, "r+b") as file:
            file.seek(at)
            octet = file.read(1)[0]
            file.seek(at)
            file.write(bytes([octet ^ 1 << rng.randrange(8)]))
        action = f"flip at {at}"
    return f"{action} of {os.path.relpath(path, data)} ({size} bytes)"


def what_is_wrong(bench):
    """(what a client would notice or None, how many instances came with status 200 and other bytes)."""
    wrong, silent = None, 0
    try:
        for study, series in journals.by_study(bench.journal.acknowledged.values()).items():
            found = {value(row, "00080018") for row in search(bench.server.port, f"/studies/{study}/instances")}
            if set().union(*series.values()) - found:
                wrong = f"study {study} is shorter"
    except (Failure, OSError, http.client.HTTPException) as error:
        wrong = f"search: {error}"
    for instance in bench.journal.acknowledged.values():
        try:
            status, body = retrieve(bench.server.port, instance)
        except (OSError, http.client.HTTPException) as error:
            wrong = f"retrieve: {error!r}"
            continue
        if status != 200:
            wrong = f"retrieve: status {status}"
        elif hashlib.sha256(body).hexdigest() != instance.digest:
            wrong, silent = f"retrieve: other bytes with status 200 for {instance.sop}", silent + 1
    return wrong, silent


def damage(options, rng, folder):
    """Flipped bits, cut and removed files after a kill: `hilum serve` refuses or `hilum verify` reports them, and no client gets damaged bytes."""
    bench = Bench(options, rng, os.path.join(folder, "pristine"))
    try:
        for round_size in (40, 25, 15):
            bench.server.start()
            for _ in range(round_size):
                bench.store_one(rng.choice([2_000, 20_000, 200_000]))
            bench.server.stop() if round_size == 40 else bench.server.kill()
    finally:
        bench.server.kill()
    refused = reported = harmless = 0
    for _ in range(options.trials):
        for_serve, for_verify = os.path.join(folder, "serve"), os.path.join(folder, "verify")
        shutil.copytree(bench.data, for_serve)
        what = damage_one(rng, for_serve)
        shutil.copytree(for_serve, for_verify)
        code, _ = run_verify(options.hilum, for_verify, SMALL)
        trial = Bench(options, rng, for_serve)
        trial.journal = bench.journal
        try:
            trial.server.start()
            wrong, silent = what_is_wrong(trial)
            if trial.server.process.poll() is not None and trial.server.process.returncode < 0:
                raise Failure(f"died of signal {-trial.server.process.returncode}: {trial.server.output[-2000:]}")
            if wrong and code == 0:
                raise Failure(f"{wrong}, but hilum verify finds nothing")
            if silent:
                raise Failure(wrong)
            reported += code != 0
            harmless += code == 0
        except NotReady as error:
            if trial.server.process.returncode < 0:
                raise Failure(f"{what}: died of signal {-trial.server.process.returncode}: {error}") from error
            refused += 1
        except Failure as failure:
            raise Failure(f"{what}: {failure}") from failure
        finally:
            trial.server.kill()
        shutil.rmtree(for_serve)
        shutil.rmtree(for_verify)
    return (f"{options.trials} damages: {refused} refused at start, {reported} reported by verify, none served, "
            f"{harmless} without effect")


CASES = {case.__name__: case for case in (full_disk, low_disk, sudden_full_disk, io_errors, damage)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hilum", required=True, help="the server binary")
    parser.add_argument("--shim", help="libhilum_fault_shim.so, for io_errors")
    parser.add_argument("--trials", type=int, default=14, help="of io_errors and damage")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**9))
    parser.add_argument("case", choices=CASES)
    options = parser.parse_args()
    print(f"{options.case}: seed {options.seed}", flush=True)
    folder = tempfile.mkdtemp(prefix="hilum-fault-")
    try:
        summary = CASES[options.case](options, random.Random(options.seed), folder)
    except Skip as reason:
        shutil.rmtree(folder)
        print(f"{options.case} skipped: {reason}")
        return SKIPPED
    except (Failure, NotReady) as failure:
        print(f"FAILED {options.case} with seed {options.seed}: {failure}\nthe store is kept in {folder}")
        return 1
    shutil.rmtree(folder)
    print(f"{options.case} passed: {summary}, seed {options.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
