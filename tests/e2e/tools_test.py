"""What the server makes of an instance in other transfer syntaxes, before the programs of others: DCMTK's dcmdump reads it, dcmj2pnm and dcml2pnm
draw the same picture from it, dciodvfy (dicom3tools) finds no error that the stored file did not have."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from program import fetch, serving

# Lossless unless said otherwise; the program of DCMTK 3.6.7 that draws it, where there is one.
SYNTAXES = {
    "1.2.840.10008.1.2": "dcmj2pnm",
    "1.2.840.10008.1.2.1": "dcmj2pnm",
    "1.2.840.10008.1.2.1.99": "dcmj2pnm",
    "1.2.840.10008.1.2.5": "dcmj2pnm",
    "1.2.840.10008.1.2.4.50": "dcmj2pnm",  # lossy
    "1.2.840.10008.1.2.4.51": "dcmj2pnm",  # lossy
    "1.2.840.10008.1.2.4.57": "dcmj2pnm",
    "1.2.840.10008.1.2.4.70": "dcmj2pnm",
    "1.2.840.10008.1.2.4.80": "dcml2pnm",
    "1.2.840.10008.1.2.4.81": "dcml2pnm",
    "1.2.840.10008.1.2.4.90": None,
    "1.2.840.10008.1.2.4.91": None,
    "1.2.840.10008.1.2.4.201": None,
    "1.2.840.10008.1.2.4.202": None,
    "1.2.840.10008.1.2.4.203": None,
}
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
SAMPLES = ["wg04/CT1_UNC", "wg04/CT1_J2KR", "wg04/MR1_JPLL", "wg04/NM1_JLSL", "wg04/VL1_UNC", "wg04/US1_RLE", "wg04/XA1_JPLL", "pydicom/SC_rgb_small_odd.dcm",
           "pydicom/emri_small.dcm", "pydicom/color-pl.dcm", "pydicom/examples_palette.dcm"]


def errors_of(path):
    """What dciodvfy holds against a file, line by line."""
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, timeout=60).stderr.decode("latin-1")
    return {line for line in said.splitlines() if line.startswith("Error")}


def picture_of(program, path):
    """A picture by DCMTK; None when it cannot draw such a file."""
    done = subprocess.run([program, "--quiet", "+Wm", "--write-raw-pnm", str(path)], capture_output=True, timeout=60)
    return done.stdout if done.returncode == 0 and done.stdout else None


@unittest.skipUnless(shutil.which("dcmj2pnm"), "there is no DCMTK (apt-get install dcmtk)")
class ToolsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.server = cls.enterClassContext(serving(cls.folder / "data", "--demo"))
        rows = json.loads(fetch(cls.server.url + "/dicom-web/instances?InstanceNumber=9")[2])
        cls.urls = {row["00081190"]["Value"][0].rsplit("/", 1)[1]: row["00081190"]["Value"][0] for row in rows}
        data = pathlib.Path(os.environ.get("TEST_DATA") or "/nonexistent") / "dicom"
        for name in SAMPLES:
            if (data / name).exists():
                status, _, body = fetch(cls.server.url + "/dicom-web/studies", "POST", (data / name).read_bytes(), Content_Type="application/dicom")
                assert status in (200, 202), name
                cls.urls[name] = json.loads(body)["00081199"]["Value"][0]["00081190"]["Value"][0]
        cls.files = {}  # (name, syntax) -> path; syntax "*" is the stored file
        for name, url in cls.urls.items():
            for syntax in ("*", *SYNTAXES):
                status, headers, octets = fetch(url, Accept=f"application/dicom; transfer-syntax={syntax}")
                if status == 200:
                    path = cls.folder / f"{name.replace('/', '-')}-{'stored' if syntax == '*' else syntax}.dcm"
                    path.write_bytes(octets)
                    cls.files[name, syntax] = path

    def test_every_instance_is_given_out_uncompressed_and_compressed(self):
        self.assertGreaterEqual(len(self.urls), 3)
        for name in self.urls:
            given = {syntax for (of, syntax) in self.files if of == name}
            self.assertLessEqual({"*", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"}, given, name)

    def test_frames_that_viewers_cannot_decode_are_decoded_for_them(self):
        path = pathlib.Path(os.environ.get("TEST_DATA") or "/nonexistent") / "dicom/cornerstone/CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm"
        if not path.exists():
            self.skipTest("the external test data is not there")
        body = fetch(self.server.url + "/dicom-web/studies", "POST", path.read_bytes(), Content_Type="application/dicom")[2]
        frame = json.loads(body)["00081199"]["Value"][0]["00081190"]["Value"][0] + "/frames/1"
        for accept, syntax in {"application/octet-stream; transfer-syntax=*": "1.2.840.10008.1.2.1", "image/jpeg; transfer-syntax=*": "1.2.840.10008.1.2.4.53",
                               "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.53": "1.2.840.10008.1.2.4.53"}.items():
            status, headers, _ = fetch(frame, Accept=accept)
            self.assertEqual(status, 200)
            self.assertIn("transfer-syntax=" + syntax, headers["Content-Type"], accept)

    def test_dcmdump_reads_it(self):
        for (name, syntax), path in self.files.items():
            if syntax.startswith("1.2.840.10008.1.2.4.20"):
                continue  # DCMTK 3.6.7 is older than HTJ2K
            with self.subTest(instance=name, syntax=syntax):
                done = subprocess.run(["dcmdump", "--quiet", str(path)], capture_output=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr.decode("latin-1")[:400])

    def test_dcmtk_draws_the_same_picture(self):
        compared = 0
        for (name, syntax), path in self.files.items():
            if syntax == "*" or not SYNTAXES[syntax] or syntax in LOSSY:
                continue
            with self.subTest(instance=name, syntax=syntax):
                picture = picture_of(SYNTAXES[syntax], path)
                self.assertIsNotNone(picture)
                self.assertTrue(picture == picture_of("dcmj2pnm", self.files[name, "1.2.840.10008.1.2.1"]))
                compared += 1
        self.assertGreaterEqual(compared, 3 * 6)

    def test_dcmtk_draws_lossy_pictures(self):
        drawn = 0
        for (name, syntax), path in self.files.items():
            if syntax in LOSSY:
                with self.subTest(instance=name, syntax=syntax):
                    self.assertIsNotNone(picture_of("dcmj2pnm", path))
                    drawn += 1
        if not drawn:
            self.skipTest("the sample images have more bits than lossy JPEG; the external test data is not there")

    @unittest.skipUnless(shutil.which("dciodvfy"), "there is no dciodvfy (apt-get install dicom3tools)")
    def test_dciodvfy_finds_no_new_error(self):
        for (name, syntax), path in self.files.items():
            if syntax not in ("*", "1.2.840.10008.1.2.1.99") and not syntax.startswith("1.2.840.10008.1.2.4.20"):  # not read by dicom3tools of 2022
                with self.subTest(instance=name, syntax=syntax):
                    self.assertEqual(errors_of(path) - errors_of(self.files[name, "*"]), set())


if __name__ == "__main__":
    unittest.main()
