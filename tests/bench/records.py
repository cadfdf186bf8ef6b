"""Rows about records: loads of FHIR, searches, reads, and cohorts."""
import json
import os
import re
import shutil
import subprocess

from harness import resident_mb


def fhir(bench):
    count = bench.resources or bench.scale(200_000)
    synthea = os.path.join(bench.test_data(), "fhir", "synthea")
    extra = ["--synthea", synthea] if os.path.isdir(synthea) else []
    folder = os.path.join(bench.work, "fhir")
    output = subprocess.run([bench.tool("fhir", "fhir_store_bench"), folder, "--resources", str(count), "--keep", "1", *extra], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    through_http = fhir_reads(bench, folder)
    shutil.rmtree(folder, ignore_errors=True)
    got = {line.pop("what"): line for line in map(json.loads, output.splitlines())}

    def load(name, what, least, unit):
        if name not in got:
            print(f"left out: {what}: no {synthea}")
            return
        one = got[name]
        bench.row(f"FHIR: {what}, in process", f">= {least:,} {unit}/s",
                  f"{one['per_s']:,.0f}/s in {one['seconds']:.1f} s, {one['per_s'] / one['limit_per_s']:.3f} of the reference; "
                  f"{one['cpu_us']:.0f} us of processor each",
                  f"simdjson + append + shared fdatasync of the same {one['json_bytes']:.0f} bytes each: {one['limit_per_s']:,.0f}/s, "
                  f"{one['limit_cpu_us']:.1f} us of processor", one["per_s"] >= least)

    def search(name, what, quantile, most, size=0):
        """`size`: for how many resources the target is meant."""
        one = got[name]
        scope = f" at {size:,} resources" if size else ""
        bench.row(f"FHIR: {what}, {count:,} resources", f"{quantile} <= {most} ms{scope}", f"p50 {one['p50_ms']:.2f} ms, p99 {one['p99_ms']:.2f} ms",
                  f"time in process{', at most %d hits' % one['most_hits'] if 'most_hits' in one else ''}", one[quantile + "_ms"] <= most,
                  "yes" if count >= size else "at this size")

    load("synthea", "transactions of Synthea bundles, 2 clients", 15_000, "resources")
    load("import", f"import of {count:,} resources, 2 threads", 40_000, "resources")
    load("small transactions", "transactions of two resources, 32 clients", 3_000, "transactions")
    read = got["read by id"]
    bench.row("FHIR: read by id, 2 threads", "no target", f"{read['per_s']:,.0f}/s, p50 {1e3 * read['p50_ms']:.0f} us, p99 {1e3 * read['p99_ms']:.0f} us",
              "time in process", True, "-")
    for name, most in (("count by code", 5), ("count by code and date", 10), ("count by code and quantity", 10)):
        search(name, name, "p50", most, 10_000_000)
    search("first page by date", "first page of 50 by date", "p99", 10)
    far = got["far page by date"]
    search("far page by date", f"page {far['page']:.0f} by date", "p99", 10)
    ratio = far["p50_ms"] / far["first_p50_ms"]
    bench.row(f"FHIR: page {far['page']:.0f} beside page 1, {count:,} resources", "<= 1.2 of its time", f"{ratio:.2f}",
              f"page 1: p50 {far['first_p50_ms']:.2f} ms", ratio <= 1.2)
    listed = got["listed first pages"]
    bench.row(f"FHIR: first page of 50, {listed['searches']:.0f} listed searches in 5 orders each, the slowest; {count:,} resources",
              "p99 <= 10 ms at 1,000,000 resources",
              f"p50 {listed['p50_ms']:.2f} ms, p99 {listed['p99_ms']:.2f} ms: `{listed['text'].replace('|', chr(92) + '|')}`",
              f"all of them: p50 {listed['all_p50_ms']:.2f} ms, p99 {listed['all_p99_ms']:.2f} ms; time in process", listed["p99_ms"] <= 10,
              "yes" if count >= 1_000_000 else "at this size")
    search("chain", "chain", "p99", 50)
    search("_has", "_has", "p99", 50)
    size, json_size = got["disk"]["bytes_per_resource"], got["import"]["json_bytes"]
    bench.row("FHIR: disk after compaction, versions, history and index", "<= 450 bytes/resource",
              f"{size:.0f} bytes, {size / json_size:.2f} of the JSON", f"JSON alone {json_size:.0f} bytes", size <= 450)
    memory = got["memory"]
    bench.row(f"FHIR: memory after these loads and searches, {count:,} resources", "<= 1,536 MB at 10,000,000 resources",
              f"{memory['resident_mb']:.0f} MB, peak {memory['peak_mb']:.0f} MB", "the benchmark's own included", memory["peak_mb"] <= 1536,
              "yes" if count >= 10_000_000 else "at this size")
    rate, p99, hello, resident = through_http
    bench.row(f"FHIR: read by id of {count:,} resources through HTTP, 16 connections", ">= 25,000/s", f"{rate:,.0f}/s, p99 {p99}; {resident:.0f} MB resident",
              f"hello through the worker pool {hello:,.0f}/s", rate >= 25_000)


def fhir_reads(bench, folder):
    """Of the store that fhir_store_bench left in `folder`: reads a second, their p99, answers a second without any work, megabytes of the server."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fhir", "random_paths.lua")

    def wrk(*arguments):
        output = subprocess.run(["wrk", "-t1", "-c16", "-d4", "--latency", *arguments], check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in output:
            raise RuntimeError("not all can be read")
        return float(re.search(r"Requests/sec: +([\d.]+)", output).group(1)), re.search(r"99% +(\S+)", output).group(1)

    server = subprocess.Popen([bench.tool("http", "http_hello_bench")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    hello = dict(server.stdout.readline().split() for _ in range(4))["pool"]
    # The index is bound to the address it was made with.
    with bench.hilum(os.path.join("fhir", "population"), "--http.public_url", "http://bench.example") as (url, child):
        read = lambda: wrk("-s", script, url, "--", os.path.join(folder, "paths"))
        read()
        turns = sorted((*read(), wrk(hello)[0]) for _ in range(3))
        memory = resident_mb(child)[0]
    server.communicate()
    return *turns[1], memory


def cohort(bench):
    patients = bench.scale(50_000)
    folder = os.path.join(bench.work, "cohort")
    output = subprocess.run([bench.tool("cohort", "cohort_bench"), folder, "--patients", str(patients)], check=True, stdout=subprocess.PIPE, text=True).stdout
    shutil.rmtree(folder, ignore_errors=True)
    got = {line.pop("what"): line for line in map(json.loads, output.splitlines())}
    filled = got.pop("filled")
    size = f"{filled['resources']:,.0f} resources, {filled['instances']:,.0f} instances"
    for name, one in got.items():
        bench.row(f"cohort: {name}; {size}", "<= 50 ms at 1,000,000 and 1,000,000",
                  f"p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms, with counts of images",
                  f"{one['times_faster']:,.0f} times faster than reading every resource that matters, {one['every_resource_ms']:,.0f} ms; "
                  f"the same {one['patients']:.0f} patients",
                  one["p99_ms"] <= 50, "yes" if filled["resources"] >= 1_000_000 else "at this size")
