"""Rows about reading over HTTP: searches, metadata, frames, pictures, and answers without any work."""
import concurrent.futures
import http.client
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import urllib.request

import made_dicom
from harness import wait_for, wait_until


def retrieve(bench):
    count, size = 500, 516 * 1024
    with bench.hilum("retrieve") as (url, _):
        bench.stow(url, 1, count, size, per_series=count, run=77)
        series = json.loads(wait_for(url + "/dicom-web/series"))[0]["00081190"]["Value"][0]
        root = os.path.join(bench.work, "www")
        os.makedirs(root)
        urllib.request.urlretrieve(series, os.path.join(root, "series.bin"))
        with bench.nginx(root) as peer:
            pairs = []
            for _ in range(5):
                ours = bench.load("get", "--clients", 2, "--requests", 4, "--accept", 'multipart/related; type="application/dicom"', series)["mb_per_s"]
                theirs = bench.load("get", "--clients", 2, "--requests", 4, peer + "/series.bin")["mb_per_s"]
                pairs.append((ours, theirs))
    ratio = statistics.median(o / t for o, t in pairs)
    bench.row("whole-series retrieve (500 instances, 264 MB), 2 clients", ">= 0.8 of nginx sending the same bytes as one file",
              f"{ratio:.2f} ({statistics.median(o for o, _ in pairs):.0f} MB/s)", f"nginx {statistics.median(t for _, t in pairs):.0f} MB/s", ratio >= 0.8)
    shutil.rmtree(os.path.join(bench.work, "retrieve"), ignore_errors=True)


def search(bench):
    instances = bench.scale(100_000)
    with bench.hilum("search") as (url, _):
        bench.stow(url, 4, instances // 4 // 50, 2048, batch=50, per_series=25, per_study=2)
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
        listing = os.path.join(bench.work, "urls")
        with open(listing, "w") as out:
            out.write("\n".join(urls))
        ask = lambda requests: bench.load("get", "--clients", 4, "--requests", requests, "@" + listing)
        ask(200)
        turns = [ask(bench.scale(1000)) for _ in range(5)]
        total = len(json.loads(wait_for(base + "/studies?limit=5000")))
    shutil.rmtree(os.path.join(bench.work, "search"), ignore_errors=True)
    p99, p50, rate = (statistics.median(turn[key] for turn in turns) for key in ("p99_ms", "p50_ms", "answers_per_s"))
    bench.row(f"QIDO study search among {instances:,} instances ({total:,} studies), 4 clients", "p99 <= 5 ms",
              f"p99 {p99:.2f} ms, p50 {p50:.2f} ms, {rate:.0f}/s", "time through HTTP", p99 <= 5)


def metadata(bench):
    count = bench.scale(500)
    series = f"/dicom-web/studies/{made_dicom.STUDY}/series/{made_dicom.SERIES}"

    def connect(url):
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=300)
        for first in range(1, count + 1, 50):
            kind, body = made_dicom.multipart(range(first, min(first + 50, count + 1)))
            bench.fetch(connection, "/dicom-web/studies", {"Content-Type": kind, "Accept": "application/dicom+json"}, body)
        return connection

    # Orthanc keeps no document ready; the median of three is after its caches are warm.
    peer, path = 0, series + "/metadata"
    with bench.orthanc() as url:
        if url:
            connection = connect(url)
            peer = statistics.median(bench.fetch(connection, path, {"Accept": "application/dicom+json"})[0] for _ in range(3))
    figures = {}
    with bench.hilum("metadata", "--metadata.prepare_after", "1h") as (url, _):
        connection = connect(url)
        for coding in ("zstd", "gzip"):
            cold, warm = [], []
            for turn in range(5):
                # Documents are kept for each name of the server: another name is a cold one.
                head = {"Accept-Encoding": coding, "Host": f"{coding}{turn}.example"}
                cold.append(bench.fetch(connection, path, head)[0])
                warm += [bench.fetch(connection, path, head)[0] for _ in range(10)]
            figures[coding] = statistics.median(cold), statistics.median(warm)
        plain = {"Accept-Encoding": "identity", "Host": "zstd0.example"}
        size = bench.fetch(connection, path, plain)[1]
        identity = statistics.median(bench.fetch(connection, path, plain)[0] for _ in range(21))
        search = statistics.median(bench.fetch(connection, f"{series}/instances?limit={count}", {})[0] for _ in range(5))
        thumbnail = statistics.median(bench.fetch(connection, series + "/thumbnail", {})[0] for _ in range(21))
    with bench.hilum("prepared", "--metadata.prepare_after", "1s") as (url, _):
        connection = connect(url)
        wait_until(lambda: b'hilum_prepared_series_total{outcome="ready"} 1' in wait_for(url + "/metrics"))
        first = bench.fetch(connection, path, {"Accept-Encoding": "zstd"})[0]
    for name in ("metadata", "prepared"):
        shutil.rmtree(os.path.join(bench.work, name), ignore_errors=True)
    what = f"metadata of a series of {count} instances ({size / 1e6:.1f} MB of JSON)"
    for coding, (cold, warm) in figures.items():
        bench.row(f"{what}, {coding}, nothing ready", "<= 40 ms", f"{cold * 1e3:.1f} ms", "time through HTTP", cold <= 0.04)
        bench.row(f"the same, {coding}, ready", "<= 5 ms", f"{warm * 1e3:.1f} ms", "time through HTTP", warm <= 0.005)
    bench.row("the same, not compressed, ready", "<= 5 ms", f"{identity * 1e3:.1f} ms", "time through HTTP", identity <= 0.005)
    bench.row("the same, first request after background preparation, zstd", "<= 5 ms", f"{first * 1e3:.1f} ms", "time through HTTP", first <= 0.005)
    if peer:
        warm = figures["zstd"][1]
        bench.row("the same against Orthanc", ">= 50 times", f"{peer / warm:.0f} times", f"Orthanc {peer * 1e3:.0f} ms", peer / warm >= 50)
    bench.row(f"instance search of that series, {count} rows", "<= 20 ms", f"{search * 1e3:.1f} ms", "time through HTTP", search <= 0.02)
    bench.row("thumbnail of that series, ready", "<= 1 ms", f"{thumbnail * 1e3:.2f} ms", "time through HTTP", thumbnail <= 0.001)


def frames(bench):
    count, clients, rounds = bench.scale(500), 6, 6
    frame = 512 * 1024
    root = os.path.join(bench.work, "frames-www")
    os.makedirs(root)
    for n in range(count):
        with open(f"{root}/{n}", "wb") as out:
            out.write(random.Random(n).randbytes(frame))
    accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    requests = max(1, count // clients * 2)

    def listing(name, urls):
        path = os.path.join(bench.work, name)
        with open(path, "w") as out:
            out.write("\n".join(urls))
        return "@" + path

    def series(url):
        """URLs of the first frame of every instance of one series, just stored."""
        bench.stow(url, 1, count, frame, per_series=count, run=78)
        path = json.loads(wait_for(url + "/dicom-web/instances?limit=1"))[0]
        study, one = (path[tag]["Value"][0] for tag in ("0020000D", "0020000E"))
        with urllib.request.urlopen(f"{url}/dicom-web/studies/{study}/series/{one}/instances?limit={count}", timeout=120) as answer:
            rows = json.load(answer)
        return [f"{url}/dicom-web/studies/{study}/series/{one}/instances/{row['00080018']['Value'][0]}/frames/1" for row in rows]

    get = lambda urls, requests, **flags: bench.load("get", "--clients", clients, "--requests", requests, "--accept", accept,
                                                     *(part for key, value in flags.items() for part in ("--" + key, value)), urls)
    with bench.hilum("frames") as (url, _), bench.nginx(root) as peer:
        urls = series(url)
        ours_urls, peer_urls = listing("frame-urls", urls), listing("file-urls", [f"{peer}/{n}" for n in range(count)])
        pairs = []
        for turn in range(rounds):
            pair = get(ours_urls, requests), get(peer_urls, requests)
            if turn > 0:  # the first one fills caches
                pairs.append(pair)
        viewers(bench, url, ours_urls)
    shutil.rmtree(os.path.join(bench.work, "frames"), ignore_errors=True)
    shutil.rmtree(root)
    ratio = statistics.median(o["mb_per_s"] / t["mb_per_s"] for o, t in pairs)
    rate, p99 = (statistics.median(o[key] for o, _ in pairs) for key in ("answers_per_s", "p99_ms"))
    nginx, nginx_p99 = (statistics.median(t[key] for _, t in pairs) for key in ("answers_per_s", "p99_ms"))
    what = "frames of 512 KiB in their stored syntax, 6 connections"
    bench.row(what, ">= 0.8 of nginx sending the same bytes", f"{ratio:.2f} ({rate:.0f}/s)", f"nginx {nginx:.0f}/s", ratio >= 0.8)
    bench.row("the same", "p99 <= 3 ms", f"p99 {p99:.2f} ms", f"nginx p99 {nginx_p99:.2f} ms", p99 <= 3)
    with bench.orthanc() as url:
        if url:
            peer = get(listing("orthanc-urls", series(url)), max(1, requests // 8))["answers_per_s"]
            bench.row("the same against Orthanc", ">= 8 times", f"{rate / peer:.1f} times", f"Orthanc {peer:.0f}/s", rate >= 8 * peer)


def viewers(bench, url, frame_urls):
    """16 viewers that play a stack at 30 frames a second each, while 4 modalities store as fast as they can."""
    viewers, rate, seconds, size = 16, 30, 4, 516 * 1024
    play = lambda: bench.load("get", "--clients", viewers, "--requests", rate * seconds, "--rate", rate, "--accept",
                              'multipart/related; type="application/octet-stream"; transfer-syntax=*', frame_urls)
    store = lambda requests: bench.stow(url, 4, requests, size)["mb_per_s"]
    pace = store(bench.scale(100)) * 1e6 / size / 4  # requests a second of one modality
    requests = max(10, int(pace * seconds * 0.9))
    kept, p99 = [], []
    for _ in range(3):
        alone = store(requests)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            playing, storing = pool.submit(play), pool.submit(store, requests)
            kept.append(storing.result() / alone)
            p99.append(playing.result()["p99_ms"])
    kept, p99 = statistics.median(kept), statistics.median(p99)
    bench.row(f"{viewers} viewers, {rate} frames/s each of a CT of 512 KiB slices, while 4 modalities store", "frame p99 <= 10 ms", f"p99 {p99:.2f} ms",
              "time from when the frame was due", p99 <= 10)
    bench.row("what the stores keep of their rate meanwhile", ">= 0.8", f"{kept:.2f}", "the same stores without viewers", kept >= 0.8)


def pictures(bench):
    folder = os.path.join(bench.work, "pictures")
    os.makedirs(folder)

    def codec_alone():
        """Milliseconds in process, and what is decoded in `folder`."""
        output = subprocess.run([bench.tool("pixel", "pixel_bench"), "", folder], check=True, capture_output=True, text=True).stdout
        return {name: float(re.search(name + r" frame.*?codec.*?median +([\d.]+)\)", output).group(1)) for name in ("JPEG 2000", "HTJ2K")}

    codec_alone()  # writes what is stored
    syntaxes = {"native": "1.2.840.10008.1.2.1", "JPEG 2000": "1.2.840.10008.1.2.4.90", "HTJ2K": "1.2.840.10008.1.2.4.201"}
    explicit = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'
    with bench.hilum("pictured") as (url, _):
        paths, instances = {}, []
        for number, (name, syntax) in enumerate(syntaxes.items()):
            study = f"2.25.79{number}"
            paths[name] = f"{url}/dicom-web/studies/{study}/series/{study}.1/instances/{study}.1.1"
            with open(os.path.join(folder, syntax), "rb") as coded:
                instances.append(made_dicom.picture(study, syntax, coded.read()))
        kind, body = made_dicom.as_multipart(instances)
        bench.fetch(http.client.HTTPConnection(url.removeprefix("http://")), "/dicom-web/studies", {"Content-Type": kind}, body)
        time_of = lambda path, accept, requests=60: bench.load("get", "--clients", 1, "--requests", requests, "--accept", accept, path)["p50_ms"]
        # In turns, one after the other: the processor of a shared machine changes its pace within seconds.
        # Those of a millisecond are more, so that a turn is longer than it takes processes to find their processor.
        turns = [(codec_alone(), {name: time_of(paths[name] + "/frames/1", explicit, requests) for name, requests in (("JPEG 2000", 60), ("HTJ2K", 400))})
                 for _ in range(7)]
        codec = {name: statistics.median(alone[name] for alone, _ in turns) for name in turns[0][0]}
        for name, alone in codec.items():
            ratio = statistics.median(frames[name] / before[name] for before, frames in turns)
            ours = statistics.median(frames[name] for _, frames in turns)
            bench.row(f"frame of 512x512x16, {name} to explicit little endian", "<= codec time alone + 15 %", f"{ratio:.2f} of it ({ours:.2f} ms)",
                      f"codec in process {alone:.2f} ms, {len(turns)} turns of each", ratio <= 1.15)
        for name in syntaxes:
            ours, alone = time_of(paths[name] + "/rendered", "image/jpeg"), codec.get(name, 0)
            bench.row(f"rendered JPEG of 512x512, stored as {name}", "<= 5 ms" + (" and the codec's time" if alone else ""), f"{ours:.2f} ms",
                      f"codec in process {alone:.2f} ms" if alone else "time through HTTP", ours <= 5 + alone)
        warm = time_of(paths["native"] + "/thumbnail", "image/jpeg")
        bench.row("thumbnail of an instance, made before", "<= 1 ms", f"{warm:.2f} ms", "time through HTTP", warm <= 1)
    shutil.rmtree(os.path.join(bench.work, "pictured"), ignore_errors=True)


def hello(bench):
    wrk = lambda url: float(next(line.split()[1] for line in subprocess.run(["wrk", "-t1", "-c16", "-d4", url], check=True, capture_output=True, text=True)
                                 .stdout.splitlines() if "Requests/sec" in line))
    root = os.path.join(bench.work, "hello")
    os.makedirs(root)
    with open(root + "/hello", "w") as out:
        out.write("hello\n")
    server = subprocess.Popen([bench.tool("http", "http_hello_bench")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    urls = dict(server.stdout.readline().split() for _ in range(4))
    with bench.nginx(root) as peer:
        turns = [(wrk(urls["inline"]), wrk(urls["bare"]), wrk(urls["pool"]), wrk(peer + "/hello")) for _ in range(5)]
    server.communicate()
    ours, seam, pool, nginx = (statistics.median(column) for column in zip(*turns))
    ratio = statistics.median(turn[0] / turn[1] for turn in turns)
    bench.row("hello, 16 connections", ">= 0.9 of the bare event layer", f"{ratio:.2f} ({ours:.0f}/s; {pool:.0f}/s through the worker pool)",
              f"bare layer {seam:.0f}/s", ratio >= 0.9)
    bench.row("hello against nginx sending a small file", "ahead", f"{ours / nginx:.2f} times", f"nginx {nginx:.0f}/s", ours > nginx)
