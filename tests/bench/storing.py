"""Rows about storing: STOW-RS, its ImagingStudies, memory, and the reader of headers.

What is compared runs in short turns, one after the other: the disk of a shared machine changes its pace within minutes."""
import http.client
import os
import re
import shutil
import statistics
import subprocess
import time

import made_dicom
from harness import resident_mb


def stow(bench):
    size, clients, turns = 516 * 1024, 8, 12

    def raw():
        folder = os.path.join(bench.work, "raw")
        output = subprocess.run([bench.tool("object", "object_append_bench"), folder, str(clients), str(size), "3"],
                                check=True, capture_output=True, text=True).stdout
        shutil.rmtree(folder, ignore_errors=True)
        return tuple(map(float, re.search(r"group fdatasync (\d+) MB/s \((\d+) MB/s into", output).groups()))

    def rested(measure, *arguments):
        time.sleep(1)  # nobody pays for what another's turn left to the disk: discarded files, room made ready
        return measure(*arguments)

    with bench.hilum("stow") as (url, _), bench.orthanc() as peer:
        rate = lambda server, requests: bench.stow(server, clients, bench.scale(requests), size)["mb_per_s"]
        # The first turn fills caches.
        rates = [(*rested(raw), rested(rate, url, 80), rested(rate, peer, 8) if peer else 0) for _ in range(turns + 1)][1:]
    shutil.rmtree(os.path.join(bench.work, "stow"), ignore_errors=True)
    bare, rewritten, stored, theirs = (statistics.median(of_one) for of_one in zip(*rates))
    ratio = statistics.median(o / r for r, _, o, _ in rates)
    bench.row("STOW of 0.5 MB CT instances, durable, 8 clients, through HTTP", ">= 0.5 of raw append + group fdatasync",
              f"{ratio:.2f} ({stored:.0f} MB/s, {stored * 1e6 / size:.0f}/s)",
              f"raw append {bare:.0f} MB/s, {rewritten:.0f} into blocks written before, {turns} turns of each", ratio >= 0.5)
    if theirs:
        times = statistics.median(o / t for _, _, o, t in rates)
        bench.row("the same against Orthanc", ">= 5 times", f"{times:.1f} times", f"Orthanc {theirs:.0f} MB/s", times >= 5)
    with bench.hilum("unready", "--store.room_ahead", "0") as (url, _):
        pairs = [(rested(raw)[0], rested(rate, url, 80)) for _ in range(turns // 2 + 1)][1:]
    shutil.rmtree(os.path.join(bench.work, "unready"), ignore_errors=True)
    ratio = statistics.median(o / r for r, o in pairs)
    bench.row("the same with no room ready, as without pauses", ">= 0.5 of raw append + group fdatasync",
              f"{ratio:.2f} ({statistics.median(o for _, o in pairs):.0f} MB/s)",
              f"raw append {statistics.median(r for r, _ in pairs):.0f} MB/s, {len(pairs)} turns of each", ratio >= 0.5)


def linking(bench):
    """What the ImagingStudy of every commit costs the stores."""
    turns = 12
    for what, size, clients, requests in (("0.5 MB CT", 516 * 1024, 8, 40), ("20 kB", 20 * 1024, 16, 150)):
        # Neither makes room ready in the other's turn.
        with bench.hilum("linked", "--store.room_ahead=0") as (linked, _), \
                bench.hilum("unlinked", "--store.room_ahead=0", "--imaging.link=false") as (unlinked, _):
            pairs = []
            for turn in range(turns + 1):
                rate = {url: bench.stow(url, clients, bench.scale(requests), size)["instances_per_s"]
                        for url in ((linked, unlinked) if turn % 2 else (unlinked, linked))}
                if turn > 0:  # the first one fills caches
                    pairs.append((rate[linked], rate[unlinked]))
        for name in ("linked", "unlinked"):
            shutil.rmtree(os.path.join(bench.work, name), ignore_errors=True)
        ratio = statistics.median(w / o for w, o in pairs)
        bench.row(f"STOW of {what} instances, {clients} clients, each study with its ImagingStudy", ">= 0.9 of the rate without",
                  f"{ratio:.2f} ({statistics.median(w for w, _ in pairs):.0f}/s)", f"imaging.link = false, {turns} turns of each", ratio >= 0.9)
    large_study(bench)


def large_study(bench):
    """Whether a store takes longer in a large study than in a new one."""
    count = bench.scale(5000)
    edge = min(100, count // 4)
    with bench.hilum("large") as (url, _):
        connection = http.client.HTTPConnection(url.removeprefix("http://"))

        def store(study, number):
            kind, body = made_dicom.as_multipart([made_dicom.tiny_instance(study, number)])
            return bench.fetch(connection, "/dicom-web/studies", {"Content-Type": kind, "Accept": "application/dicom+json"}, body)[0]

        for number in range(1, count - edge + 1):
            store("1.2.3", number)
        pairs = [(store("1.2.3", count - edge + n), store("1.2.4", n)) for n in range(1, edge + 1)]
    shutil.rmtree(os.path.join(bench.work, "large"), ignore_errors=True)
    last, first = (statistics.median(times) for times in zip(*pairs))
    bench.row(f"study of {count} instances stored one by one: the last {edge} beside the first {edge} of another", "<= 1.1 of their time",
              f"{last / first:.2f} ({last * 1e3:.2f} ms)", f"first {first * 1e3:.2f} ms", last <= 1.1 * first)


def small(bench):
    pairs, tails = [], []
    with bench.hilum("small") as (url, _), bench.orthanc() as peer:
        bench.stow(url, 16, 20, 20 * 1024)
        for _ in range(5):
            ours = bench.stow(url, 16, bench.scale(400), 20 * 1024)
            theirs = bench.stow(peer, 16, bench.scale(20), 20 * 1024)["instances_per_s"] if peer else 0
            pairs.append((ours["instances_per_s"], theirs))
            tails.append(ours["p99_ms"])
    shutil.rmtree(os.path.join(bench.work, "small"), ignore_errors=True)
    rate, peer_rate = (statistics.median(rates) for rates in zip(*pairs))
    times = statistics.median(o / t for o, t in pairs) if peer_rate else 0
    bench.row("STOW of 20 kB instances, 16 clients", ">= 2,000 acknowledged/s or >= 5 times Orthanc",
              f"{rate:.0f}/s{f', {times:.1f} times Orthanc' if times else ''}, p99 {statistics.median(tails):.1f} ms", f"Orthanc {peer_rate:.0f}/s",
              rate >= 2000 or times >= 5)


def memory(bench):
    with bench.hilum("memory") as (url, child):
        before, _ = resident_mb(child)
        loader = subprocess.Popen([bench.tool("load", "hilum_load"), "inflight", "--url", url + "/dicom-web/studies", "--clients", "64", "--total", "2GiB"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        loader.stdout.readline()  # says that all are held
        held, _ = resident_mb(child)
        loader.communicate("\n", timeout=300)
        _, peak = resident_mb(child)
    shutil.rmtree(os.path.join(bench.work, "memory"), ignore_errors=True)
    bench.row("memory with 2 GB of uploads in flight, 64 clients, default caches", "<= 300 MB resident", f"{held:.0f} MB held, {peak:.0f} MB at the peak",
             f"{before:.0f} MB at rest", peak <= 300)


def reader(bench):
    output = subprocess.run([bench.tool("dicom", "dicom_reader_bench")], capture_output=True, text=True).stdout
    ours = float(re.search(r"ReadHeader\s+([\d.]+) us", output).group(1))
    dcmtk = float(re.search(r"until PixelData\s+([\d.]+) us", output).group(1))
    bench.row("DICOM reader, the same 24 values of a CT", ">= 20 times DCMTK", f"{dcmtk / ours:.0f} times ({ours:.2f} us)",
             f"DCMTK {dcmtk:.0f} us", dcmtk / ours >= 20)
