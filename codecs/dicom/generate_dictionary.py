#!/usr/bin/env python3
"""Turns DCMTK's text form of the DICOM data dictionary (PS3.6) into C++ tables for dictionary.cc.

usage: generate_dictionary.py dicom.dic output.inc
"""
import re
import sys

# How DCMTK writes "one of several VRs": the first one PS3.6 names, and the choice.
CHOICES = {
    "xs": ("US", "kUsOrSs"),
    "ox": ("OB", "kObOrOw"),
    "px": ("OB", "kObOrOw"),
    "lt": ("US", "kUsOrOw"),
    "up": ("UL", "kOne"),
}
SLOT_BITS = 14  # as in dictionary.cc
LINE = re.compile(r"\(([0-9A-Fa-f]{4})(?:-[0-9A-Fa-f]{4})?,([0-9A-Fa-f]{4})(?:-[0-9A-Fa-f]{4})?\)$")


def read_entries(path):
    entries = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#") or len(fields) < 4:
                continue
            match = LINE.match(fields[0])  # ranges that mean "any group" (-o-, -u-) are rules, not entries
            if not match or fields[1] == "na":
                continue
            tag = int(match[1], 16) << 16 | int(match[2], 16)
            vr, choice = CHOICES.get(fields[1], (fields[1], "kOne"))
            keyword = fields[2].removeprefix("RETIRED_")
            entries.setdefault(tag, (vr, choice, keyword))
    return sorted(entries.items())


def slots_of(entries):
    size = 1 << SLOT_BITS
    slots = [0] * size
    for index, (tag, _) in enumerate(entries):
        slot = (tag * 0x9E3779B1 & 0xFFFFFFFF) >> (32 - SLOT_BITS)
        while slots[slot]:
            slot = (slot + 1) % size
        slots[slot] = index + 1
    return slots


def rows(numbers):
    for begin in range(0, len(numbers), 24):
        yield ",".join(map(str, numbers[begin:begin + 24])) + ",\n"


def main():
    source, target = sys.argv[1:]
    entries = read_entries(source)
    if len(entries) < 4000:
        sys.exit(f"{source}: only {len(entries)} entries: not the DICOM data dictionary")
    by_keyword = sorted(range(len(entries)), key=lambda index: entries[index][1][2])
    with open(target, "w", encoding="ascii") as out:
        out.write(f"constexpr int kSlotBits = {SLOT_BITS};\n")
        out.write("constexpr DictionaryEntry kEntries[] = {\n")
        for tag, (vr, choice, keyword) in entries:
            out.write(f'{{{{0x{tag >> 16:04X},0x{tag & 0xFFFF:04X}}},"{vr}","{keyword}",VrChoice::{choice}}},\n')
        out.write("};\n// Index + 1 into kEntries, 0: free.\nconstexpr uint16_t kSlots[] = {\n")
        out.writelines(rows(slots_of(entries)))
        out.write("};\nconstexpr uint16_t kByKeyword[] = {\n")
        out.writelines(rows(by_keyword))
        out.write("};\n")


main()
