"""What operators take from deploy/ fits the program, and the folder that `cmake --install` makes."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from program import ENVIRONMENT, HILUM, SMALL, fetch, make_certificate, run

SOURCES = pathlib.Path(os.environ["SOURCE_FOLDER"])
DEPLOY = SOURCES / "deploy"
INSTALLED_AT = "/opt/hilum"
# In every Debian, or brought by all that is written in C++.
BASE_PACKAGES = {"libc6", "libgcc-s1", "libstdc++6"}


def statements(path):
    """Lines without comments, those that go on joined."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


class DeployTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.installed = cls.folder / "installed"
        subprocess.run(["cmake", "--install", os.environ["BUILD_FOLDER"], "--prefix", cls.installed], check=True, capture_output=True)
        cls.unit = statements(DEPLOY / "hilum.service")
        cls.container = statements(DEPLOY / "Containerfile")

    @unittest.skipUnless(shutil.which("openssl"), "there is no openssl program")
    def test_the_configuration_is_good_also_with_all_that_it_proposes(self):
        self.assertEqual(run("config", "check", str(DEPLOY / "hilum.toml")), (0, f"{DEPLOY}/hilum.toml is good\n", ""))
        proposed = self.folder / "hilum.toml"
        text, settings = re.subn(r"^#(\[?[a-z_]+(\]| = .*))$", r"\1", (DEPLOY / "hilum.toml").read_text(), flags=re.MULTILINE)
        self.assertGreater(settings, 5)
        files = self.folder / "tls"
        files.mkdir()
        text = re.sub(r'^((?:certificate|key|client_ca) = )"(.*)"$', lambda line: f'{line[1]}"{files / pathlib.Path(line[2]).name}"', text, flags=re.MULTILINE)
        for name in ("server", "clients"):
            make_certificate(files, f"{name}.test", name)
        proposed.write_text(text)
        self.assertEqual(run("config", "check", str(proposed)), (0, f"{proposed} is good\n", ""))

    def test_files_that_are_named_exist(self):
        named = [path for line in self.unit + self.container for path in re.findall(INSTALLED_AT + r"/([\w./-]+)", line)]
        self.assertIn("hilum", named)
        for path in named:
            self.assertTrue((self.installed / path).exists(), path)
        copied = [source for line in self.container if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]]
        self.assertIn("dev", copied)
        for source in copied:
            self.assertTrue((SOURCES / source).exists(), source)
        for source in re.findall(r"deploy/[\w.]+", (DEPLOY / "hilum.service").read_text() + (SOURCES / "docs/operations.md").read_text()):
            self.assertTrue((SOURCES / source).exists(), source)

    def test_the_unit_starts_the_program_by_commands_that_it_has(self):
        for line in self.unit:
            if not line.startswith(("ExecStart=", "ExecStartPre=")):
                continue
            program, command, *arguments = line.split("=", 1)[1].split()
            self.assertEqual(program, f"{INSTALLED_AT}/hilum")
            self.assertEqual(run(command, "--help")[0], 0)
            self.assertEqual(arguments[-1], "/etc/hilum.toml")
        self.assertEqual(run("ready", "--help")[0], 0)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_systemd_finds_nothing_wrong_with_the_unit(self):
        unit = self.folder / "hilum.service"
        unit.write_text((DEPLOY / "hilum.service").read_text().replace(INSTALLED_AT, str(self.installed)))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("dpkg") and shutil.which("readelf"), "this is no Debian, or it has no readelf")
    def test_the_container_has_the_libraries_of_the_program_and_no_others(self):
        dynamic = subprocess.run(["readelf", "-d", HILUM], capture_output=True, text=True, check=True).stdout
        packages = set()
        for library in re.findall(r"\(NEEDED\).*\[(lib.*)\]", dynamic):
            if re.match(r"lib(asan|ubsan|tsan)\.", library):
                continue
            owners = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True, check=True).stdout
            packages |= {line.split(":")[0] for line in owners.splitlines() if not re.match(r"lib32|libc6-", line)}
        install = next(line for line in self.container if "apt-get install" in line)
        listed = set(re.search(r"--no-install-recommends(.*?)&&", install).group(1).split())
        self.assertEqual({name for name in listed if not name.startswith("fonts-")}, packages - BASE_PACKAGES)
        fonts = json.loads(re.search(r"`render.fonts` \|[^|]*\| `(\[.*?\])`", (SOURCES / "docs/configuration.md").read_text()).group(1))
        for font in fonts:
            owner = subprocess.run(["dpkg", "-S", font], capture_output=True, text=True)
            if owner.returncode == 0:
                self.assertIn(owner.stdout.split(":")[0], listed)

    def test_what_is_installed_finds_its_viewer_and_its_codec_processes(self):
        viewer = self.installed / "viewer"
        if not viewer.exists():
            self.fake_viewer(viewer)
        program = self.installed / "hilum"
        data = str(self.folder / "data")
        settings = {"HILUM_DATA": data, "HILUM_HTTP_LISTEN": "127.0.0.1:0"}  # as the container has them
        with subprocess.Popen([program, "serve", "--demo", *SMALL], stdout=subprocess.PIPE, text=True, env={**ENVIRONMENT, **settings}) as child:
            try:
                url = child.stdout.readline().split()[1]
                self.assertEqual(subprocess.run([program, "ready"], env={**ENVIRONMENT, **settings}, capture_output=True).returncode, 0)
                self.assertEqual(fetch(url + "/viewer/")[0], 200)
                first = json.loads(fetch(url + "/dicom-web/instances?limit=1")[2])[0]["00081190"]["Value"][0]
                self.assertEqual(fetch(first + "/frames/1", Accept="image/jls")[0], 200)
                self.assertIn(b'hilum_codec_worker_events_total{event="started"}', fetch(url + "/metrics")[2])
            finally:
                child.terminate()
        self.assertEqual(child.returncode, 0)

    def fake_viewer(self, folder):
        page = b"<!doctype html>"
        folder.mkdir()
        (folder / "index.html").write_bytes(page)
        (folder / "manifest.txt").write_text(f"ohif 0\nfile no-cache plain {hashlib.sha256(page).hexdigest()} index.html\n")


if __name__ == "__main__":
    unittest.main()
