"""Small DICOM Part 10 files, made from numbers: the same numbers give the same bytes, so nothing has to be kept to compare with."""

import hashlib
import random
import struct
from dataclasses import dataclass, field

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
LONG_LENGTHS = {"OB", "OW", "SQ", "UN", "UT"}


def element(group, number, vr, value):
    if isinstance(value, str):
        value = value.encode("ascii")
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH2s", group, number, vr.encode("ascii"))
    if vr in LONG_LENGTHS:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def part10(sop_class, sop, data_set):
    meta = b"".join([
        element(0x0002, 0x0001, "OB", b"\0\1"),
        element(0x0002, 0x0002, "UI", sop_class),
        element(0x0002, 0x0003, "UI", sop),
        element(0x0002, 0x0010, "UI", EXPLICIT_LITTLE_ENDIAN),
        element(0x0002, 0x0012, "UI", "2.25.7"),
    ])
    return b"\0" * 128 + b"DICM" + element(0x0002, 0x0000, "UL", struct.pack("<I", len(meta))) + meta + data_set


@dataclass(frozen=True)
class Instance:
    """One instance to store: its place in the hierarchy and what its pixels are made from."""

    study: str
    series: str
    sop: str
    number: int
    pixel_seed: int
    side: int  # rows and columns
    digest: str = field(default="", compare=False)

    @staticmethod
    def make(study, series, sop, number, pixel_seed, octets):
        side = max(1, min(2000, int((octets / 2) ** 0.5)))
        plain = Instance(study, series, sop, number, pixel_seed, side)
        return Instance(study, series, sop, number, pixel_seed, side, hashlib.sha256(plain.to_bytes()).hexdigest())

    def to_bytes(self):
        us = lambda value: struct.pack("<H", value)
        data_set = b"".join([
            element(0x0008, 0x0016, "UI", CT_IMAGE_STORAGE),
            element(0x0008, 0x0018, "UI", self.sop),
            element(0x0008, 0x0020, "DA", "20240131"),
            element(0x0008, 0x0030, "TM", "101500"),
            element(0x0008, 0x0050, "SH", "CRASH"),
            element(0x0008, 0x0060, "CS", "CT"),
            element(0x0010, 0x0010, "PN", "Crash^Test"),
            element(0x0010, 0x0020, "LO", "CRASH-" + self.study[-4:]),
            element(0x0020, 0x000D, "UI", self.study),
            element(0x0020, 0x000E, "UI", self.series),
            element(0x0020, 0x0011, "IS", "1"),
            element(0x0020, 0x0013, "IS", str(self.number)),
            element(0x0028, 0x0002, "US", us(1)),
            element(0x0028, 0x0004, "CS", "MONOCHROME2"),
            element(0x0028, 0x0010, "US", us(self.side)),
            element(0x0028, 0x0011, "US", us(self.side)),
            element(0x0028, 0x0100, "US", us(16)),
            element(0x0028, 0x0101, "US", us(16)),
            element(0x0028, 0x0102, "US", us(15)),
            element(0x0028, 0x0103, "US", us(0)),
            element(0x7FE0, 0x0010, "OW", random.Random(self.pixel_seed).randbytes(self.side * self.side * 2)),
        ])
        return part10(CT_IMAGE_STORAGE, self.sop, data_set)
