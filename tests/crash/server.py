"""A `hilum serve` process under test, and the DICOMweb requests the tests make."""

import http.client
import json
import os
import queue
import signal
import subprocess
import threading
import time

READY_SECONDS = 10.0
BOUNDARY = "crash-test-boundary-5f2c"


class Failure(Exception):
    """The server broke a promise."""


class NotReady(Exception):
    """The server ended before it was ready."""


class Server:
    """One process; start() may be called again after it ended."""

    def __init__(self, binary, data, flags=(), preload=None, fault=None):
        self.binary, self.data, self.flags = binary, data, list(flags)
        self.preload, self.fault = preload, fault
        self.process = None
        self.port = None
        self.output = ""

    def environment(self):
        env = {name: value for name, value in os.environ.items() if not name.startswith("HILUM_")}
        if self.preload:
            env["LD_PRELOAD"] = self.preload
            env["HILUM_FAULT"] = self.fault
        return env

    def spawn(self):
        self.output = ""
        self.lines = queue.Queue()
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", self.data, "--http", "127.0.0.1:0", *self.flags],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(), text=True, errors="replace")
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream, self.process), daemon=True).start()

    def _read(self, stream, process):
        with stream:
            for line in stream:
                if process is self.process:
                    self.output = (self.output + line)[-20000:]
                    if line.startswith("ready "):
                        self.lines.put(line)

    def start(self):
        """Returns the seconds it took to be ready."""
        begin = time.monotonic()
        self.spawn()
        while True:
            try:
                line = self.lines.get(timeout=0.02)
                break
            except queue.Empty:
                if self.process.poll() is not None:
                    time.sleep(0.05)  # lets the readers take the last lines
                    raise NotReady(f"exit code {self.process.returncode}: {self.output[-2000:]}") from None
                if time.monotonic() - begin > READY_SECONDS:
                    self.kill()
                    raise Failure(f"not ready after {READY_SECONDS:.0f} s: {self.output[-2000:]}") from None
        self.port = int(line.strip().rsplit(":", 1)[1])
        return time.monotonic() - begin

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks for a clean end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("SIGTERM did not end the server within 60 s") from None

    def wait_for_exit(self, seconds):
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None


def run_verify(binary, data, flags):
    """(exit code, output) of `hilum verify`."""
    result = subprocess.run([binary, "verify", "--data", data, *flags], capture_output=True, text=True, errors="replace", check=False)
    if result.returncode < 0:
        raise Failure(f"hilum verify died of signal {-result.returncode}: {result.stderr[-2000:]}")
    return result.returncode, (result.stdout + result.stderr)[-2000:]


def expect_sound(binary, data, flags):
    code, output = run_verify(binary, data, flags)
    if code != 0:
        raise Failure(f"hilum verify: exit code {code}: {output}")


def connect(port, timeout=60):
    return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)


def multipart_pieces(bodies):
    for body in bodies:
        yield f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode("ascii")
        yield body
    yield f"\r\n--{BOUNDARY}--\r\n".encode("ascii")


def store(connection, bodies, chunked=False, pause=None, stop_after=None):
    """Posts the bodies as one STOW request; returns (status, answer).

    `pause` is called between pieces of at most 64 KiB. `stop_after` breaks the connection after so many bytes and returns None."""
    pieces = list(multipart_pieces(bodies))
    connection.putrequest("POST", "/dicom-web/studies")
    connection.putheader("Content-Type", f'multipart/related; type="application/dicom"; boundary={BOUNDARY}')
    connection.putheader("Accept", "application/dicom+json")
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", str(sum(map(len, pieces))))
    connection.endheaders()
    whole = b"".join(pieces)
    step = 65536 if pause or stop_after is not None else 1 << 20
    sent = 0
    for at in range(0, len(whole), step):
        piece = whole[at:at + step]
        if stop_after is not None and sent + len(piece) > stop_after:
            piece = piece[:stop_after - sent]
        if chunked:
            piece = b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""
        connection.send(piece)
        sent += step
        if stop_after is not None and sent >= stop_after:
            connection.close()
            return None
        if pause:
            pause()
    if chunked:
        connection.send(b"0\r\n\r\n")
    response = connection.getresponse()
    return response.status, response.read()


def get(port, path, accept="application/dicom+json", root="/dicom-web"):
    connection = connect(port)
    try:
        connection.request("GET", root + path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def search(port, path):
    """All rows of a QIDO search, page by page."""
    rows = []
    while True:
        mark = "&" if "?" in path else "?"
        status, body = get(port, f"{path}{mark}limit=1000&offset={len(rows)}")
        if status == 204 or (status == 200 and body.strip() == b"[]"):
            return rows
        if status != 200:
            raise Failure(f"GET {path}: status {status}: {body[:300]!r}")
        page = json.loads(body)
        rows.extend(page)
        if len(page) < 1000:
            return rows


def value(row, tag):
    values = row.get(tag, {}).get("Value", [])
    return values[0] if values else None


def instance_path(instance):
    return f"/studies/{instance.study}/series/{instance.series}/instances/{instance.sop}"


def retrieve(port, instance):
    """(status, Part 10 bytes) of a stored instance, in the transfer syntax it came in."""
    return get(port, instance_path(instance), "application/dicom; transfer-syntax=*")
