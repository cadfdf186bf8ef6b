"""Helpers for tests that use the hilum program as its users do."""
import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

HILUM = os.environ["PROGRAM_UNDER_TEST"]
# Without our own HILUM_ variables: the program would take them for settings.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("HILUM_")}
SMALL = ["--store.low_water", "40MiB", "--store.write_buffer", "8MiB", "--log.level", "warning"]


def run(*arguments, environment=None, timeout=120, under=()):
    """Exit code, standard output, standard error. `under`: the command that starts the program, such as prlimit."""
    done = subprocess.run([*under, HILUM, *arguments], capture_output=True, text=True, timeout=timeout, env={**ENVIRONMENT, **(environment or {})})
    return done.returncode, done.stdout, done.stderr


class Server:
    def __init__(self, data, *flags, under=()):
        self.child = subprocess.Popen([*under, HILUM, "serve", "--data", str(data), "--http", "127.0.0.1:0", *SMALL, *flags], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        line = self.child.stdout.readline()
        if not line.startswith("ready "):
            raise RuntimeError("did not start: " + self.child.communicate()[1])
        self.url = line.split()[1]

    def stop(self, how=signal.SIGTERM):
        """The exit code."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        self.child.communicate(timeout=60)
        return self.child.returncode


@contextlib.contextmanager
def serving(data, *flags, under=()):
    server = Server(data, *flags, under=under)
    try:
        yield server
    finally:
        server.stop(signal.SIGKILL)


def fetch(url, method="GET", body=None, **headers):
    """Status, headers, body; also of refusals."""
    request = urllib.request.Request(url, data=body, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, dict(refusal.headers), refusal.read()


def make_certificate(folder, name, into):
    """Makes INTO.crt and INTO.key for the name."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", folder / f"{into}.key", "-out", folder / f"{into}.crt"], check=True, capture_output=True, timeout=60)


def wait_until(condition, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
