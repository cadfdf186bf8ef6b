#!/usr/bin/env python3
"""Measures Hilum against peers and physical limits in one run, and prints the table of docs/performance.md.

Every figure is a ratio to a reference measured minutes before or after on the same machine, because absolute times on shared machines mean little.
Servers listen on loopback, on free ports, in folders of their own, and are stopped by their process id.

    tests/bench/run.py --build build/release [--only stow,retrieve,...] [--write docs/performance.md] [--quick]
"""
import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

import rich_series

ORTHANC_PLUGINS = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(url, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers at {url}")


def wait_until(condition, seconds=60):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise RuntimeError("what was waited for did not happen")
        time.sleep(0.05)


@contextlib.contextmanager
def process(arguments, **options):
    child = subprocess.Popen(arguments, **options)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def resident_mb(child):
    """Memory of a process now, and at its peak."""
    with open(f"/proc/{child.pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


def tiny_instance(study, series, sop, number):
    """A secondary capture of 8 by 8 pixels as Part 10, explicit little endian."""
    def element(group, tag, vr, value):
        value += (b"\0" if vr in (b"UI", b"OB") else b" ") * (len(value) % 2)
        length = struct.pack("<HI", 0, len(value)) if vr in (b"OB", b"OW") else struct.pack("<H", len(value))
        return struct.pack("<HH", group, tag) + vr + length + value

    capture = b"1.2.840.10008.5.1.4.1.1.7"
    meta = element(2, 1, b"OB", b"\0\1") + element(2, 2, b"UI", capture) + element(2, 3, b"UI", sop.encode()) + element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1") \
        + element(2, 0x12, b"UI", b"1.2.3.99")
    numbers = lambda *values: struct.pack("<" + "H" * len(values), *values)
    body = element(8, 0x16, b"UI", capture) + element(8, 0x18, b"UI", sop.encode()) + element(8, 0x20, b"DA", b"20260301") + element(8, 0x60, b"CS", b"OT") \
        + element(0x10, 0x20, b"LO", b"BENCH") + element(0x20, 0xD, b"UI", study.encode()) + element(0x20, 0xE, b"UI", series.encode()) \
        + element(0x20, 0x13, b"IS", str(number).encode()) + element(0x28, 2, b"US", numbers(1)) + element(0x28, 4, b"CS", b"MONOCHROME2") \
        + element(0x28, 0x10, b"US", numbers(8)) + element(0x28, 0x11, b"US", numbers(8)) + element(0x28, 0x100, b"US", numbers(8)) \
        + element(0x28, 0x101, b"US", numbers(8)) + element(0x28, 0x102, b"US", numbers(7)) + element(0x28, 0x103, b"US", numbers(0)) \
        + element(0x7FE0, 0x10, b"OB", bytes(64))
    return bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta + body


class Bench:
    def __init__(self, build, work, quick, resources=None):
        self.build, self.work, self.quick, self.resources = build, work, quick, resources
        self.rows = []

    def tool(self, *parts):
        return os.path.join(self.build, "tests", "bench", *parts)

    def scale(self, count):
        return max(1, count // 8) if self.quick else count

    def row(self, what, target, figure, reference, reached, yes="yes"):
        """`yes`: what to say when it is reached, where that is less than the whole target."""
        self.rows.append((what, target, figure, reference, yes if reached else "**no**"))
        print(f"{'ok  ' if reached else 'MISS'} {what}: {figure} (reference: {reference}; must: {target})", flush=True)

    @contextlib.contextmanager
    def hilum(self, name="hilum", *flags):
        data = os.path.join(self.work, name)
        arguments = [os.path.join(self.build, "hilum"), "serve", "--data", data, "--http", "127.0.0.1:0", "--log.level", "warning",
                     "--store.scrub_rate", "0", *flags]
        with process(arguments, stdout=subprocess.PIPE, text=True) as child:
            line = child.stdout.readline()
            if not line.startswith("ready "):
                raise RuntimeError("hilum did not start")
            yield line.split()[1], child

    @contextlib.contextmanager
    def orthanc(self):
        if not os.path.exists(ORTHANC_PLUGINS):
            yield None
            return
        folder = os.path.join(self.work, "orthanc")
        os.makedirs(folder)
        port = free_port()
        config = {"Name": "bench", "StorageDirectory": folder + "/db", "IndexDirectory": folder + "/db", "HttpPort": port, "DicomServerEnabled": False,
                  "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [ORTHANC_PLUGINS], "HttpThreadsCount": 50,
                  "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}
        with open(folder + "/orthanc.json", "w") as out:
            json.dump(config, out)
        with process(["Orthanc", folder + "/orthanc.json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            wait_for(f"http://127.0.0.1:{port}/system")
            yield f"http://127.0.0.1:{port}"
        shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def nginx(self, root):
        folder = os.path.join(self.work, "nginx")
        os.makedirs(folder, exist_ok=True)
        port = free_port()
        with open(folder + "/nginx.conf", "w") as out:
            user = "user root;" if os.getuid() == 0 else ""  # our folders are for us alone
            out.write(f"""{user} daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}""")
        with process(["nginx", "-c", folder + "/nginx.conf", "-p", folder], stderr=subprocess.DEVNULL):
            time.sleep(0.3)
            yield f"http://127.0.0.1:{port}"

    def load(self, *arguments):
        output = subprocess.run([self.tool("load", "hilum_load"), *map(str, arguments)], check=True, capture_output=True, text=True).stdout
        result = json.loads(output.strip().splitlines()[-1])
        if result["failures"]:
            raise RuntimeError(f"{result['failures']} requests failed: {result.get('first_failure')}")
        return result

    def stow(self, url, clients, requests, size, **flags):
        extra = [part for key, value in flags.items() for part in ("--" + key, value)]
        return self.load("stow", "--url", url + "/dicom-web/studies", "--clients", clients, "--requests", requests, "--size", size, *extra)

    @staticmethod
    def fetch(connection, path, headers, body=None):
        """Seconds until the last byte, and the bytes."""
        begin = time.perf_counter()
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        octets = len(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return time.perf_counter() - begin, octets

    # --- the rows -------------------------------------------------------------------------------------------------------------------------------

    def bench_stow(self):
        size, clients = 516 * 1024, 8
        raw_tool = self.tool("object", "object_append_bench")
        raw, ours = [], []
        for turn in range(3):
            output = subprocess.run([raw_tool, os.path.join(self.work, "raw")], check=True, capture_output=True, text=True).stdout
            raw.append(float(re.search(r"8 threads.*?bare append \+ group fdatasync (\d+) MB/s", output).group(1)))
            shutil.rmtree(os.path.join(self.work, "raw"), ignore_errors=True)
            with self.hilum(f"stow{turn}") as (url, _):
                self.stow(url, clients, 20, size)
                ours.append(self.stow(url, clients, self.scale(400), size)["mb_per_s"])
            shutil.rmtree(os.path.join(self.work, f"stow{turn}"), ignore_errors=True)
        ours_mb, raw_mb = statistics.median(ours), statistics.median(raw)
        ratio = statistics.median(o / r for o, r in zip(ours, raw))
        self.row("STOW of 0.5 MB CT instances, durable, 8 clients, through HTTP", ">= 0.5 of raw append + group fdatasync",
                 f"{ratio:.2f} ({ours_mb:.0f} MB/s, {ours_mb * 1e6 / size:.0f}/s)", f"raw append {raw_mb:.0f} MB/s", ratio >= 0.5)
        with self.orthanc() as url:
            if url:
                peer = self.stow(url, clients, self.scale(40), size)["mb_per_s"]
                self.row("the same against Orthanc", ">= 5 times", f"{ours_mb / peer:.1f} times", f"Orthanc {peer:.0f} MB/s", ours_mb / peer >= 5)

    def bench_linking(self):
        """What the ImagingStudy of every commit costs the stores, and whether it costs more in a large study."""
        for what, size, clients, requests in (("0.5 MB CT instances, 8 clients", 516 * 1024, 8, 400), ("20 kB instances, 16 clients", 20 * 1024, 16, 800)):
            ratios, rates = [], []
            for turn in range(3):
                rate = {}
                for link in ("true", "false") if turn % 2 else ("false", "true"):
                    with self.hilum("linking", "--imaging.link=" + link) as (url, _):
                        self.stow(url, clients, 20, size)
                        rate[link] = self.stow(url, clients, self.scale(requests), size)["instances_per_s"]
                    shutil.rmtree(os.path.join(self.work, "linking"), ignore_errors=True)
                ratios.append(rate["true"] / rate["false"])
                rates.append(rate["true"])
            ratio = statistics.median(ratios)
            self.row(f"STOW of {what}, each study with its ImagingStudy", ">= 0.9 of the rate without", f"{ratio:.2f} ({statistics.median(rates):.0f}/s)",
                     "imaging.link = false", ratio >= 0.9)
        count = self.scale(5000)
        with self.hilum("large") as (url, _):
            connection = http.client.HTTPConnection(url.split("//")[1])
            headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', "Accept": "application/dicom+json"}
            times = []
            for number in range(1, count + 1):
                body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + tiny_instance("1.2.3", "1.2.3.4", f"1.2.3.4.{number}", number) + b"\r\n--b--\r\n"
                times.append(self.fetch(connection, "/dicom-web/studies", headers, body)[0])
        shutil.rmtree(os.path.join(self.work, "large"), ignore_errors=True)
        edge = min(100, count // 4)
        first, last = statistics.median(times[:edge]), statistics.median(times[-edge:])
        self.row(f"study of {count} instances stored one by one: the last {edge} beside the first", "<= 1.1 of their time", f"{last / first:.2f} ({last * 1e3:.2f} ms)",
                 f"first {first * 1e3:.2f} ms", last <= 1.1 * first)

    def bench_small(self):
        with self.hilum("small") as (url, _):
            self.stow(url, 16, 20, 20 * 1024)
            ours = self.stow(url, 16, self.scale(1600), 20 * 1024)
        shutil.rmtree(os.path.join(self.work, "small"), ignore_errors=True)
        with self.orthanc() as url:
            peer = self.stow(url, 16, self.scale(40), 20 * 1024)["instances_per_s"] if url else 0
        rate = ours["instances_per_s"]
        times = f", {rate / peer:.0f} times Orthanc" if peer else ""
        self.row("STOW of 20 kB instances, 16 clients", ">= 2,000 acknowledged/s or >= 5 times Orthanc",
                 f"{rate:.0f}/s{times}, p99 {ours['p99_ms']:.1f} ms", f"Orthanc {peer:.0f}/s", rate >= 2000 or (peer and rate >= 5 * peer))

    def bench_retrieve(self):
        count, size = 500, 516 * 1024
        with self.hilum("retrieve") as (url, _):
            self.stow(url, 1, count, size, per_series=count, run=77)
            series = json.loads(wait_for(url + "/dicom-web/series"))[0]["00081190"]["Value"][0]
            root = os.path.join(self.work, "www")
            os.makedirs(root)
            urllib.request.urlretrieve(series, os.path.join(root, "series.bin"))
            with self.nginx(root) as peer:
                pairs = []
                for _ in range(5):
                    ours = self.load("get", "--clients", 2, "--requests", 4, "--accept", 'multipart/related; type="application/dicom"', series)["mb_per_s"]
                    theirs = self.load("get", "--clients", 2, "--requests", 4, peer + "/series.bin")["mb_per_s"]
                    pairs.append((ours, theirs))
        ratio = statistics.median(o / t for o, t in pairs)
        self.row("whole-series retrieve (500 instances, 264 MB), 2 clients", ">= 0.8 of nginx sending the same bytes as one file",
                 f"{ratio:.2f} ({statistics.median(o for o, _ in pairs):.0f} MB/s)", f"nginx {statistics.median(t for _, t in pairs):.0f} MB/s", ratio >= 0.8)
        shutil.rmtree(os.path.join(self.work, "retrieve"), ignore_errors=True)

    def bench_search(self):
        instances = self.scale(100_000)
        with self.hilum("search") as (url, _):
            self.stow(url, 4, instances // 4 // 50, 2048, batch=50, per_series=25, per_study=2)
            base = url + "/dicom-web"
            studies = json.loads(wait_for(base + "/studies?limit=500"))
            picked = random.Random(1).sample(studies, min(200, len(studies)))
            value = lambda study, tag: study[tag]["Value"][0]
            urls = [f"{base}/studies?StudyInstanceUID={value(s, '0020000D')}" for s in picked]
            urls += [f"{base}/studies?PatientID={value(s, '00100020')}" for s in picked if "Value" in s["00100020"]]
            urls += [f"{base}/studies?PatientName={value(s, '00100010')['Alphabetic'][:4]}*&limit=25" for s in picked[:50]]
            urls += [f"{base}/studies?StudyDate={value(s, '00080020')}&ModalitiesInStudy=CT&limit=25" for s in picked[:50]]
            urls += [f"{base}/studies?limit=25&offset={offset}" for offset in range(0, 1000, 50)]
            random.Random(2).shuffle(urls)
            listing = os.path.join(self.work, "urls")
            with open(listing, "w") as out:
                out.write("\n".join(urls))
            self.load("get", "--clients", 4, "--requests", 200, "@" + listing)
            result = self.load("get", "--clients", 4, "--requests", self.scale(4000), "@" + listing)
            total = len(json.loads(wait_for(base + "/studies?limit=5000")))
        shutil.rmtree(os.path.join(self.work, "search"), ignore_errors=True)
        self.row(f"QIDO study search among {instances:,} instances ({total:,} studies), 4 clients", "p99 <= 5 ms",
                 f"p99 {result['p99_ms']:.2f} ms, p50 {result['p50_ms']:.2f} ms, {result['answers_per_s']:.0f}/s", "time through HTTP", result["p99_ms"] <= 5)

    def bench_metadata(self):
        count = self.scale(500)
        series = f"/dicom-web/studies/{rich_series.STUDY}/series/{rich_series.SERIES}"

        def connect(url):
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=300)
            for first in range(1, count + 1, 50):
                kind, body = rich_series.multipart(range(first, min(first + 50, count + 1)))
                self.fetch(connection, "/dicom-web/studies", {"Content-Type": kind, "Accept": "application/dicom+json"}, body)
            return connection

        # Orthanc keeps no document ready; the median of three is after its caches are warm.
        peer, path = 0, series + "/metadata"
        with self.orthanc() as url:
            if url:
                connection = connect(url)
                peer = statistics.median(self.fetch(connection, path, {"Accept": "application/dicom+json"})[0] for _ in range(3))
        figures = {}
        with self.hilum("metadata", "--metadata.prepare_after", "1h") as (url, _):
            connection = connect(url)
            for coding in ("zstd", "gzip"):
                cold, warm = [], []
                for turn in range(5):
                    # Documents are kept for each name of the server: another name is a cold one.
                    head = {"Accept-Encoding": coding, "Host": f"{coding}{turn}.example"}
                    cold.append(self.fetch(connection, path, head)[0])
                    warm += [self.fetch(connection, path, head)[0] for _ in range(10)]
                figures[coding] = statistics.median(cold), statistics.median(warm)
            plain = {"Accept-Encoding": "identity", "Host": "zstd0.example"}
            octets = self.fetch(connection, path, plain)[1]
            identity = statistics.median(self.fetch(connection, path, plain)[0] for _ in range(21))
            search = statistics.median(self.fetch(connection, f"{series}/instances?limit={count}", {})[0] for _ in range(5))
            thumbnail = statistics.median(self.fetch(connection, series + "/thumbnail", {})[0] for _ in range(21))
        with self.hilum("prepared", "--metadata.prepare_after", "1s") as (url, _):
            connection = connect(url)
            wait_until(lambda: b'hilum_prepared_series_total{outcome="ready"} 1' in wait_for(url + "/metrics"))
            first = self.fetch(connection, path, {"Accept-Encoding": "zstd"})[0]
        for name in ("metadata", "prepared"):
            shutil.rmtree(os.path.join(self.work, name), ignore_errors=True)
        what = f"metadata of a series of {count} instances ({octets / 1e6:.1f} MB of JSON)"
        for coding, (cold, warm) in figures.items():
            self.row(f"{what}, {coding}, nothing ready", "<= 40 ms", f"{cold * 1e3:.1f} ms", "time through HTTP", cold <= 0.04)
            self.row(f"the same, {coding}, ready", "<= 5 ms", f"{warm * 1e3:.1f} ms", "time through HTTP", warm <= 0.005)
        self.row("the same, not compressed, ready", "<= 5 ms", f"{identity * 1e3:.1f} ms", "time through HTTP", identity <= 0.005)
        self.row("the same, first request after background preparation, zstd", "<= 5 ms", f"{first * 1e3:.1f} ms", "time through HTTP", first <= 0.005)
        if peer:
            warm = figures["zstd"][1]
            self.row("the same against Orthanc", ">= 50 times", f"{peer / warm:.0f} times", f"Orthanc {peer * 1e3:.0f} ms", peer / warm >= 50)
        self.row(f"instance search of that series, {count} rows", "<= 20 ms", f"{search * 1e3:.1f} ms", "time through HTTP", search <= 0.02)
        self.row("thumbnail of that series, ready", "<= 1 ms", f"{thumbnail * 1e3:.2f} ms", "time through HTTP", thumbnail <= 0.001)

    def bench_frames(self):
        count, clients, rounds = self.scale(500), 6, 6
        frame = 512 * 1024
        root = os.path.join(self.work, "frames-www")
        os.makedirs(root)
        for n in range(count):
            with open(f"{root}/{n}", "wb") as out:
                out.write(random.Random(n).randbytes(frame))
        accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
        requests = max(1, count // clients * 2)

        def listing(name, urls):
            path = os.path.join(self.work, name)
            with open(path, "w") as out:
                out.write("\n".join(urls))
            return "@" + path

        def series(url):
            """URLs of the first frame of every instance of one series, just stored."""
            self.stow(url, 1, count, frame, per_series=count, run=78)
            path = json.loads(wait_for(url + "/dicom-web/instances?limit=1"))[0]
            study, one = (path[tag]["Value"][0] for tag in ("0020000D", "0020000E"))
            with urllib.request.urlopen(f"{url}/dicom-web/studies/{study}/series/{one}/instances?limit={count}", timeout=120) as answer:
                rows = json.load(answer)
            return [f"{url}/dicom-web/studies/{study}/series/{one}/instances/{row['00080018']['Value'][0]}/frames/1" for row in rows]

        get = lambda urls, requests, **flags: self.load("get", "--clients", clients, "--requests", requests, "--accept", accept,
                                                        *(part for key, value in flags.items() for part in ("--" + key, value)), urls)
        with self.hilum("frames") as (url, _), self.nginx(root) as peer:
            urls = series(url)
            ours_urls, peer_urls = listing("frame-urls", urls), listing("file-urls", [f"{peer}/{n}" for n in range(count)])
            pairs = []
            for turn in range(rounds):
                pair = get(ours_urls, requests), get(peer_urls, requests)
                if turn > 0:  # the first one fills caches
                    pairs.append(pair)
            self.bench_viewers(url, ours_urls)
        shutil.rmtree(os.path.join(self.work, "frames"), ignore_errors=True)
        shutil.rmtree(root)
        ratio = statistics.median(o["mb_per_s"] / t["mb_per_s"] for o, t in pairs)
        rate, p99 = (statistics.median(o[key] for o, _ in pairs) for key in ("answers_per_s", "p99_ms"))
        nginx, nginx_p99 = (statistics.median(t[key] for _, t in pairs) for key in ("answers_per_s", "p99_ms"))
        what = "frames of 512 KiB in their stored syntax, 6 connections"
        self.row(what, ">= 0.8 of nginx sending the same bytes", f"{ratio:.2f} ({rate:.0f}/s)", f"nginx {nginx:.0f}/s", ratio >= 0.8)
        self.row("the same", "p99 <= 3 ms", f"p99 {p99:.2f} ms", f"nginx p99 {nginx_p99:.2f} ms", p99 <= 3)
        with self.orthanc() as url:
            if url:
                peer = get(listing("orthanc-urls", series(url)), max(1, requests // 8))["answers_per_s"]
                self.row("the same against Orthanc", ">= 8 times", f"{rate / peer:.1f} times", f"Orthanc {peer:.0f}/s", rate >= 8 * peer)

    def bench_viewers(self, url, frame_urls):
        """16 viewers that play a stack at 30 frames a second each, while 4 modalities store as fast as they can."""
        viewers, rate, seconds, size = 16, 30, 4, 516 * 1024
        play = lambda: self.load("get", "--clients", viewers, "--requests", rate * seconds, "--rate", rate, "--accept",
                                 'multipart/related; type="application/octet-stream"; transfer-syntax=*', frame_urls)
        store = lambda requests: self.stow(url, 4, requests, size)["mb_per_s"]
        pace = store(self.scale(100)) * 1e6 / size / 4  # requests a second of one modality
        requests = max(10, int(pace * seconds * 0.9))
        kept, p99 = [], []
        for _ in range(3):
            alone = store(requests)
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                playing, storing = pool.submit(play), pool.submit(store, requests)
                kept.append(storing.result() / alone)
                p99.append(playing.result()["p99_ms"])
        kept, p99 = statistics.median(kept), statistics.median(p99)
        self.row(f"{viewers} viewers, {rate} frames/s each of a CT of 512 KiB slices, while 4 modalities store", "frame p99 <= 10 ms", f"p99 {p99:.2f} ms",
                 "time from when the frame was due", p99 <= 10)
        self.row("what the stores keep of their rate meanwhile", ">= 0.8", f"{kept:.2f}", "the same stores without viewers", kept >= 0.8)

    def bench_pictures(self):
        folder = os.path.join(self.work, "pictures")
        os.makedirs(folder)

        def codec_alone():
            """Milliseconds in process, and what is decoded in `folder`."""
            output = subprocess.run([self.tool("pixel", "pixel_bench"), "", folder], check=True, capture_output=True, text=True).stdout
            return {name: float(re.search(name + r" frame.*?codec.*?median +([\d.]+)\)", output).group(1)) for name in ("JPEG 2000", "HTJ2K")}

        before = codec_alone()
        syntaxes = {"native": "1.2.840.10008.1.2.1", "JPEG 2000": "1.2.840.10008.1.2.4.90", "HTJ2K": "1.2.840.10008.1.2.4.201"}
        explicit = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'
        with self.hilum("pictured") as (url, _):
            paths, instances = {}, []
            for number, (name, syntax) in enumerate(syntaxes.items()):
                study = f"2.25.79{number}"
                paths[name] = f"{url}/dicom-web/studies/{study}/series/{study}.1/instances/{study}.1.1"
                with open(os.path.join(folder, syntax), "rb") as coded:
                    instances.append(rich_series.picture(study, syntax, coded.read()))
            kind, body = rich_series.as_multipart(instances)
            self.fetch(http.client.HTTPConnection(url.removeprefix("http://")), "/dicom-web/studies", {"Content-Type": kind}, body)
            time_of = lambda path, accept: self.load("get", "--clients", 1, "--requests", 60, "--accept", accept, path)["p50_ms"]
            frames = {name: time_of(paths[name] + "/frames/1", explicit) for name in ("JPEG 2000", "HTJ2K")}
            after = codec_alone()
            codec = {name: (before[name] + after[name]) / 2 for name in before}
            for name, ours in frames.items():
                alone = codec[name]
                self.row(f"frame of 512x512x16, {name} to explicit little endian", "<= codec time alone + 15 %", f"{ours / alone:.2f} of it ({ours:.2f} ms)",
                         f"codec in process {alone:.2f} ms", ours <= 1.15 * alone)
            for name in syntaxes:
                ours, alone = time_of(paths[name] + "/rendered", "image/jpeg"), codec.get(name, 0)
                self.row(f"rendered JPEG of 512x512, stored as {name}", "<= 5 ms" + (" and the codec's time" if alone else ""), f"{ours:.2f} ms",
                         f"codec in process {alone:.2f} ms" if alone else "time through HTTP", ours <= 5 + alone)
            warm = time_of(paths["native"] + "/thumbnail", "image/jpeg")
            self.row("thumbnail of an instance, made before", "<= 1 ms", f"{warm:.2f} ms", "time through HTTP", warm <= 1)
        shutil.rmtree(os.path.join(self.work, "pictured"), ignore_errors=True)

    def bench_memory(self):
        with self.hilum("memory") as (url, child):
            before, _ = resident_mb(child)
            loader = subprocess.Popen([self.tool("load", "hilum_load"), "inflight", "--url", url + "/dicom-web/studies", "--clients", "64", "--total", "2GiB"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            loader.stdout.readline()  # says that all are held
            held, _ = resident_mb(child)
            loader.communicate("\n", timeout=300)
            _, peak = resident_mb(child)
        shutil.rmtree(os.path.join(self.work, "memory"), ignore_errors=True)
        self.row("memory with 2 GB of uploads in flight, 64 clients, default caches", "<= 300 MB resident", f"{held:.0f} MB held, {peak:.0f} MB at the peak",
                 f"{before:.0f} MB at rest", peak <= 300)

    def bench_reader(self):
        output = subprocess.run([self.tool("dicom", "dicom_reader_bench")], capture_output=True, text=True).stdout
        ours = float(re.search(r"ReadHeader\s+([\d.]+) us", output).group(1))
        dcmtk = float(re.search(r"until PixelData\s+([\d.]+) us", output).group(1))
        self.row("DICOM reader, the same 24 values of a CT", ">= 20 times DCMTK", f"{dcmtk / ours:.0f} times ({ours:.2f} us)",
                 f"DCMTK {dcmtk:.0f} us", dcmtk / ours >= 20)

    def bench_hello(self):
        wrk = lambda url: float(next(line.split()[1] for line in subprocess.run(["wrk", "-t1", "-c16", "-d4", url], check=True, capture_output=True, text=True)
                                     .stdout.splitlines() if "Requests/sec" in line))
        root = os.path.join(self.work, "hello")
        os.makedirs(root)
        with open(root + "/hello", "w") as out:
            out.write("hello\n")
        server = subprocess.Popen([self.tool("http", "http_hello_bench")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        urls = dict(server.stdout.readline().split() for _ in range(4))
        with self.nginx(root) as peer:
            turns = [(wrk(urls["inline"]), wrk(urls["bare"]), wrk(urls["pool"]), wrk(peer + "/hello")) for _ in range(5)]
        server.communicate()
        ours, seam, pool, nginx = (statistics.median(column) for column in zip(*turns))
        ratio = statistics.median(turn[0] / turn[1] for turn in turns)
        self.row("hello, 16 connections", ">= 0.9 of the bare event layer", f"{ratio:.2f} ({ours:.0f}/s; {pool:.0f}/s through the worker pool)",
                 f"bare layer {seam:.0f}/s", ratio >= 0.9)
        self.row("hello against nginx sending a small file", "ahead", f"{ours / nginx:.2f} times", f"nginx {nginx:.0f}/s", ours > nginx)

    def test_data(self):
        with open(os.path.join(self.build, "CMakeCache.txt")) as cache:
            return next(line.split("=", 1)[1].strip() for line in cache if line.startswith("HILUM_TEST_DATA:"))

    def bench_fhir(self):
        count = self.resources or self.scale(200_000)
        synthea = os.path.join(self.test_data(), "fhir", "synthea")
        extra = ["--synthea", synthea] if os.path.isdir(synthea) else []
        folder = os.path.join(self.work, "fhir")
        output = subprocess.run([self.tool("fhir", "fhir_store_bench"), folder, "--resources", str(count), "--keep", "1", *extra], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        through_http = self.fhir_reads(folder)
        shutil.rmtree(folder, ignore_errors=True)
        got = {line.pop("what"): line for line in map(json.loads, output.splitlines())}

        def load(name, what, least, unit):
            if name not in got:
                print(f"left out: {what}: no {synthea}")
                return
            one = got[name]
            self.row(f"FHIR: {what}, in process", f">= {least:,} {unit}/s",
                     f"{one['per_s']:,.0f}/s in {one['seconds']:.1f} s, {one['per_s'] / one['limit_per_s']:.3f} of the reference; {one['cpu_us']:.0f} us of processor each",
                     f"simdjson + append + shared fdatasync of the same {one['json_bytes']:.0f} bytes each: {one['limit_per_s']:,.0f}/s, "
                     f"{one['limit_cpu_us']:.1f} us of processor", one["per_s"] >= least)

        def search(name, what, quantile, most, size=0):
            """`size`: for how many resources the target is meant."""
            one = got[name]
            scope = f" at {size:,} resources" if size else ""
            self.row(f"FHIR: {what}, {count:,} resources", f"{quantile} <= {most} ms{scope}", f"p50 {one['p50_ms']:.2f} ms, p99 {one['p99_ms']:.2f} ms",
                     f"time in process{', at most %d hits' % one['most_hits'] if 'most_hits' in one else ''}", one[quantile + "_ms"] <= most,
                     "yes" if count >= size else "at this size")

        load("synthea", "transactions of Synthea bundles, 2 clients", 15_000, "resources")
        load("import", f"import of {count:,} resources, 2 threads", 40_000, "resources")
        load("small transactions", "transactions of two resources, 32 clients", 3_000, "transactions")
        read = got["read by id"]
        self.row("FHIR: read by id, 2 threads", "no target", f"{read['per_s']:,.0f}/s, p50 {1e3 * read['p50_ms']:.0f} us, p99 {1e3 * read['p99_ms']:.0f} us",
                 "time in process", True, "-")
        for name, most in (("count by code", 5), ("count by code and date", 10), ("count by code and quantity", 10)):
            search(name, name, "p50", most, 10_000_000)
        search("first page by date", "first page of 50 by date", "p99", 10)
        far = got["far page by date"]
        search("far page by date", f"page {far['page']:.0f} by date", "p99", 10)
        ratio = far["p50_ms"] / far["first_p50_ms"]
        self.row(f"FHIR: page {far['page']:.0f} beside page 1, {count:,} resources", "<= 1.2 of its time", f"{ratio:.2f}", f"page 1: p50 {far['first_p50_ms']:.2f} ms",
                 ratio <= 1.2)
        listed = got["listed first pages"]
        self.row(f"FHIR: first page of 50, {listed['searches']:.0f} listed searches in 5 orders each, the slowest; {count:,} resources",
                 "p99 <= 10 ms at 1,000,000 resources", f"p50 {listed['p50_ms']:.2f} ms, p99 {listed['p99_ms']:.2f} ms: `{listed['text'].replace('|', chr(92) + '|')}`",
                 f"all of them: p50 {listed['all_p50_ms']:.2f} ms, p99 {listed['all_p99_ms']:.2f} ms; time in process", listed["p99_ms"] <= 10,
                 "yes" if count >= 1_000_000 else "at this size")
        search("chain", "chain", "p99", 50)
        search("_has", "_has", "p99", 50)
        octets, json_octets = got["disk"]["bytes_per_resource"], got["import"]["json_bytes"]
        self.row("FHIR: disk after compaction, versions, history and index", "<= 450 bytes/resource",
                 f"{octets:.0f} bytes, {octets / json_octets:.2f} of the JSON", f"JSON alone {json_octets:.0f} bytes", octets <= 450)
        memory = got["memory"]
        self.row(f"FHIR: memory after these loads and searches, {count:,} resources", "<= 1,536 MB at 10,000,000 resources",
                 f"{memory['resident_mb']:.0f} MB, peak {memory['peak_mb']:.0f} MB", "the benchmark's own included", memory["peak_mb"] <= 1536,
                 "yes" if count >= 10_000_000 else "at this size")
        rate, p99, hello, resident = through_http
        self.row(f"FHIR: read by id of {count:,} resources through HTTP, 16 connections", ">= 25,000/s", f"{rate:,.0f}/s, p99 {p99}; {resident:.0f} MB resident",
                 f"hello through the worker pool {hello:,.0f}/s", rate >= 25_000)

    def fhir_reads(self, folder):
        """Of the store that fhir_store_bench left in `folder`: reads a second, their p99, answers a second without any work, megabytes of the server."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fhir", "random_paths.lua")

        def wrk(*arguments):
            output = subprocess.run(["wrk", "-t1", "-c16", "-d4", "--latency", *arguments], check=True, capture_output=True, text=True).stdout
            if "Non-2xx" in output:
                raise RuntimeError("not all can be read")
            return float(re.search(r"Requests/sec: +([\d.]+)", output).group(1)), re.search(r"99% +(\S+)", output).group(1)

        server = subprocess.Popen([self.tool("http", "http_hello_bench")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        hello = dict(server.stdout.readline().split() for _ in range(4))["pool"]
        # The index is bound to the address it was made with.
        with self.hilum(os.path.join("fhir", "population"), "--http.public_url", "http://bench.example") as (url, child):
            read = lambda: wrk("-s", script, url, "--", os.path.join(folder, "paths"))
            read()
            turns = sorted((*read(), wrk(hello)[0]) for _ in range(3))
            memory = resident_mb(child)[0]
        server.communicate()
        return *turns[1], memory

    def bench_cohort(self):
        patients = self.scale(50_000)
        folder = os.path.join(self.work, "cohort")
        output = subprocess.run([self.tool("cohort", "cohort_bench"), folder, "--patients", str(patients)], check=True, stdout=subprocess.PIPE, text=True).stdout
        shutil.rmtree(folder, ignore_errors=True)
        got = {line.pop("what"): line for line in map(json.loads, output.splitlines())}
        filled = got.pop("filled")
        size = f"{filled['resources']:,.0f} resources, {filled['instances']:,.0f} instances"
        for name, one in got.items():
            self.row(f"cohort: {name}; {size}", "<= 50 ms at 1,000,000 and 1,000,000", f"p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms, with counts of images",
                     f"{one['times_faster']:,.0f} times faster than reading every resource that matters, {one['every_resource_ms']:,.0f} ms; the same {one['patients']:.0f} patients",
                     one["p99_ms"] <= 50, "yes" if filled["resources"] >= 1_000_000 else "at this size")


ROWS = ["stow", "linking", "small", "retrieve", "search", "metadata", "frames", "pictures", "memory", "reader", "hello", "fhir", "cohort"]


def table(rows):
    lines = ["| what | must reach | measured | reference in the same run | reached |", "|---|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--only", help="comma-separated: " + ",".join(ROWS))
    parser.add_argument("--write", metavar="FILE", help="puts the table between the markers of this file")
    parser.add_argument("--work", help="folder for data; on the disk that is to be measured")
    parser.add_argument("--quick", action="store_true", help="an eighth of the work: to try the script, not to quote")
    parser.add_argument("--resources", type=int, help="of the FHIR rows; default 200,000")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="hilum-bench-", dir=options.work or os.path.abspath(options.build))
    bench = Bench(os.path.abspath(options.build), work, options.quick, options.resources)
    try:
        for name in options.only.split(",") if options.only else ROWS:
            getattr(bench, "bench_" + name)()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\n" + table(bench.rows))
    if options.write:
        begin, end = "<!-- table: tests/bench/run.py -->\n", "<!-- end of table -->"
        with open(options.write) as text:
            content = text.read()
        head, rest = content.split(begin)
        with open(options.write, "w") as out:
            out.write(head + begin + table(bench.rows) + "\n" + end + rest.split(end)[1])
    return 1 if any(row[4] == "**no**" for row in bench.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
