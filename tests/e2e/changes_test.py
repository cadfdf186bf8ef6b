"""Following the changes of the hilum program: nothing missed, nothing twice, whatever happens to the server."""
import http.client
import json
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from program import Server, fetch, serving, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "crash"))
from part10 import Instance  # noqa: E402

GONE = (OSError, http.client.HTTPException, ValueError)
ROOT = "2.25.77"


class Place:
    """Where the server is, as it comes and goes."""

    def __init__(self, server):
        self.server = server
        self.stopping = threading.Event()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", urllib.parse.urlparse(self.server.url).port, timeout=20)


class Client(threading.Thread):
    """Does the same over and over; a lost server is waited for."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.failure = place, None

    def run(self):
        while not self.place.stopping.is_set():
            connection = self.place.connect()
            try:
                while not self.place.stopping.is_set():
                    self.turn(connection)
            except GONE:
                time.sleep(0.05)
            except Exception as failure:  # told by the test
                self.failure = failure
                return
            finally:
                connection.close()

    def request(self, connection, method, path, body=None, **headers):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()


class PatientWriter(Client):
    def __init__(self, place, number):
        super().__init__(place)
        self.number, self.count, self.acknowledged = number, 0, set()

    def turn(self, connection):
        self.count += 1
        name = f"w{self.number}-{self.count}"
        status, body = self.request(connection, "PUT", f"/fhir/Patient/{name}", json.dumps({"resourceType": "Patient", "id": name}),
                                    Content_Type="application/fhir+json")
        if status not in (200, 201):
            raise AssertionError(f"PUT: {status} {body[:200]}")
        self.acknowledged.add(name)


class ImageWriter(Client):
    def __init__(self, place, number):
        super().__init__(place)
        self.number, self.count, self.acknowledged = number, 0, set()

    def turn(self, connection):
        self.count += 1
        study = f"{ROOT}.{self.number}.{self.count % 3 + 1}"
        instance = Instance.make(study, f"{study}.1", f"{study}.1.{self.count}", self.count, self.count, 2000)
        status, body = self.request(connection, "POST", "/dicom-web/studies", instance.to_bytes(), Content_Type="application/dicom")
        if status != 200:
            raise AssertionError(f"STOW: {status} {body[:200]}")
        self.acknowledged.add(instance.sop)


class PatientPoller(Client):
    """Long polls."""

    def __init__(self, place):
        super().__init__(place)
        self.since, self.seen = 0, []

    def turn(self, connection):
        status, body = self.request(connection, "GET", f"/fhir/changes?_type=Patient&_count=50&wait=2&since={self.since}")
        if status != 200:
            raise AssertionError(f"changes: {status} {body[:200]}")
        *changes, end = [json.loads(line) for line in body.splitlines()]
        self.seen += [(change["seq"], change["id"]) for change in changes]
        self.since = end["next"]


class FeedPoller(Client):
    """As Azure's clients do."""

    def __init__(self, place):
        super().__init__(place)
        self.seen = []

    def turn(self, connection):
        status, body = self.request(connection, "GET", f"/dicom-web/changefeed?offset={len(self.seen)}&limit=50&includeMetadata=false")
        if status != 200:
            raise AssertionError(f"changefeed: {status} {body[:200]}")
        page = json.loads(body)
        self.seen += [(entry["Sequence"], entry["SopInstanceUid"]) for entry in page]
        if not page:
            time.sleep(0.05)


class Stream(Client):
    """Listens to events; comes again with Last-Event-ID."""

    def __init__(self, place, path, pick):
        super().__init__(place)
        self.path, self.pick, self.seen, self.last = path, pick, [], "0"

    def turn(self, connection):
        connection.request("GET", self.path, headers={"Accept": "text/event-stream", "Last-Event-ID": self.last})
        answer = connection.getresponse()
        if answer.status != 200:
            raise AssertionError(f"{self.path}: {answer.status} {answer.read()[:200]}")
        event = {}
        while not self.place.stopping.is_set():
            line = answer.readline()
            if not line:
                raise OSError("the stream ended")
            if line == b"\n":
                # Only whole events count.
                if "data" in event:
                    self.seen.append(self.pick(json.loads(event["data"])))
                self.last = event.get("id", self.last)
                event = {}
            else:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                event[name] = value


class ChangesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name) / "data"

    def test_followers_get_everything_once_while_the_server_is_killed(self):
        server = Server(self.data)
        place = Place(server)
        self.addCleanup(lambda: place.server.stop(signal.SIGKILL))
        patients = [PatientWriter(place, i) for i in range(4)]
        images = [ImageWriter(place, i) for i in range(4)]
        of_patient = lambda change: (change["seq"], change["id"])
        of_image = lambda entry: (entry["Sequence"], entry["SopInstanceUid"])
        patient_followers = [PatientPoller(place), Stream(place, "/fhir/changes?_type=Patient", of_patient)]
        image_followers = [FeedPoller(place), Stream(place, "/dicom-web/changefeed?includeMetadata=false", of_image)]
        followers = patient_followers + image_followers
        for client in patients + images + followers:
            client.start()
        for _ in range(3):
            time.sleep(1.5)
            place.server.stop(signal.SIGKILL)
            place.server = Server(self.data)
        time.sleep(1)

        # The writers stop first; then the followers have time to reach the end.
        for writer in patients + images:
            self.assertIsNone(writer.failure)
        ended = Place(place.server)
        ended.stopping.set()
        for writer in patients + images:
            writer.place = ended
            writer.join()
        # A page ends after so many changes of any type: how many there are is a matter of speed.
        all_patients, end = [], {"next": 0, "more": True}
        while end["more"]:
            status, _, body = fetch(f"{place.server.url}/fhir/changes?_type=Patient&_count=10000&since={end['next']}")
            self.assertEqual(status, 200)
            *lines, end = [json.loads(line) for line in body.splitlines()]
            all_patients += [of_patient(line) for line in lines]
        all_images = []
        while True:
            page = json.loads(fetch(f"{place.server.url}/dicom-web/changefeed?offset={len(all_images)}&limit=200&includeMetadata=false")[2])
            if not page:
                break
            all_images += [of_image(entry) for entry in page]
        for follower in followers:
            self.assertIsNone(follower.failure)
            whole = all_patients if follower in patient_followers else all_images
            self.assertTrue(wait_until(lambda: len(follower.seen) >= len(whole)), f"{type(follower).__name__} misses changes")
            self.assertEqual(follower.seen, whole)
        place.stopping.set()

        self.assertEqual([sequence for sequence, _ in all_images], list(range(1, len(all_images) + 1)))
        sequences = [sequence for sequence, _ in all_patients]
        self.assertEqual(sequences, sorted(set(sequences)))
        # What was acknowledged is in the log.
        for writers, log in ((patients, all_patients), (images, all_images)):
            acknowledged = set().union(*(writer.acknowledged for writer in writers))
            self.assertGreater(len(acknowledged), 20)
            self.assertEqual(acknowledged - {name for _, name in log}, set())

    def test_two_hundred_listeners_need_no_workers(self):
        with serving(self.data, "--http.workers", "2") as server:
            listeners = []
            for i in range(200):
                path = "/fhir/changes?since=now" if i % 2 else "/dicom-web/changefeed?offset=now"
                listener = socket.create_connection(("127.0.0.1", urllib.parse.urlparse(server.url).port), timeout=20)
                self.addCleanup(listener.close)
                listener.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
                listeners.append(listener)
            texts = [b""] * len(listeners)

            def all_have(mark):
                end = time.monotonic() + 60
                for i, listener in enumerate(listeners):
                    while mark not in texts[i]:
                        if time.monotonic() > end:
                            return False
                        octets = listener.recv(65536)
                        if not octets:
                            return False
                        texts[i] += octets
                return True

            self.assertTrue(all_have(b"id: "), "a listener is not told where it begins")
            begin = time.monotonic()
            for _ in range(20):
                self.assertEqual(fetch(server.url + "/fhir/Patient")[0], 200)
            self.assertLess(time.monotonic() - begin, 10)

            fetch(server.url + "/fhir/Patient/a", "PUT", b'{"resourceType":"Patient","id":"a"}', Content_Type="application/fhir+json")
            instance = Instance.make(f"{ROOT}.1", f"{ROOT}.1.1", f"{ROOT}.1.1.1", 1, 1, 2000)
            fetch(server.url + "/dicom-web/studies", "POST", instance.to_bytes(), Content_Type="application/dicom")
            self.assertTrue(all_have(b"data: {"))

            begin = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - begin, 15)
            self.assertTrue(all_have(b"\r\n0\r\n\r\n"), "a stream was broken off instead of ended")


if __name__ == "__main__":
    unittest.main()
