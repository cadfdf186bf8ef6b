"""Orthanc as a client: it sends studies here, searches here and fetches them back."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from program import fetch, serving, wait_until

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def orthanc(folder, archive, chunked):
    """An Orthanc that knows the archive as a DICOMweb server; its URL."""
    port = free_port()
    server = {"Url": archive + "/dicom-web/", "ChunkedTransfers": chunked, "HasDelete": True, "HasWadoRsUniversalTransferSyntax": True}
    (folder / "orthanc.json").write_text(json.dumps({
        "StorageDirectory": str(folder / "orthanc"), "IndexDirectory": str(folder / "orthanc"), "HttpPort": port, "DicomServerEnabled": False,
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [PLUGIN], "DicomWeb": {"Enable": True, "Servers": {"archive": server}}}))
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    child = subprocess.Popen(["Orthanc", str(folder / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        def answers():
            try:
                return fetch(f"http://127.0.0.1:{port}/system")[0] == 200
            except OSError:
                return False
        if not wait_until(answers, 60):
            raise RuntimeError("Orthanc did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


@unittest.skipUnless(shutil.which("Orthanc") and os.path.exists(PLUGIN), "there is no Orthanc (apt-get install orthanc orthanc-dicomweb)")
class OrthancTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def post(self, url, body):
        status, _, answer = fetch(url, "POST", json.dumps(body).encode())
        self.assertEqual(status, 200, answer[:400])
        return json.loads(answer)

    def instances(self, archive):
        return json.loads(fetch(archive + "/dicom-web/instances?Modality=MR")[2])

    def sends_searches_and_fetches(self, chunked):
        with serving(self.folder / "source", "--demo") as source:
            urls = [row["00081190"]["Value"][0] for row in self.instances(source.url)]
            files = {url.rsplit("/", 1)[1]: fetch(url, Accept="application/dicom; transfer-syntax=*")[2] for url in urls}
        with serving(self.folder / "data") as archive, orthanc(self.folder, archive.url, chunked) as peer:
            for octets in files.values():
                self.assertEqual(fetch(peer + "/instances", "POST", octets)[0], 200)
            [study] = json.loads(fetch(peer + "/studies")[2])
            uid = json.loads(fetch(f"{peer}/studies/{study}")[2])["MainDicomTags"]["StudyInstanceUID"]

            self.post(peer + "/dicom-web/servers/archive/stow", {"Resources": [study], "Synchronous": True})
            stored = {row["00080018"]["Value"][0]: row["00081190"]["Value"][0] for row in self.instances(archive.url)}
            self.assertEqual(stored.keys(), files.keys())

            found = self.post(peer + "/dicom-web/servers/archive/qido", {"Uri": "/studies", "Arguments": {"PatientName": "phantom*", "00100020": "HILUM-2"}})
            self.assertEqual(len(found), 1)

            self.assertEqual(fetch(f"{peer}/studies/{study}", "DELETE")[0], 200)
            self.assertEqual(json.loads(fetch(peer + "/instances")[2]), [])
            self.post(peer + "/dicom-web/servers/archive/retrieve", {"Resources": [{"Study": uid}], "Synchronous": True})
            fetched = [fetch(f"{peer}/instances/{one}/file")[2] for one in json.loads(fetch(peer + "/instances")[2])]
            self.assertEqual(len(fetched), len(files))
            held = [fetch(url, Accept="application/dicom; transfer-syntax=*")[2] for url in stored.values()]
            self.assertTrue(sorted(fetched) == sorted(held))

    def test_sends_searches_and_fetches_in_chunks(self):
        self.sends_searches_and_fetches(True)

    def test_sends_searches_and_fetches_with_known_lengths(self):
        self.sends_searches_and_fetches(False)


if __name__ == "__main__":
    unittest.main()
