"""What the benchmarks stand on: servers on loopback, on free ports, in folders of their own, stopped by their process id; loads; rows of the table."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

ORTHANC_PLUGINS = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(url, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers at {url}")


def wait_until(condition, seconds=60):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise RuntimeError("what was waited for did not happen")
        time.sleep(0.05)


@contextlib.contextmanager
def process(arguments, **options):
    child = subprocess.Popen(arguments, **options)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def resident_mb(child):
    """Memory of a process now, and at its peak."""
    with open(f"/proc/{child.pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


class Bench:
    def __init__(self, build, work, quick, resources=None):
        self.build, self.work, self.quick, self.resources = build, work, quick, resources
        self.rows = []

    def tool(self, *parts):
        return os.path.join(self.build, "tests", "bench", *parts)

    def scale(self, count):
        return max(1, count // 8) if self.quick else count

    def row(self, what, target, figure, reference, reached, yes="yes"):
        """`yes`: what to say when it is reached, where that is less than the whole target."""
        self.rows.append((what, target, figure, reference, yes if reached else "**no**"))
        print(f"{'ok  ' if reached else 'MISS'} {what}: {figure} (reference: {reference}; must: {target})", flush=True)

    @contextlib.contextmanager
    def hilum(self, name="hilum", *flags):
        data = os.path.join(self.work, name)
        arguments = [os.path.join(self.build, "hilum"), "serve", "--data", data, "--http", "127.0.0.1:0", "--log.level", "warning",
                     "--store.scrub_rate", "0", *flags]
        with process(arguments, stdout=subprocess.PIPE, text=True) as child:
            line = child.stdout.readline()
            if not line.startswith("ready "):
                raise RuntimeError("hilum did not start")
            yield line.split()[1], child

    @contextlib.contextmanager
    def orthanc(self):
        if not os.path.exists(ORTHANC_PLUGINS):
            yield None
            return
        folder = os.path.join(self.work, "orthanc")
        os.makedirs(folder)
        port = free_port()
        config = {"Name": "bench", "StorageDirectory": folder + "/db", "IndexDirectory": folder + "/db", "HttpPort": port, "DicomServerEnabled": False,
                  "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [ORTHANC_PLUGINS], "HttpThreadsCount": 50,
                  "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}
        with open(folder + "/orthanc.json", "w") as out:
            json.dump(config, out)
        with process(["Orthanc", folder + "/orthanc.json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            wait_for(f"http://127.0.0.1:{port}/system")
            yield f"http://127.0.0.1:{port}"
        shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def nginx(self, root):
        folder = os.path.join(self.work, "nginx")
        os.makedirs(folder, exist_ok=True)
        port = free_port()
        with open(folder + "/nginx.conf", "w") as out:
            user = "user root;" if os.getuid() == 0 else ""  # our folders are for us alone
            out.write(f"""{user} daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}""")
        with process(["nginx", "-c", folder + "/nginx.conf", "-p", folder], stderr=subprocess.DEVNULL):
            time.sleep(0.3)
            yield f"http://127.0.0.1:{port}"

    def load(self, *arguments):
        output = subprocess.run([self.tool("load", "hilum_load"), *map(str, arguments)], check=True, capture_output=True, text=True).stdout
        result = json.loads(output.strip().splitlines()[-1])
        if result["failures"]:
            raise RuntimeError(f"{result['failures']} requests failed: {result.get('first_failure')}")
        return result

    def stow(self, url, clients, requests, size, **flags):
        extra = [part for key, value in flags.items() for part in ("--" + key, value)]
        return self.load("stow", "--url", url + "/dicom-web/studies", "--clients", clients, "--requests", requests, "--size", size, *extra)

    @staticmethod
    def fetch(connection, path, headers, body=None):
        """Seconds until the last byte, and the bytes."""
        begin = time.perf_counter()
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        size = len(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return time.perf_counter() - begin, size

    def test_data(self):
        with open(os.path.join(self.build, "CMakeCache.txt")) as cache:
            return next(line.split("=", 1)[1].strip() for line in cache if line.startswith("HILUM_TEST_DATA:"))
