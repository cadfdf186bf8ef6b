"""pydicom as the second opinion: it reads back what was stored, and our metadata says what it says, element by element.

The files are those that Debian's python3-pydicom brings along and, where it is there, the external test data."""
import base64
import io
import json
import math
import os
import pathlib
import re
import struct
import tempfile
import unittest
import warnings

from program import fetch, serving, wait_until

try:
    import pydicom
    from pydicom.filewriter import correct_ambiguous_vr
except ImportError:
    pydicom = None

NUMBERS = ("DS", "IS", "FL", "FD", "US", "SS", "UL", "SL", "SV", "UV")
BINARY = ("OB", "OW", "OF", "OD", "OL", "OV", "UN")


def sample_files():
    """Paths of everything that might be DICOM."""
    data = pathlib.Path(pydicom.__file__).parent / "data"
    folders = [data / "test_files", data / "charset_files"]
    if os.environ.get("TEST_DATA"):
        folders.append(pathlib.Path(os.environ["TEST_DATA"]) / "dicom")
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size < 16 << 20]


def number(vr, value):
    try:
        # The metadata has as many digits as tell one FL from the next.
        return struct.unpack("<f", struct.pack("<f", float(value)))[0] if vr == "FL" else float(value)
    except ValueError:  # "1.2.3" in a DS
        return str(value)


def text(vr, value):
    """Without the blanks that mean nothing (PS3.5 table 6.2-1)."""
    return str(value).rstrip(" \0") if vr in ("LT", "ST", "UC", "UR", "UT") else str(value).strip(" \0")


class Comparison:
    """What pydicom says about one instance against the DICOM JSON that the server gave; collects the differences."""

    def __init__(self, bulk_data):
        self.bulk_data = bulk_data  # bytes behind a BulkDataURI
        self.differences = []
        self.elements = 0

    def differ(self, place, what):
        self.differences.append(f"{place}: {what}")

    def data_set(self, theirs, ours, place=""):
        expected = {f"{tag:08X}" for tag in theirs.keys() if tag.group != 2 and tag.element != 0 and tag != 0xFFFCFFFC}
        expected |= {"7FE00010"} & ours.keys()  # pydicom leaves it out where the file breaks off
        for tag in sorted(expected ^ ours.keys()):
            self.differ(f"{place}/{tag}", "only pydicom has it" if tag in expected else "only the metadata has it")
        for tag in sorted(expected & ours.keys()):
            try:
                element = theirs[int(tag, 16)]
            except Exception:  # pydicom cannot read the value; it has no opinion
                continue
            self.elements += 1
            self.element(element, ours[tag], f"{place}/{tag}")

    def element(self, theirs, ours, place):
        if theirs.VR != ours["vr"]:
            # pydicom guesses private elements by its list of what vendors write. The file does not say it, and neither do we.
            if ours["vr"] != "UN" or not theirs.tag.is_private:
                self.differ(place, f"pydicom has VR {theirs.VR}, the metadata {ours['vr']}")
            return
        if theirs.VR == "SQ":
            items = ours.get("Value", [])
            if len(items) != len(theirs.value):
                return self.differ(place, f"pydicom has {len(theirs.value)} items, the metadata {len(items)}")
            for number, (item, our_item) in enumerate(zip(theirs.value, items)):
                self.data_set(item, our_item, f"{place}/{number}")
        elif theirs.VR in BINARY:
            self.binary(theirs.value or b"", ours, place)
        else:
            values = self.values(theirs)
            our_values = [self.our_value(theirs.VR, value) for value in ours.get("Value", [])]
            if "BulkDataURI" not in ours and not self.equal(values, our_values):
                self.differ(place, f"pydicom has {theirs.VR} {values!r:.80}, the metadata {our_values!r:.80}")

    def binary(self, octets, ours, place):
        if "BulkDataURI" in ours:
            held = octets if place == "/7FE00010" else self.bulk_data(ours["BulkDataURI"])  # pixels: see the codecs' tests
        else:
            held = base64.b64decode(ours.get("InlineBinary", ""))
        if held != octets:
            self.differ(place, f"pydicom has {len(octets)} bytes, the metadata {len(held)} or others")

    @staticmethod
    def values(element):
        value = element.value
        values = [] if value is None or value == "" else list(value) if isinstance(value, (pydicom.multival.MultiValue, list)) else [value]
        if element.VR == "PN":
            return [[group.rstrip(" ") for group in (str(v).split("=") + ["", ""])[:3]] for v in values]
        if element.VR == "AT":
            return [f"{int(v):08X}" for v in values]
        if element.VR in NUMBERS:
            return [None if v is None or v == "" else number(element.VR, v) for v in values]
        return [text(element.VR, v) for v in values]

    @staticmethod
    def our_value(vr, value):
        if vr == "PN":
            return [(value or {}).get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        if vr in NUMBERS:
            return None if value is None else number(vr, value)
        return "" if value is None else text(vr, value)

    @staticmethod
    def equal(a, b):
        same = lambda x, y: x == y or (isinstance(x, float) and isinstance(y, float) and math.isnan(x) and math.isnan(y))
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))


@unittest.skipUnless(pydicom, "there is no pydicom (apt-get install python3-pydicom)")
class PydicomTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.server = cls.enterClassContext(serving(pathlib.Path(folder.name) / "data"))
        cls.stored = {}  # path of the file -> URL of the instance
        for path in sample_files():
            status, _, body = fetch(cls.server.url + "/dicom-web/studies", "POST", path.read_bytes(), Content_Type="application/dicom", Accept="application/dicom+json")
            if status in (200, 202):
                cls.stored[path] = json.loads(body)["00081199"]["Value"][0]["00081190"]["Value"][0]

    def test_what_was_stored_comes_back(self):
        self.assertGreater(len(self.stored), 40)
        for path, url in self.stored.items():
            with self.subTest(file=path.name):
                octets = fetch(url, Accept="application/dicom; transfer-syntax=*")[2]
                original = path.read_bytes()
                if octets == original:
                    continue
                # Big endian is retired: nobody is sent it. The same elements in the other order are as good.
                theirs, ours = pydicom.dcmread(path, force=True), pydicom.dcmread(io.BytesIO(octets))
                self.assertTrue(not theirs.is_little_endian and ours.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian)
                texts = lambda data_set: [str(e) for e in data_set if e.VR not in BINARY and e.tag.element != 0]
                self.assertEqual(texts(ours), texts(theirs))

    def test_metadata_says_what_pydicom_says(self):
        bulk_data = lambda uri: fetch(uri, Accept="application/octet-stream; transfer-syntax=*")[2]
        elements = 0
        for path, url in self.stored.items():
            with self.subTest(file=path.name):
                theirs = pydicom.dcmread(path, force=True)
                [ours] = json.loads(fetch(url + "/metadata")[2])
                try:
                    correct_ambiguous_vr(theirs, theirs.is_little_endian)
                except Exception:
                    pass
                comparison = Comparison(bulk_data)
                comparison.data_set(theirs, ours)
                elements += comparison.elements
                self.assertEqual(comparison.differences, [])
        self.assertGreater(elements, 3000)


@unittest.skipUnless(pydicom, "python3-pydicom is not there")
class CodecMemoryTest(unittest.TestCase):
    def test_a_codec_process_gives_back_what_a_large_frame_took(self):
        side = 5000
        data_set = pydicom.Dataset()
        data_set.file_meta = pydicom.dataset.FileMetaDataset()
        data_set.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data_set.is_little_endian, data_set.is_implicit_VR = True, False
        data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = "2.25.1.1.1"
        data_set.StudyInstanceUID, data_set.SeriesInstanceUID = "2.25.1", "2.25.1.1"
        data_set.Rows = data_set.Columns = side
        data_set.BitsAllocated = data_set.BitsStored = 16
        data_set.HighBit, data_set.PixelRepresentation, data_set.SamplesPerPixel = 15, 0, 1
        data_set.PhotometricInterpretation = "MONOCHROME2"
        data_set.PixelData = bytes(side * side * 2)
        file = io.BytesIO()
        pydicom.dcmwrite(file, data_set, write_like_original=False)
        with tempfile.TemporaryDirectory() as folder, serving(folder) as server:
            if "tcmalloc" not in pathlib.Path(f"/proc/{server.child.pid}/maps").read_text():
                self.skipTest("a sanitizer brings its own allocator")
            self.assertEqual(fetch(server.url + "/dicom-web/studies", "POST", file.getvalue(), Content_Type="application/dicom")[0], 200)
            frame = server.url + "/dicom-web/studies/2.25.1/series/2.25.1.1/instances/2.25.1.1.1/frames/1"
            self.assertEqual(fetch(frame, Accept='multipart/related; type="image/jp2"')[0], 200)
            process = pathlib.Path(f"/proc/{server.child.pid}/task")
            (child,) = {int(child) for task in process.iterdir() for child in (task / "children").read_text().split()}
            megabytes = lambda field: int(re.search(field + r":\s+(\d+)", pathlib.Path(f"/proc/{child}/status").read_text())[1]) >> 10
            self.assertGreater(megabytes("VmHWM"), 160)
            self.assertTrue(wait_until(lambda: megabytes("RssAnon") < 100), megabytes("RssAnon"))


if __name__ == "__main__":
    unittest.main()
