"""The hilum program from outside: commands, exit codes, messages, signals."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

from program import HILUM, SMALL, Server, fetch, make_certificate, run, serving, wait_until


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"

    def studies(self, server):
        return json.loads(fetch(server.url + "/dicom-web/studies")[2])

    def test_serves_sample_images_and_stops_with_0_on_sigterm(self):
        with serving(self.data, "--demo") as server:
            self.assertEqual(len(self.studies(server)), 3)
            self.assertEqual(fetch(server.url + "/healthz")[0], 200)
            self.assertEqual(fetch(server.url + "/readyz")[0], 200)
            metrics = fetch(server.url + "/metrics")[2].decode()
            self.assertIn("hilum_commit_sequence", metrics)
            self.assertIn("hilum_store_healthy 1", metrics)
            self.assertEqual(server.stop(), 0)
        self.assertFalse((self.data / "admin.json").exists())

    def test_sample_images_survive_a_kill_and_are_not_stored_twice(self):
        with serving(self.data, "--demo") as server:
            before = self.studies(server)
            server.stop(9)
        with serving(self.data, "--demo") as server:
            strip = lambda rows: [{k: v for k, v in row.items() if k != "00081190"} for row in rows]
            self.assertEqual(strip(self.studies(server)), strip(before))

    def test_refuses_a_remote_address_without_login_and_says_what_to_do(self):
        code, _, error = run("serve", "--data", str(self.data), "--http", "0.0.0.0:0")
        self.assertEqual(code, 2)
        self.assertIn("http.allow_remote_without_login", error)

    def test_client_certificates_are_never_demanded_without_tls(self):
        authority = self.folder / "ca.pem"
        authority.write_text("")
        for flags in (["--tls.client_ca", str(authority), "--tls.require_client_certificate"], ["--tls.client_ca", str(authority)],
                      ["--tls.require_client_certificate"]):
            for address in ("0.0.0.0:0", "127.0.0.1:0"):
                code, _, error = run("serve", "--data", str(self.data), "--http", address, *flags)
                self.assertEqual(code, 2, flags)
                self.assertIn("tls.certificate", error)
        config = self.folder / "hilum.toml"
        config.write_text(f"[tls]\nclient_ca = '{authority}'\nrequire_client_certificate = true\n")
        code, _, error = run("config", "check", str(config))
        self.assertEqual(code, 1)
        self.assertIn("tls.certificate", error)

    def name_shown(self, url, asked):
        """The name in the certificate that a client gets who asks for one."""
        shown = subprocess.run(["openssl", "s_client", "-connect", url.split("//")[1], "-servername", asked], input="", capture_output=True, text=True, timeout=60)
        return re.search(r"subject=\s*CN\s*=\s*(\S+)", shown.stdout).group(1)

    @unittest.skipUnless(shutil.which("openssl"), "there is no openssl program")
    def test_certificates_by_server_name_and_when_their_files_change(self):
        for name in ("main", "other", "wild", "fresh"):
            make_certificate(self.folder, name + ".test", name)
        pair = lambda name: f"{self.folder}/{name}.crt:{self.folder}/{name}.key"
        tls = ["--tls.certificate", str(self.folder / "main.crt"), "--tls.key", str(self.folder / "main.key")]
        with serving(self.data, *tls, "--tls.named", f"other.test={pair('other')},*.wild.test={pair('wild')}", "--log.level", "info") as server:
            self.assertEqual([self.name_shown(server.url, name) for name in ("other.test", "a.wild.test", "unknown.test")],
                             ["other.test", "wild.test", "main.test"])
            for kind in ("crt", "key"):
                (self.folder / f"fresh.{kind}").rename(self.folder / f"other.{kind}")
            self.assertTrue(wait_until(lambda: self.name_shown(server.url, "other.test") == "fresh.test", seconds=20))
            server.child.send_signal(signal.SIGTERM)
            self.assertIn('"changed TLS files are in use"', server.child.communicate(timeout=60)[1])
        for flags in ([*tls, "--tls.named", "other.test"], [*tls, "--tls.named", "other.test=x.crt"], ["--tls.named", f"other.test={pair('wild')}"]):
            code, _, error = run("serve", "--data", str(self.data), *flags)
            self.assertEqual(code, 2)
            self.assertIn("tls.named", error)

    def test_settings_that_could_not_be_meant_are_refused(self):
        config = self.folder / "hilum.toml"
        for key, text in (("http.cors_origins", "['https://viewer.example/']"), ("http.cors_origins", "['notanorigin']"),
                          ("http.cors_origins", "['https://Viewer.example']"), ("http.cors_origins", "['[\"https://a.org\"]']"),
                          ("http.cors_origins", "['https://a.org:99999']"), ("http.cors_origins", "['https://a.org:']"), ("search.default_limit", "10\nsearch.max_limit = 5"), ("http.listen", "'pacs.example.org:8042'"), ("http.listen", "':8042'"), ("data", "''"),
                          ("http.header_timeout", "'0s'"), ("http.body_timeout", "'0s'"), ("http.write_timeout", "'0s'"), ("http.idle_timeout", "'0s'"),
                          ("codec.timeout", "'0s'"), ("codec.memory", "'1B'"), ("store.compact_every", "'0s'")):
            config.write_text(f"{key} = {text}\n")
            code, _, error = run("config", "check", str(config))
            self.assertEqual(code, 1, text)
            self.assertIn(key, error)
        code, _, error = run("config", "check", str(self.folder))
        self.assertEqual(code, 1)
        self.assertIn("is a folder", error)
        config.write_text("http.cors_origins = ['*', 'https://viewer.example', 'http://localhost:3000', 'null']\n")
        self.assertEqual(run("config", "check", str(config))[0], 0)

    def test_a_configuration_is_told_all_its_mistakes(self):
        config = self.folder / "hilum.toml"
        config.write_text("http.listen = 'nowhere'\nlog.level = 'loud'\nstore.duplicates = 'both'\nimaging.patients = 'all'\nimaging.placer_system = 'a b'\n"
                          "fhir.default_zone = 'home'\nfhir.handling = 'so'\nfhir.references = 'so'\nhttp.public_url = 'pacs'\nhttp.cors_origins = ['a', 'b']\n"
                          "[tls]\nkey = 'k'\nnamed = ['x', 'y']\n")
        code, _, error = run("config", "check", str(config))
        self.assertEqual(code, 1)
        lines = error.splitlines()
        for key, times in (("http.listen", 1), ("log.level", 1), ("store.duplicates", 1), ("imaging.patients", 1), ("imaging.placer_system", 1),
                           ("fhir.default_zone", 1), ("fhir.handling", 1), ("fhir.references", 1), ("http.public_url", 1), ("http.cors_origins", 2),
                           ("tls.certificate", 1), ("tls.named takes", 2)):
            self.assertEqual(sum(line.startswith(key) for line in lines), times, key + "\n" + error)

    def test_a_configuration_names_files_that_can_be_read(self):
        here = self.folder / "here.pem"
        here.write_text("")
        config = self.folder / "hilum.toml"
        config.write_text(f"[tls]\ncertificate = '{here}'\nkey = '{self.folder}/no.key'\nclient_ca = '{self.folder}'\nnamed = ['x={here}:{self.folder}/x.key']\n")
        code, _, error = run("config", "check", str(config))
        self.assertEqual(code, 1)
        self.assertEqual([line.split(":")[0] for line in error.splitlines()], ["tls.key", "tls.client_ca", "tls.named"])

    @unittest.skipUnless(shutil.which("openssl"), "there is no openssl program")
    def test_a_configuration_names_certificates_that_can_be_used(self):
        for name in ("main", "other"):
            make_certificate(self.folder, name + ".test", name)
        config = self.folder / "hilum.toml"
        config.write_text(f"data = '{self.data}'\n[tls]\ncertificate = '{self.folder}/main.crt'\nkey = '{self.folder}/other.key'\n")
        code, _, error = run("config", "check", str(config))
        self.assertEqual(code, 1)
        self.assertIn("other.key", error)
        code, _, error = run("serve", "--config", str(config), "--http", "127.0.0.1:0")
        self.assertEqual(code, 1)
        self.assertIn("other.key", error)
        self.assertFalse(self.data.exists(), "a store was made in vain")
        config.write_text(f"[tls]\ncertificate = '{self.folder}/main.crt'\nkey = '{self.folder}/main.key'\n")
        self.assertEqual(run("config", "check", str(config))[0], 0)

    def test_a_name_to_listen_on_is_a_wrong_setting(self):
        code, _, error = run("serve", "--data", str(self.data), "--http", "pacs.example.org:0", "--http.allow_remote_without_login")
        self.assertEqual(code, 2)
        self.assertIn("no name", error)
        self.assertFalse(self.data.exists())

    def test_the_alarm_about_damage_ends_when_it_is_mended(self):
        with serving(self.data, "--demo") as server:
            server.stop()
        segment = self.data / "objects/000001.seg"

        def flip():
            with open(segment, "r+b") as file:
                file.seek(4096 + 128 + 200)
                byte = file.read(1)[0]
                file.seek(-1, 1)
                file.write(bytes([byte ^ 1]))

        flip()
        with serving(self.data, "--store.scrub_pause", "0s", "--log.level", "error") as server:
            def value(name):
                found = re.search(rf"^{name} (\d+)$", fetch(server.url + "/metrics")[2].decode(), re.M)
                return int(found.group(1)) if found else 0  # what counts it may not have begun

            self.assertTrue(wait_until(lambda: value("hilum_scrub_passes_total") >= 2, seconds=30))
            self.assertEqual(value("hilum_damaged_objects"), 1)
            self.assertGreaterEqual(value("hilum_scrub_findings_total"), 2)
            flip()
            self.assertTrue(wait_until(lambda: value("hilum_damaged_objects") == 0, seconds=30))

    def test_the_log_names_the_client_of_a_request_that_was_none(self):
        with serving(self.data, "--log.level", "debug") as server:
            host, port = server.url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port)), timeout=30) as client:
                client.sendall(b" GET / HTTP/1.1\r\n\r\n")
                self.assertTrue(client.makefile("rb").read().startswith(b"HTTP/1.1 400 "))
            server.child.terminate()
            log = [json.loads(line) for line in server.child.communicate(timeout=60)[1].splitlines()]
        self.assertEqual([line["peer"].split(":")[0] for line in log if line.get("status") == 400], ["127.0.0.1"])

    def test_no_store_is_made_among_the_files_of_others(self):
        self.data.mkdir()
        (self.data / "thesis.txt").write_text("x")
        for command in (["serve", "--http", "127.0.0.1:0"], ["import", str(self.folder)]):
            code, _, error = run(*command, "--data", str(self.data), *SMALL)
            self.assertEqual(code, 1)
            self.assertIn("thesis.txt", error)
            self.assertIn("--data", error)
        self.assertEqual(os.listdir(self.data), ["thesis.txt"])
        (self.data / "thesis.txt").unlink()
        (self.data / "lost+found").mkdir()
        with serving(self.data) as server:
            self.assertEqual(server.stop(), 0)
        (self.data / "notes.txt").write_text("beside a store it disturbs nobody")
        with serving(self.data) as server:
            self.assertEqual(server.stop(), 0)

    def test_no_store_is_made_beside_the_segments_of_another(self):
        with serving(self.data, "--demo") as server:
            self.assertEqual(server.stop(), 0)
        shutil.rmtree(self.data / "kv")
        commands = (["serve", "--http", "127.0.0.1:0"], ["import", str(self.folder)], ["verify"], ["backup", "--to", str(self.folder / "copy")])
        for emptied in False, True:
            for command in commands:
                code, _, error = run(*command, "--data", str(self.data), *SMALL)
                self.assertEqual(code, 1, command)
                self.assertIn("000001.seg", error)
                self.assertIn("restore", error)
            (self.data / "kv").mkdir(exist_ok=True)
        self.assertEqual(os.listdir(self.data / "kv"), [])

    def test_behind_a_proxy_urls_are_those_of_the_client(self):
        forwarded = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "pacs.test", "X_Forwarded_Prefix": "/hilum"}
        ours, post = {"Content_Type": "application/fhir+json", **forwarded}, b'{"resourceType":"Basic","code":{"text":"x"}}'
        with serving(self.data, "--demo", "--http.trusted_proxies", "10.0.0.0/8,127.0.0.1") as server:
            study = json.loads(fetch(server.url + "/dicom-web/studies?limit=1", **forwarded)[2])[0]
            self.assertTrue(study["00081190"]["Value"][0].startswith("https://pacs.test/hilum/dicom-web/studies/"))
            self.assertTrue(fetch(server.url + "/fhir/Basic", "POST", post, **ours)[1]["Location"].startswith("https://pacs.test/hilum/fhir/Basic/"))
            bundle = json.loads(fetch(server.url + "/fhir/Basic", **forwarded)[2])
            for url in (bundle["link"][0]["url"], bundle["entry"][0]["fullUrl"]):
                self.assertTrue(url.startswith("https://pacs.test/hilum/fhir/Basic"), url)
        with serving(self.data) as server:
            self.assertTrue(json.loads(fetch(server.url + "/fhir/Basic", **forwarded)[2])["link"][0]["url"].startswith(server.url))
        for key, value in (("http.trusted_proxies", "proxy.test"), ("http.public_url", "pacs.test")):
            code, _, error = run("serve", "--data", str(self.data), "--" + key, value)
            self.assertEqual(code, 2)
            self.assertIn(key, error)

    def test_names_the_nearest_key_for_an_unknown_one(self):
        code, _, error = run("serve", "--http.workerz", "3")
        self.assertEqual(code, 2)
        self.assertIn("http.workers", error)
        config = self.folder / "hilum.toml"
        config.write_text("[store]\nlow_watr = '1GiB'\n")
        code, _, error = run("config", "check", str(config))
        self.assertEqual(code, 1)
        self.assertIn("store.low_water", error)
        config.write_text("[store]\nlow_water = '1GiB'\n")
        self.assertEqual(run("config", "check", str(config))[0], 0)

    def test_reference_of_the_settings_is_the_document(self):
        code, reference, _ = run("config", "reference")
        self.assertEqual(code, 0)
        document = (pathlib.Path(os.environ["SOURCE_FOLDER"]) / "docs" / "configuration.md").read_text()
        missing = [line for line in reference.strip().splitlines() if line not in document]
        self.assertEqual(missing, [], "docs/configuration.md must hold the output of `hilum config reference`")

    def test_conformance_statement_holds_the_tables_of_the_program(self):
        code, tables, _ = run("conformance")
        self.assertEqual(code, 0)
        self.assertNotIn("there is no such", tables, "a documented path is not served")
        for known in ("1.2.840.10008.1.2.4.202", "`/studies/{study}/metadata`", "PatientName", "A900H", "`ISO 2022 IR 87`"):
            self.assertIn(known, tables)
        document = (pathlib.Path(os.environ["SOURCE_FOLDER"]) / "docs" / "dicom-conformance.md").read_text()
        missing = [line for line in tables.strip().splitlines() if line not in document]
        self.assertEqual(missing, [], "docs/dicom-conformance.md must hold the output of `hilum conformance`")

    def test_one_process_at_a_time(self):
        with serving(self.data):
            code, _, error = run("verify", "--data", str(self.data), *SMALL)
            self.assertEqual(code, 1)
            self.assertIn("in use", error)

    def test_an_address_that_is_taken_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            code, _, error = run("serve", "--data", str(self.data), "--http", f"127.0.0.1:{taken.getsockname()[1]}", *SMALL)
        self.assertEqual(code, 1)
        self.assertIn("127.0.0.1", error)
        self.assertIn("in use", error)
        self.assertFalse(self.data.exists(), "no store was made for a server that did not run")

    def test_backup_of_a_running_server_restores_to_the_same_answers(self):
        with serving(self.data, "--demo") as server:
            self.assertEqual(stat.S_IMODE((self.data / "admin.json").stat().st_mode), 0o600)
            code, output, error = run("backup", "--data", str(self.data), "--to", str(self.folder / "backup"), *SMALL)
            self.assertEqual(code, 0, output + error)
            again = run("backup", "--data", str(self.data), "--to", str(self.folder / "backup"), *SMALL)
            self.assertEqual(again[0], 1, "nothing is overwritten")
            before = self.studies(server)
            instance = json.loads(fetch(server.url + "/dicom-web/instances?limit=1")[2])[0]["00081190"]["Value"][0]
            path = instance[len(server.url):]
            octets = fetch(server.url + path, Accept="application/dicom")[2]
        code, output, error = run("restore", "--from", str(self.folder / "backup"), "--data", str(self.folder / "restored"), *SMALL)
        self.assertEqual(code, 0, output + error)
        self.assertIn("all good", output)
        with serving(self.folder / "restored") as server:
            self.assertEqual([s["0020000D"] for s in self.studies(server)], [s["0020000D"] for s in before])
            self.assertEqual(fetch(server.url + path, Accept="application/dicom")[2], octets)

    def test_ready_tells_whether_the_folder_is_served(self):
        code, output, error = run("ready", "--data", str(self.data))
        self.assertEqual((code, output), (1, ""))
        self.assertIn(f"no server serves {self.data}", error)
        with serving(self.data) as server:
            self.assertEqual(run("ready", environment={"HILUM_DATA": str(self.data)}), (0, "ready\n", ""))
            self.assertEqual(server.stop(), 0)
        self.assertEqual(run("ready", "--data", str(self.data))[0], 1)
        with serving(self.data):
            pass  # killed: its admin.json stays behind
        self.assertEqual(run("ready", "--data", str(self.data))[0], 1)

    @unittest.skipUnless(shutil.which("openssl"), "there is no openssl program")
    def test_backup_needs_no_client_certificate(self):
        make_certificate(self.folder, "main.test", "main")
        make_certificate(self.folder, "authority.test", "authority")
        tls = ["--tls.certificate", str(self.folder / "main.crt"), "--tls.key", str(self.folder / "main.key"),
               "--tls.client_ca", str(self.folder / "authority.crt"), "--tls.require_client_certificate"]
        with serving(self.data, "--demo", *tls):
            announced = json.loads((self.data / "admin.json").read_text())
            self.assertTrue(announced["url"].startswith("http://127.0.0.1:"))
            for path in ("/metrics", "/dicom-web/studies", "/readyz"):
                self.assertEqual(fetch(announced["url"] + path)[0], 404, "nothing but jobs is served there")
            self.assertEqual(fetch(announced["url"] + "/admin/backup", "POST", b"{}")[0], 401)
            self.assertEqual(fetch(announced["url"] + "/admin/ready")[0], 401)
            self.assertEqual(run("ready", "--data", str(self.data))[0], 0)
            code, output, error = run("backup", "--data", str(self.data), "--to", str(self.folder / "backup"), *SMALL)
            self.assertEqual(code, 0, output + error)
        self.assertIn("3 studies", run("verify", "--data", str(self.folder / "backup"), *SMALL)[1])

    def test_backup_into_the_data_folder_is_refused(self):
        inside = (self.data / "backup", self.data / "objects" / "backup", self.data / "kv" / ".." / "backup", self.data)
        def refused():
            for to in inside:
                code, _, error = run("backup", "--data", str(self.data), "--to", str(to), *SMALL)
                self.assertEqual(code, 1, to)
                self.assertIn("data folder", error)
            self.assertFalse((self.data / "backup").exists())
        with serving(self.data, "--demo") as server:
            refused()
            announced = json.loads((self.data / "admin.json").read_text())
            lock = os.stat(self.data / "lock")
            body = json.dumps({"to": str(inside[0]), "folder": f"{lock.st_dev}:{lock.st_ino}"}).encode()
            self.assertEqual(fetch(server.url + "/admin/backup", "POST", body, Authorization="Bearer " + announced["token"])[0], 409)
        refused()

    def test_restore_says_what_is_wrong_and_what_to_do(self):
        restore = lambda source: run("restore", "--from", str(source), "--data", str(self.folder / "restored"), *SMALL)
        code, _, error = restore(self.folder / "nowhere")
        self.assertEqual(code, 1)
        self.assertIn("No such file", error)
        (self.folder / "empty").mkdir()
        code, _, error = restore(self.folder / "empty")
        self.assertEqual(code, 1)
        self.assertIn("no backup in", error)
        Server(self.data, "--demo").stop()
        with open(self.data / "objects" / "000001.seg", "r+b") as segment:
            segment.seek(4096 + 600)
            segment.write(b"flipped")
        code, output, error = restore(self.data)
        self.assertEqual(code, 1)
        self.assertIn(": 1 finding\n", output)
        self.assertIn(f"remove {self.folder / 'restored'}", error)

    def test_connections_up_to_the_limit_of_open_files_take_nothing_from_the_store(self):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4096:
            self.skipTest("this test itself may not open enough files")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with serving(self.data, "--demo", under=["prlimit", "--nofile=2048:2048"]) as server, contextlib.ExitStack() as stack:
            host, port = server.url.split("//")[1].split(":")
            older = http.client.HTTPConnection(host, int(port), timeout=60)
            stack.callback(older.close)

            def ask(method, path, body=None, content_type=None):
                older.request(method, path, body, {"Content-Type": content_type} if body else {})
                answer = older.getresponse()
                return answer.status, answer.read()

            instance = json.loads(ask("GET", "/dicom-web/instances?limit=1")[1])[0]["00081190"]["Value"][0]
            _, _, part10 = fetch(instance, Accept="application/dicom; transfer-syntax=*")
            fetch(instance, "DELETE")
            for number in range(2200):
                with contextlib.suppress(OSError):
                    half_open = stack.enter_context(socket.create_connection((host, int(port)), timeout=5))
                    half_open.sendall(b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\n")
            for number in range(20):
                self.assertEqual(ask("POST", "/fhir/Patient", b'{"resourceType":"Patient"}', "application/fhir+json")[0], 201)
            self.assertEqual(ask("POST", "/dicom-web/studies", part10, "application/dicom")[0], 200)
            self.assertEqual(ask("GET", "/readyz")[0], 200)
            server.child.send_signal(signal.SIGTERM)
            _, log = server.child.communicate(timeout=60)
            self.assertEqual(server.child.returncode, 0)
            self.assertIn("http.max_connections is lowered", log)

    def test_a_limit_of_open_files_that_leaves_nothing_to_connections_is_refused(self):
        code, _, error = run("serve", "--data", str(self.data), "--http", "127.0.0.1:0", under=["prlimit", "--nofile=256:256"])
        self.assertEqual(code, 1)
        self.assertIn("raise the limit (ulimit -n, LimitNOFILE= of systemd)", error)
        self.assertTrue(error.splitlines()[-1].startswith("hilum serve: "), "docs/operations.md, The log")
        self.assertFalse(self.data.exists())

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root can become a user whose tasks are limited")
    def test_a_limit_of_tasks_that_is_too_low_for_the_threads_is_told(self):
        self.folder.chmod(0o777)
        under = ["prlimit", "--nproc=100", "setpriv", "--reuid=54321", "--clear-groups"]
        if subprocess.run([*under, HILUM, "version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("other users cannot run the program where it is")
        code, _, error = run("serve", "--data", str(self.data), "--http", "127.0.0.1:0", under=under)
        self.assertEqual(code, 1, error)
        self.assertIn("lower http.workers and http.uploads, or raise the limit of tasks", error)

    def test_memory_of_a_large_request_goes_back_to_the_system(self):
        patient = {"resourceType": "Patient", "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>" + "y" * 2000 + "</div>"}}
        entries = [{"resource": patient, "request": {"method": "POST", "url": "Patient"}}] * 9000
        body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
        with serving(self.data) as server:
            process = pathlib.Path(f"/proc/{server.child.pid}")
            megabytes = lambda field: int(re.search(field + r":\s+(\d+)", (process / "status").read_text())[1]) >> 10
            if "tcmalloc" not in (process / "maps").read_text():
                self.skipTest("a sanitizer brings its own allocator")
            rest = megabytes("VmRSS")
            self.assertEqual(fetch(server.url + "/fhir", "POST", body, Content_Type="application/fhir+json")[0], 200)
            peak = megabytes("VmHWM")
            self.assertGreater(peak, rest + 128)
            self.assertTrue(wait_until(lambda: megabytes("VmRSS") < rest + 96 + (peak - rest) / 8, 20), f"{rest}, {peak}, {megabytes('VmRSS')}")

    def test_sighup_reads_certificates_again_and_ends_nothing(self):
        with serving(self.data) as server:
            server.child.send_signal(signal.SIGHUP)
            self.assertFalse(wait_until(lambda: server.child.poll() is not None, seconds=1))
            self.assertEqual(fetch(server.url + "/healthz")[0], 200)
            self.assertEqual(server.stop(), 0)

    def test_backup_without_a_server(self):
        Server(self.data, "--demo").stop()
        code, output, error = run("backup", "--data", str(self.data), "--to", str(self.folder / "backup"), *SMALL)
        self.assertEqual(code, 0, output + error)
        code, output, _ = run("verify", "--data", str(self.folder / "backup"), *SMALL)
        self.assertEqual(code, 0, output)

    def test_backup_is_of_this_folder_whatever_its_admin_json_says(self):
        copy = self.folder / "copy"
        Server(copy, "--demo").stop()
        with serving(self.data) as other:
            shutil.copy2(self.data / "admin.json", copy / "admin.json")
            code, output, error = run("backup", "--data", str(copy), "--to", str(self.folder / "backup"), *SMALL)
            self.assertEqual(code, 0, output + error)
            self.assertIn("3 studies", run("verify", "--data", str(self.folder / "backup"), *SMALL)[1])
            with serving(copy):
                shutil.copy2(self.data / "admin.json", copy / "admin.json")
                code, _, error = run("backup", "--data", str(copy), "--to", str(self.folder / "wrong"), *SMALL)
                self.assertEqual(code, 1)
                self.assertIn("another data folder", error)
                self.assertFalse((self.folder / "wrong").exists())
            self.assertEqual(fetch(other.url + "/readyz")[0], 200)

    def test_restore_takes_no_folder_that_is_in_use_and_no_address_of_a_server(self):
        with serving(self.data, "--demo") as server:
            code, _, error = run("restore", "--from", str(self.data), "--data", str(self.folder / "restored"), *SMALL)
            self.assertEqual(code, 1)
            self.assertIn("in use", error)
            self.assertFalse((self.folder / "restored").exists())
            server.stop(9)
        self.assertTrue((self.data / "admin.json").exists())
        code, output, error = run("restore", "--from", str(self.data), "--data", str(self.folder / "restored"), *SMALL)
        self.assertEqual(code, 0, output + error)
        self.assertFalse((self.folder / "restored" / "admin.json").exists())

    def test_backup_needs_the_token(self):
        with serving(self.data) as server:
            body = json.dumps({"to": str(self.folder / "stolen")}).encode()
            self.assertEqual(fetch(server.url + "/admin/backup", "POST", body)[0], 401)
            self.assertEqual(fetch(server.url + "/admin/backup", "POST", body, Authorization="Bearer x")[0], 401)
        self.assertFalse((self.folder / "stolen").exists())

    def test_backup_to_no_path_is_refused(self):
        with serving(self.data) as server:
            token = json.loads((self.data / "admin.json").read_text())["token"]
            for body in (b"", b"[]", b"{}", b'{"to": 5}', b'{"to": null}', b'{"to": "here"}', b"\xff"):
                answer = fetch(server.url + "/admin/backup", "POST", body, Authorization="Bearer " + token)
                self.assertEqual(answer[0], 400, body)

    def test_import_of_a_folder_lists_what_failed(self):
        with serving(self.data, "--demo") as server:
            urls = [row["00081190"]["Value"][0] for row in json.loads(fetch(server.url + "/dicom-web/instances?limit=5")[2])]
            files = self.folder / "files" / "deep"
            files.mkdir(parents=True)
            for number, url in enumerate(urls):
                (files / f"{number}.dcm").write_bytes(fetch(url, Accept="application/dicom")[2])
        (files / "notes.txt").write_text("not DICOM")
        code, output, error = run("import", "--data", str(self.folder / "other"), str(self.folder / "files"), *SMALL)
        self.assertEqual(code, 1)
        self.assertIn("5 stored, 0 already there, 1 failed", output)
        self.assertIn("notes.txt", error)
        (files / "notes.txt").unlink()
        code, output, _ = run("import", "--data", str(self.folder / "other"), str(self.folder / "files"), *SMALL)
        self.assertEqual((code, output.strip()), (0, "0 stored, 5 already there, 0 failed"))

    def test_words_that_are_no_flags_are_not_passed_over(self):
        for command in (["verify", str(self.data)], ["verify", "--data", str(self.data), "extra"],
                        ["backup", "--data", str(self.data), "--to", str(self.folder / "b"), "extra"],
                        ["restore", "--data", str(self.data), "--from", str(self.folder / "b"), "extra"]):
            code, _, error = run(*command)
            self.assertEqual(code, 2, command)
            self.assertIn("--data DIR", error)
        for command, flag in (("backup", "--to"), ("restore", "--from")):
            code, _, error = run(command, "--data", str(self.data), flag)
            self.assertEqual(code, 2)
            self.assertIn(f"{flag}: expected a folder after it", error)

    def test_usage(self):
        self.assertEqual(run()[0], 2)
        code, _, error = run("frobnicate")
        self.assertEqual(code, 2)
        self.assertIn("'frobnicate'", error)
        self.assertIn("Without --data DIR is ./data", run("verify", "--help")[1])
        self.assertTrue(run("version")[1].startswith("hilum "))
        for asked in (["help"], ["--help"], ["-h"], ["serve", "--help"], ["verify", "-h"], ["backup", "--to", "x", "--help"]):
            code, output, error = run(*asked)
            self.assertEqual((code, error), (0, ""), asked)
            self.assertIn("usage: hilum", output)

    def test_dev_knows_its_commands(self):
        dev = pathlib.Path(os.environ["SOURCE_FOLDER"]) / "dev"
        self.assertEqual(subprocess.run([dev, "help"], capture_output=True, timeout=60).returncode, 0)
        unknown = subprocess.run([dev, "nonsense"], capture_output=True, text=True, timeout=60)
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("nonsense", unknown.stderr)


if __name__ == "__main__":
    unittest.main()
