"""A CT series whose headers are as long as those of scanners: about 15 kB of DICOM JSON an instance, most of it different from instance to instance;
single pictures of a given coding; and tiny instances."""
import struct

CT = "1.2.840.10008.5.1.4.1.1.2"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
STUDY, SERIES = "2.25.77", "2.25.77.1"
LONG_LENGTHS = ("OB", "OW", "SQ", "UN", "UT")


def element(group, number, vr, value):
    value = value.encode() if isinstance(value, str) else value
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    length = b"\0\0" + struct.pack("<I", len(value)) if vr in LONG_LENGTHS else struct.pack("<H", len(value))
    return struct.pack("<HH", group, number) + vr.encode() + length + value


def instance(n, side=64):
    uid = f"{SERIES}.{n}"
    short = lambda number, value: element(0x28, number, "US", struct.pack("<H", value))
    references = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(item)) + item
                          for item in (element(8, 0x1150, "UI", CT) + element(8, 0x1155, "UI", f"2.25.{n}.{k}") for k in range(60)))
    private = b"".join(element(0x29, 0x1000 + k, "DS", f"{n * 0.37 + k * 1.13:.6f}\\{k * n * 0.01:.4f}\\{(n ^ k) * 3.3:.3f}") for k in range(110))
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", CT) + element(2, 3, "UI", uid) + element(2, 0x10, "UI", "1.2.840.10008.1.2.1")
    data = b"".join([
        element(8, 5, "CS", "ISO_IR 100"), element(8, 0x16, "UI", CT), element(8, 0x18, "UI", uid), element(8, 0x20, "DA", "20240101"),
        element(8, 0x60, "CS", "CT"), element(8, 0x1140, "SQ", references), element(0x10, 0x10, "PN", "Bench^Anna"), element(0x10, 0x20, "LO", "BENCH-1"),
        element(0x18, 0x50, "DS", "1.25"), element(0x20, 0xD, "UI", STUDY), element(0x20, 0xE, "UI", SERIES), element(0x20, 0x13, "IS", str(n)),
        element(0x20, 0x32, "DS", f"-120.5\\-110.25\\{n * 1.25}"), short(2, 1), element(0x28, 4, "CS", "MONOCHROME2"), short(0x10, side), short(0x11, side),
        short(0x100, 16), short(0x101, 16), short(0x102, 15), short(0x103, 0), element(0x29, 0x10, "LO", "BENCH"), private,
        element(0x7FE0, 0x10, "OW", bytes((n * i) % 251 for i in range(side * side * 2)))])
    return b"\0" * 128 + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta + data


def picture(study, syntax, frame, side=512):
    """An instance of one frame of `side` squared 16 bit pixels, coded in that transfer syntax."""
    short = lambda number, value: element(0x28, number, "US", struct.pack("<H", value))
    uid = study + ".1.1"
    frame += b"\0" * (len(frame) % 2)
    item = lambda size: b"\xfe\xff\x00\xe0" + struct.pack("<I", len(size)) + size
    pixels = (element(0x7FE0, 0x10, "OW", frame) if syntax == "1.2.840.10008.1.2.1" else
              struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + item(b"") + item(frame) + b"\xfe\xff\xdd\xe0\0\0\0\0")
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", CT) + element(2, 3, "UI", uid) + element(2, 0x10, "UI", syntax)
    data = b"".join([
        element(8, 0x16, "UI", CT), element(8, 0x18, "UI", uid), element(8, 0x60, "CS", "CT"), element(0x20, 0xD, "UI", study),
        element(0x20, 0xE, "UI", study + ".1"), short(2, 1), element(0x28, 4, "CS", "MONOCHROME2"), short(0x10, side), short(0x11, side),
        short(0x100, 16), short(0x101, 16), short(0x102, 15), short(0x103, 1), element(0x28, 0x1050, "DS", "40"), element(0x28, 0x1051, "DS", "400"), pixels])
    return b"\0" * 128 + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta + data


def tiny_instance(study, number, side=8):
    """A secondary capture of `side` squared 8 bit pixels."""
    uid = f"{study}.4.{number}"
    short = lambda number, value: element(0x28, number, "US", struct.pack("<H", value))
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", CAPTURE) + element(2, 3, "UI", uid) + element(2, 0x10, "UI", "1.2.840.10008.1.2.1")
    data = b"".join([
        element(8, 0x16, "UI", CAPTURE), element(8, 0x18, "UI", uid), element(8, 0x20, "DA", "20260301"), element(8, 0x60, "CS", "OT"),
        element(0x10, 0x20, "LO", "BENCH"), element(0x20, 0xD, "UI", study), element(0x20, 0xE, "UI", study + ".4"), element(0x20, 0x13, "IS", str(number)),
        short(2, 1), element(0x28, 4, "CS", "MONOCHROME2"), short(0x10, side), short(0x11, side), short(0x100, 8), short(0x101, 8),
        short(0x102, 7), short(0x103, 0), element(0x7FE0, 0x10, "OB", bytes(side * side))])
    return b"\0" * 128 + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta + data


def multipart(numbers):
    """Content type and body of one STOW request."""
    return as_multipart(instance(n) for n in numbers)


def as_multipart(instances):
    parts = b"".join(b"--frontier\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in instances)
    return 'multipart/related; type="application/dicom"; boundary=frontier', parts + b"--frontier--\r\n"
