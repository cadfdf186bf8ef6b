#!/usr/bin/python3
"""Compares our DICOM JSON with pydicom's, element by element, for every sample file.

usage: json_vs_pydicom.py path/to/dicom_json_dump folder...      exit 77: pydicom or the files are absent
Bulk values are compared by their presence only; every other difference must be one of the justified ones below.
"""
import json
import math
import os
import struct
import subprocess
import sys
import warnings

try:
    import pydicom
except ImportError:
    print("python3-pydicom is absent")
    sys.exit(77)

warnings.simplefilter("ignore")
SKIPPED = (".tsv", ".md", ".txt", ".json", ".dump", ".gz", "README")

# Files of which one side cannot or must not make the same JSON, and why.
EXCEPTIONS = {
    "Deeply-Nested-Sequence.dcm": "pydicom runs out of stack; we refuse it",
    "MR_truncated.dcm": "we refuse pixel data that break off",
    "rtplan_truncated.dcm": "we refuse a sequence that breaks off",
    "no_meta.dcm": "a byte is missing at the front",
    "DICOMDIR-nooffset": "we refuse an item that breaks off",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "pydicom drops fragments without a final delimiter",
    "badVR.dcm": "pydicom stops at the number string '1A'",
}


def sample_files(folders):
    for folder in folders:
        for base, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if not name.endswith(SKIPPED):
                    yield os.path.join(base, name)


def our_json(dump, paths):
    lines = subprocess.run([dump, *paths], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8").split("\n")
    return lines[:len(paths)]


def value_of(element):
    """The values of a pydicom element as DICOM JSON has them."""
    vr, value = element.VR, element.value
    if value is None or value == "" or value == b"":
        return []
    values = list(value) if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
    if vr == "SQ":
        return [dict_of(item) for item in values]
    if vr == "AT":
        return ["%08X" % int(v) for v in values]
    if vr == "PN":
        names = []
        for name in values:
            groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), str(name).split("=", 2)))
            names.append({k: v.strip(" \0") for k, v in groups.items() if v.strip(" \0")} or None)
        return names
    if vr in ("DS", "IS"):
        return [None if v in ("", None) else float(v) for v in values]
    if vr in ("FL", "FD"):
        return [v for v in values]
    if isinstance(values[0], (int, float)):
        return values
    texts = [str(v).strip(" \0") if vr not in ("ST", "LT", "UT", "UC", "UR") else str(v).rstrip(" \0") for v in values]
    return [] if texts == [""] else [t or None for t in texts]


BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}


def dict_of(data_set):
    members = {}
    for element in data_set:
        tag = element.tag
        if tag.element == 0 or tag.group in (0, 2) or tag == 0xFFFCFFFC:
            continue
        bulk = element.VR in BULK or " or " in element.VR
        members["%08X" % tag] = (element.VR, None if bulk else value_of(element))
    return members


def same_number(a, b, vr):
    if isinstance(a, str):
        return str(b) == a or a == {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(b).lower())
    if vr == "FL":  # ours are the shortest digits that give the same 32-bit number
        return a == b or struct.pack("f", a) == struct.pack("f", b)
    return a == b or math.isclose(a, b, rel_tol=1e-15)


def same_value(ours, theirs, vr):
    if ours is None or theirs is None:
        return ours is theirs
    if isinstance(theirs, (int, float)):
        return same_number(ours, theirs, vr)
    return ours == theirs


def compare(ours, theirs, place, report):
    for tag in sorted(set(ours) | set(theirs)):
        where = place + "/" + tag
        if tag not in ours or tag not in theirs:
            report(where, "only ours" if tag in ours else "only pydicom's", ours.get(tag), theirs.get(tag))
            continue
        vr, values = theirs[tag]
        mine = ours[tag]
        if mine["vr"] != vr and not justified_vr(tag, mine["vr"], vr):
            report(where, "vr", mine, theirs[tag])
        elif vr == "SQ" and mine["vr"] == "SQ":
            items = mine.get("Value", [])
            if len(items) != len(values):
                report(where, "items", len(items), len(values))
            for index, (a, b) in enumerate(zip(items, values)):
                compare(a, b, "%s[%d]" % (where, index), report)
        elif mine["vr"] == vr and values is not None:
            got = mine.get("Value", [])
            if len(got) != len(values) or not all(same_value(a, b, vr) for a, b in zip(got, values)):
                report(where, "values", got, values)


def justified_vr(tag, ours, theirs):
    # One of several that PS3.6 allows, as PS3.5 A.1 says for implicit VR; pydicom leaves them open.
    if " or " in theirs:
        return ours in theirs.split(" or ")
    # Private elements in implicit VR: pydicom has private dictionaries.
    return ours == "UN" and int(tag[3], 16) % 2 == 1


def main():
    dump, folders = sys.argv[1], sys.argv[2:]
    paths = list(sample_files(folders))
    if not paths:
        print("no sample files")
        sys.exit(77)
    differences = compared = 0
    for path, line in zip(paths, our_json(dump, paths)):
        if path.endswith(tuple(EXCEPTIONS)):
            continue

        def report(where, what, ours, theirs):
            nonlocal differences
            differences += 1
            print("%s%s: %s\n  ours:   %.300s\n  theirs: %.300s" % (os.path.basename(path), where, what, ours, theirs))

        if line.startswith("!"):
            report("", "refused", line, "")
            continue
        try:
            theirs = pydicom.dcmread(path, force=True)
            theirs.decode()
            theirs = dict_of(theirs)
        except Exception as error:  # pylint: disable=broad-except
            print("%s: pydicom cannot: %r" % (os.path.basename(path), error))
            continue
        compared += 1
        compare(json.loads(line), theirs, "", report)
    print("%d files compared, %d differences" % (compared, differences))
    sys.exit(1 if differences or compared < 10 else 0)


main()
