"""What the tests know must be in the store, kept apart from the store, and the comparison of both."""

import hashlib
import threading
from collections import defaultdict

from server import Failure, instance_path, retrieve, search, store, connect, value


class Journal:
    """Thread-safe. Instances are acknowledged (must be there), in doubt (whole or absent), or broken (must not be there)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = {}
        self.in_doubt = {}
        self.broken = {}
        self.fresh = set()  # acknowledged since the last verification

    def begin(self, instances, broken=False):
        with self.lock:
            (self.broken if broken else self.in_doubt).update({i.sop: i for i in instances})

    def acknowledge(self, instances):
        with self.lock:
            for instance in instances:
                self.in_doubt.pop(instance.sop, None)
                self.acknowledged[instance.sop] = instance
                self.fresh.add(instance.sop)

    def some_acknowledged(self, rng):
        with self.lock:
            return self.acknowledged[rng.choice(list(self.acknowledged))] if self.acknowledged else None


def check_bytes(port, instance):
    status, body = retrieve(port, instance)
    if status != 200:
        raise Failure(f"GET {instance_path(instance)}: status {status}: {body[:300]!r}")
    if hashlib.sha256(body).hexdigest() != instance.digest:
        raise Failure(f"GET {instance_path(instance)}: {len(body)} bytes that are not the ones stored")


def by_study(instances):
    studies = defaultdict(lambda: defaultdict(set))
    for instance in instances:
        studies[instance.study][instance.series].add(instance.sop)
    return studies


def count(row, tag, expected, what):
    if value(row, tag) != expected:
        raise Failure(f"{what}: {tag} is {value(row, tag)}, but {expected} instances or series are found")


def verify_study(port, study, known, must):
    """Compares one study at all levels; returns the SOP Instance UIDs found. `known` and `must` are series -> SOP UIDs."""
    rows = search(port, f"/studies/{study}/instances")
    found = defaultdict(set)
    for row in rows:
        found[value(row, "0020000E")].add(value(row, "00080018"))
    if sum(map(len, found.values())) != len(rows):
        raise Failure(f"study {study}: an instance is listed twice")
    for series in set(found) | set(must):
        lost = must.get(series, set()) - found[series]
        if lost:
            raise Failure(f"LOST: {len(lost)} acknowledged instances of series {series}, such as {min(lost)}")
        strange = found[series] - known.get(series, set())
        if strange:
            raise Failure(f"series {series}: {len(strange)} instances that must not be there, such as {min(strange)}")
    series_rows = {value(row, "0020000E"): row for row in search(port, f"/studies/{study}/series")}
    present = {series for series, sops in found.items() if sops}
    if set(series_rows) != present:
        raise Failure(f"study {study}: the series search finds {len(series_rows)} series, the instance search {len(present)}")
    for series, row in series_rows.items():
        count(row, "00201209", len(found[series]), f"series {series}")
    study_rows = search(port, f"/studies?StudyInstanceUID={study}")
    if len(study_rows) != (1 if present else 0):
        raise Failure(f"study {study}: the study search finds {len(study_rows)} rows")
    for row in study_rows:
        count(row, "00201208", len(rows), f"study {study}")
        count(row, "00201206", len(present), f"study {study}")
    return set().union(*found.values()) if found else set()


def verify(port, journal, rng, sample=None):
    """Checks every promise; raises Failure. `sample` older instances are read besides all new ones, None reads all.

    Instances in doubt that are found count as acknowledged from now on: what was visible must stay."""
    known = by_study([*journal.acknowledged.values(), *journal.in_doubt.values()])
    must = by_study(journal.acknowledged.values())
    listed = {value(row, "0020000D") for row in search(port, "/studies")}
    suspects = set(known) | {instance.study for instance in journal.broken.values()}
    if listed - suspects:
        raise Failure(f"studies nobody stored: {sorted(listed - suspects)[:3]}")
    found = set()
    for study in sorted(suspects):
        found |= verify_study(port, study, known[study], must[study])
    journal.acknowledge([i for i in list(journal.in_doubt.values()) if i.sop in found])
    journal.in_doubt.clear()
    older = sorted(set(journal.acknowledged) - journal.fresh)
    if sample is not None:
        older = rng.sample(older, min(sample, len(older)))
    to_read = sorted(journal.fresh) + older
    for sop in to_read:
        check_bytes(port, journal.acknowledged[sop])
    journal.fresh.clear()
    return len(to_read)


def verify_repeats(port, journal, rng, times):
    """Storing acknowledged instances again succeeds and changes nothing."""
    for _ in range(times):
        instance = journal.some_acknowledged(rng)
        if instance is None:
            return
        before = len(search(port, f"/studies/{instance.study}/instances"))
        connection = connect(port)
        status, body = store(connection, [instance.to_bytes()])
        connection.close()
        if status != 200:
            raise Failure(f"a repeat of {instance.sop}: status {status}: {body[:300]!r}")
        if len(search(port, f"/studies/{instance.study}/instances")) != before:
            raise Failure(f"a repeat of {instance.sop} changed the number of instances")
