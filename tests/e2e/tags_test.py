"""Extended query tags of the hilum program: read on after kill -9, asked for over DICOMweb."""
import json
import pathlib
import signal
import struct
import tempfile
import unittest

from program import Server, fetch, run, wait_until

INSTANCES = 1500


def element(group, number, vr, value):
    value = value.encode() + (b"" if len(value) % 2 == 0 else b"\0" if vr == "UI" else b" ")
    return struct.pack("<HH2sH", group, number, vr.encode(), len(value)) + value


def instance(number, tilt):
    sop = f"1.2.9.{number}"
    meta = (element(2, 2, "UI", "1.2.840.10008.5.1.4.1.1.2") + element(2, 3, "UI", sop) + element(2, 0x10, "UI", "1.2.840.10008.1.2.1"))
    data = (element(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.2") + element(8, 0x18, "UI", sop) + element(8, 0x60, "CS", "CT")
            + element(0x10, 0x20, "LO", "P1") + element(0x18, 0x1120, "DS", tilt)
            + element(0x20, 0xD, "UI", f"1.2.3.{number % 10}") + element(0x20, 0xE, "UI", f"1.2.3.{number % 10}.1"))
    return b"\0" * 128 + b"DICM" + element(2, 0, "UL", "")[:6] + struct.pack("<HI", 4, len(meta)) + meta + data


def store(url, instances):
    body = b"".join(b"--x\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in instances) + b"--x--\r\n"
    status, _, answer = fetch(url + "/dicom-web/studies", "POST", body, Content_Type='multipart/related; type="application/dicom"; boundary=x')
    assert status == 200, answer


def ask(url, path, method="GET", body=None):
    status, _, answer = fetch(url + "/dicom-web" + path, method, body and json.dumps(body).encode(), Content_Type="application/json")
    return status, json.loads(answer) if answer else None


class Tags(unittest.TestCase):
    def test_a_tag_is_ready_for_every_instance_after_kill_9(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "data"
            server = Server(data)
            try:
                for first in range(0, INSTANCES, 500):
                    store(server.url, [instance(n, str(n % 9 - 4)) for n in range(first, first + 500)])
                status, operation = ask(server.url, "/extendedquerytags", "POST", [{"Path": "GantryDetectorTilt", "Level": "Instance"}])
                self.assertEqual(status, 202)
                store(server.url, [instance(INSTANCES, "-4")])
                server.stop(signal.SIGKILL)

                server = Server(data)
                path = f"/operations/{operation['id']}"
                self.assertTrue(wait_until(lambda: ask(server.url, path)[0] == 200, 60))
                self.assertEqual(ask(server.url, path)[1]["percentComplete"], 100)
                self.assertEqual(ask(server.url, "/extendedquerytags/00181120")[1]["status"], "Ready")
                for prefix in ("/v1", "/v2", "/dicom-web/v1"):
                    self.assertEqual(fetch(server.url + prefix + "/extendedquerytags/00181120")[0], 200, prefix)
                for tilt in range(-4, 5):
                    expected = len([n for n in range(INSTANCES) if n % 9 - 4 == tilt]) + (tilt == -4)
                    _, headers, _ = fetch(server.url + f"/dicom-web/instances?GantryDetectorTilt={tilt}&limit=1")
                    self.assertEqual(int(headers["X-Total-Count"]), expected, tilt)
                self.assertEqual(server.stop(), 0)
                self.assertEqual(run("verify", "--data", str(data))[0], 0)
            finally:
                server.stop(signal.SIGKILL)

    def test_a_filter_of_records_is_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(pathlib.Path(folder) / "data")
            try:
                store(server.url, [instance(1, "0")])
                self.assertEqual(ask(server.url, "/studies?fhir=Patient%3Fgender%3Dother")[1], [])
                self.assertEqual(ask(server.url, "/patients?fhir=Patient%3Fgender%3Dother")[1], [])
                status, refusal = ask(server.url, "/series?fhir=Patient%3Fgendr%3Dother")
                self.assertEqual(status, 400)
                self.assertIn("did you mean 'gender'", refusal["error"])
            finally:
                server.stop(signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
