#!/usr/bin/env python3
"""Measures Hilum against peers and physical limits in one run, and prints the table of docs/performance.md.

Every figure is a ratio to a reference measured minutes before or after on the same machine, because absolute times on shared machines mean little.

    tests/bench/run.py --build build/release [--only stow,retrieve,...] [--write docs/performance.md] [--quick]
"""
import argparse
import os
import shutil
import sys
import tempfile

import reading
import records
import storing
from harness import Bench

ROWS = {"stow": storing.stow, "linking": storing.linking, "small": storing.small, "retrieve": reading.retrieve, "search": reading.search,
        "metadata": reading.metadata, "frames": reading.frames, "pictures": reading.pictures, "memory": storing.memory, "reader": storing.reader,
        "hello": reading.hello, "fhir": records.fhir, "cohort": records.cohort}


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
            ROWS[name](bench)
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
