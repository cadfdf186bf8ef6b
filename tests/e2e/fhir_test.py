"""The FHIR API of the hilum program, as a client on the network meets it."""
import concurrent.futures
import itertools
import json
import pathlib
import socket
import tempfile
import threading
import time
import unittest
import urllib.parse

from program import Server, fetch

JSON = "application/fhir+json"


class Fhir:
    """A client of one server."""

    def __init__(self, url):
        self.base = url + "/fhir"

    def __call__(self, method, path="", body=None, content_type=JSON, **headers):
        """Status, headers, parsed body (None when there is none)."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None and content_type:
            headers["Content_Type"] = content_type
        url = path if path.startswith("http") else self.base + path
        status, answer_headers, text = fetch(url, method, body, **headers)
        return status, answer_headers, json.loads(text) if text else None

    def search(self, path):
        status, _, bundle = self("GET", path)
        assert status == 200, bundle
        return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] != "outcome"]

    def pages(self, path):
        """The resources of all pages, one page after the other."""
        url = self.base + path
        while url:
            status, _, bundle = self("GET", url)
            assert status == 200, bundle
            yield [entry["resource"] for entry in bundle.get("entry", [])]
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


def patient(family="Rivers", **more):
    return {"resourceType": "Patient", "name": [{"family": family}], **more}


def transaction(*entries, kind="transaction"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method, url, resource=None, full_url=None, **request):
    made = {"request": {"method": method, "url": url, **request}}
    if resource:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


class FhirTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name) / "data"
        self.server = Server(self.data)
        self.addCleanup(lambda: self.server.stop(9))
        self.fhir = Fhir(self.server.url)

    def create(self, resource):
        status, _, made = self.fhir("POST", "/" + resource["resourceType"], resource)
        self.assertEqual(status, 201, made)
        return made

    def assert_refused(self, answer, *statuses):
        status, headers, body = answer
        self.assertIn(status, statuses or range(400, 500), body)
        self.assertEqual(body["resourceType"], "OperationOutcome")
        self.assertTrue(body["issue"][0]["diagnostics"])
        self.assertTrue(headers["Content-Type"].startswith(JSON))
        return body


class InteractionsTest(FhirTest):
    def test_a_resource_lives_from_create_to_delete(self):
        status, headers, made = self.fhir("POST", "/Patient", patient(birthDate="1970-01-01"))
        self.assertEqual(status, 201)
        self.assertEqual(headers["ETag"], 'W/"1"')
        self.assertIn("GMT", headers["Last-Modified"])
        self.assertEqual(headers["Content-Type"], "application/fhir+json; charset=utf-8")
        url = f"/Patient/{made['id']}"
        self.assertEqual(headers["Location"], f"{self.fhir.base}{url}/_history/1")

        self.assertEqual(self.fhir("GET", url)[2], made)
        status, headers, body = self.fhir("HEAD", url)
        self.assertEqual((status, body, headers["ETag"]), (200, None, 'W/"1"'))
        self.assertEqual(self.fhir("GET", url, If_None_Match='W/"1"')[0], 304)

        status, headers, changed = self.fhir("PUT", url, {**made, "gender": "female"})
        self.assertEqual((status, headers["ETag"], changed["meta"]["versionId"]), (200, 'W/"2"', "2"))
        self.assertEqual(self.fhir("GET", url + "/_history/1")[2], made)

        patch = [{"op": "test", "path": "/gender", "value": "female"}, {"op": "replace", "path": "/gender", "value": "other"}]
        status, headers, changed = self.fhir("PATCH", url, patch, "application/json-patch+json")
        self.assertEqual((status, headers["ETag"], changed["gender"]), (200, 'W/"3"', "other"))
        self.assert_refused(self.fhir("PATCH", url, patch, "application/json-patch+json"))

        self.assertIn(self.fhir("DELETE", url)[0], (200, 204))
        self.assert_refused(self.fhir("GET", url), 410)
        status, _, history = self.fhir("GET", url + "/_history")
        self.assertEqual([each["request"]["method"] for each in history["entry"]], ["DELETE", "PATCH", "PUT", "POST"])
        self.assertEqual(self.fhir.search("/Patient"), [])

    def test_what_was_stored_comes_back_as_it_was_written(self):
        body = b'{"resourceType":"Observation","status":"final","code":{"text":"\\u00e9"},"valueQuantity":{"value":1.100}}'
        made = fetch(self.fhir.base + "/Observation", "POST", body, Content_Type=JSON)[2]
        self.assertIn(b'"value":1.100', made)
        self.assertIn(b'\\u00e9', made)

    def test_update_as_create_and_lost_updates(self):
        status, headers, _ = self.fhir("PUT", "/Patient/p1", patient(id="p1"))
        self.assertEqual((status, headers["ETag"]), (201, 'W/"1"'))
        self.assertEqual(self.fhir("PUT", "/Patient/p1", patient("Lakes", id="p1"), If_Match='W/"1"')[0], 200)
        self.assert_refused(self.fhir("PUT", "/Patient/p1", patient("Seas", id="p1"), If_Match='W/"1"'), 412)
        self.assertEqual(self.fhir("GET", "/Patient/p1")[2]["name"][0]["family"], "Lakes")
        self.assert_refused(self.fhir("PUT", "/Patient/p1", patient(id="p2")), 400)

    def test_of_many_updates_of_one_version_one_wins(self):
        self.fhir("PUT", "/Patient/p1", patient(id="p1"))
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(lambda n: self.fhir("PUT", "/Patient/p1", patient(f"F{n}", id="p1"), If_Match='W/"1"')[0], range(16)))
        self.assertEqual(sorted(statuses), [200] + 15 * [412])

    def test_preferences_shape_the_answer(self):
        status, headers, body = self.fhir("POST", "/Patient", patient(), Prefer="return=minimal")
        self.assertEqual((status, body), (201, None))
        self.assertIn("/Patient/", headers["Location"])
        self.assertEqual(self.fhir("POST", "/Patient", patient(), Prefer="return=OperationOutcome")[2]["resourceType"], "OperationOutcome")
        self.assertEqual(self.fhir("GET", "/Patient?shoe-size=4")[0], 200)
        self.assert_refused(self.fhir("GET", "/Patient?shoe-size=4", Prefer="return=minimal, handling=strict"), 400)

    def test_answers_can_come_later(self):
        self.create(patient())
        for method, path, body in [("GET", "/Patient?name=rivers", None), ("GET", "/Patient/$meta", None),
                                   ("POST", "/", transaction(entry("POST", "Patient", patient("Lakes"))))]:
            status, headers, nothing = self.fhir(method, path, body, Prefer="respond-async")
            self.assertEqual((status, nothing), (202, None))
            url = headers["Content-Location"]
            self.assertTrue(url.startswith(self.fhir.base + "/_async/"))
            while True:
                status, headers, bundle = self.fhir("GET", url)
                if status != 202:
                    break
                self.assertIn(headers["X-Progress"], ("waiting", "running"))
            self.assertEqual((status, bundle["type"]), (200, "batch-response"))
            self.assertEqual(bundle["entry"][0]["response"]["status"], "200 OK")
            self.assertTrue(bundle["entry"][0]["resource"])
            self.assertEqual(self.fhir("DELETE", url)[0], 202)
            self.assert_refused(self.fhir("GET", url), 404)
        self.assertEqual(len(self.fhir.search("/Patient")), 2)
        self.assertEqual(self.fhir("GET", "/Patient/none", Prefer="respond-async")[0], 404, "reads are answered at once")
        self.assert_refused(self.fhir("GET", "/_async/0123"), 404)

    def test_a_binary_is_its_content(self):
        status, headers, made = self.fhir("POST", "/Binary", b"Hallo", content_type="text/plain")
        self.assertEqual(status, 201, made)
        self.assertEqual(made["contentType"], "text/plain")
        url = self.fhir.base + "/Binary/" + made["id"]
        for accept in ["*/*", "text/plain"]:
            status, headers, body = fetch(url, Accept=accept)
            self.assertEqual((status, headers["Content-Type"], body), (200, "text/plain", b"Hallo"))
            self.assertIn("sandbox", headers["Content-Security-Policy"])
            self.assertEqual((headers["ETag"], headers["Vary"]), ('W/"1-content"', "Accept"))
        self.assertEqual(fetch(url, Accept="image/png")[0], 406)
        self.assertEqual(self.fhir("GET", "/Binary/" + made["id"], Accept=JSON)[2]["data"], "SGFsbG8=")

    def test_who_keeps_a_binary_asks_for_what_is_kept(self):
        made = self.fhir("POST", "/Binary", b"Hallo", content_type="text/plain")[2]
        url = self.fhir.base + "/Binary/" + made["id"]
        status, as_resource, _ = fetch(url, Accept=JSON)
        status, as_content, _ = fetch(url)
        self.assertNotEqual(as_resource["ETag"], as_content["ETag"])
        since = as_resource["Last-Modified"]
        for accept, kept, expected in [(JSON, as_resource, 304), ("*/*", as_content, 304), (JSON, as_content, 200), ("*/*", as_resource, 200)]:
            status, headers, body = fetch(url, Accept=accept, If_None_Match=kept["ETag"], If_Modified_Since=since)
            self.assertEqual(status, expected, (accept, kept["ETag"], body))
            self.assertEqual(headers["ETag"], (as_resource if accept == JSON else as_content)["ETag"])
        for kept in (as_content, as_resource):
            status, headers, _ = self.fhir("PUT", "/Binary/" + made["id"], b"Hello", content_type="text/plain", If_Match=kept["ETag"])
            self.assertEqual(status, 200 if kept is as_content else 412)

    def test_a_conditional_create_race_makes_one_resource(self):
        person = patient(identifier=[{"system": "urn:mrn", "value": "42"}])
        gate = threading.Barrier(16)

        def create(_):
            gate.wait()
            return self.fhir("POST", "/Patient", person, If_None_Exist="identifier=urn:mrn|42")

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(create, range(16)))
        self.assertEqual(sorted(status for status, _, _ in answers), 15 * [200] + [201])
        self.assertEqual(len(self.fhir.search("/Patient?identifier=urn:mrn|42")), 1)

    def test_conditional_update_and_delete(self):
        person = patient(identifier=[{"system": "urn:mrn", "value": "7"}])
        self.assertEqual(self.fhir("PUT", "/Patient?identifier=urn:mrn|7", person)[0], 201)
        self.assertEqual(self.fhir("PUT", "/Patient?identifier=urn:mrn|7", {**person, "active": True})[0], 200)
        self.create(person)
        self.assert_refused(self.fhir("PUT", "/Patient?identifier=urn:mrn|7", {**person, "active": False}), 412)
        self.assertIn(self.fhir("DELETE", "/Patient?identifier=urn:mrn|none")[0], (200, 204))
        self.assertEqual(len(self.fhir.search("/Patient")), 2)

    def test_a_transaction_links_its_resources(self):
        self.create({"resourceType": "Practitioner", "identifier": [{"system": "urn:npi", "value": "1"}]})
        status, _, answer = self.fhir("POST", "", transaction(
            entry("POST", "Observation", {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "urn:uuid:6ac1-0"},
                                          "performer": [{"reference": "Practitioner?identifier=urn:npi|1"}]}),
            entry("POST", "Patient", patient("Linked"), "urn:uuid:6ac1-0", ifNoneExist="family=Linked")))
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["type"], "transaction-response")
        self.assertEqual([each["response"]["status"][:3] for each in answer["entry"]], ["201", "201"])
        found = self.fhir.search("/Observation?subject:Patient.family=Linked&_include=Observation:subject&_include=Observation:performer")
        self.assertEqual(sorted(each["resourceType"] for each in found), ["Observation", "Patient", "Practitioner"])
        ids = {each["resourceType"]: each["id"] for each in found}
        observation = next(each for each in found if each["resourceType"] == "Observation")
        self.assertEqual(observation["subject"]["reference"], "Patient/" + ids["Patient"])
        self.assertEqual(observation["performer"][0]["reference"], "Practitioner/" + ids["Practitioner"])

    def test_a_transaction_with_one_bad_entry_does_nothing(self):
        self.assert_refused(self.fhir("POST", "", transaction(
            entry("POST", "Patient", patient("Whole")), entry("POST", "Patient", {"resourceType": "Patient", "gender": ["no"]}))))
        self.assertEqual(self.fhir.search("/Patient"), [])

    def test_a_batch_does_what_it_can(self):
        status, _, answer = self.fhir("POST", "", transaction(
            entry("POST", "Patient", patient("Part")), entry("GET", "Patient/none"), entry("POST", "Patient", {"resourceType": "Patient", "gender": ["no"]}),
            kind="batch"))
        self.assertEqual((status, answer["type"]), (200, "batch-response"))
        self.assertEqual([each["response"]["status"][0] for each in answer["entry"]], ["2", "4", "4"])
        self.assertEqual(len(self.fhir.search("/Patient?family=Part")), 1)

    def test_searches_by_form_and_by_url_find_the_same(self):
        self.create(patient("Grün", birthDate="1980-02-03"))
        self.create(patient("Blau", birthDate="1990-02-03"))
        form = urllib.parse.urlencode({"birthdate": "lt1985"}).encode()
        status, _, bundle = self.fhir("POST", "/Patient/_search?family=gr", form, "application/x-www-form-urlencoded")
        self.assertEqual(status, 200, bundle)
        by_url = self.fhir.search("/Patient?family=gr&birthdate=lt1985")
        self.assertEqual([each["resource"]["id"] for each in bundle["entry"]], [each["id"] for each in by_url])
        self.assertEqual(len(by_url), 1)

    def test_pages_neither_skip_nor_repeat_while_others_write(self):
        before = {self.create(patient(f"F{n:03}"))["id"] for n in range(60)}
        done = threading.Event()

        def write():
            for n in itertools.count():
                if done.is_set():
                    return
                self.create(patient(f"F{n % 60:03}x"))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for path in ("/Patient?_count=7", "/Patient?_count=7&_sort=family"):
                seen = [each["id"] for page in itertools.islice(self.fhir.pages(path), 100) for each in page]
                self.assertEqual(len(seen), len(set(seen)), path)
                self.assertEqual(before - set(seen), set(), path)
        finally:
            done.set()
            writer.join()

    def test_capabilities_history_and_metrics_are_there(self):
        made = self.create(patient())
        self.assertEqual(self.fhir("GET", "/metadata")[2]["fhirVersion"], "4.0.1")
        for path in ("/_history", "/Patient/_history", f"/Patient/{made['id']}/_history"):
            self.assertEqual(self.fhir("GET", path)[2]["entry"][0]["resource"], made)
        metrics = fetch(self.server.url + "/metrics")[2].decode()
        self.assertIn('hilum_fhir_requests_total{interaction="create",status="201"} 1', metrics)
        self.assertIn('hilum_fhir_request_seconds_count{interaction="create"} 1', metrics)

    def test_a_cohort_is_counted_saved_refreshed_and_listed(self):
        for gender in ("female", "male"):
            made = self.create(patient(gender=gender))
            self.create({"resourceType": "Condition", "code": {"text": "x", "coding": [{"code": "c"}]},
                         "subject": {"reference": "Patient/" + made["id"]}, "onsetDateTime": "2020"})
        include = urllib.parse.urlencode([("include", "Condition?code=c"), ("include", "Patient?gender=female")])
        status, _, counted = self.fhir("GET", "/Group/$cohort?" + include)
        self.assertEqual(status, 200, counted)
        self.assertEqual(counted["parameter"][0], {"name": "patients", "valueUnsignedInt": 1})
        search = {"name": "search", "valueString": "Condition?code=c"}
        status, headers, saved = self.fhir("POST", "/Group/$cohort", {"resourceType": "Parameters", "parameter": [
            {"name": "include", "part": [search]}, {"name": "save", "valueBoolean": True}]})
        self.assertEqual(status, 201, saved)
        group = saved["parameter"][-1]["valueReference"]["reference"]
        self.assertIn(group, headers["Location"])
        self.assertEqual(self.fhir("POST", f"/{group}/$cohort")[0], 200)
        for level, lines in (("patient", 3), ("instance", 1)):
            status, headers, text = fetch(f"{self.fhir.base}/{group}/$cohort-list?_format=csv&level={level}")
            self.assertEqual((status, headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
            self.assertEqual(len(text.splitlines()), lines, text)
        _, headers, _ = fetch(f"{self.fhir.base}/{group}/$cohort-list", Accept="text/csv, */*;q=0.5")
        self.assertEqual(headers["Content-Type"], "text/csv; charset=utf-8")
        self.assert_refused(self.fhir("GET", "/Group/$cohort?include=Nothing"), 400)

    def test_everything_survives_a_restart(self):
        made = self.create(patient("Kept"))
        for n in range(9):
            self.create(patient(f"F{n}"))
        status, _, first = self.fhir("GET", "/Patient?_count=5")
        next_url = next(link["url"] for link in first["link"] if link["relation"] == "next")
        self.server.stop(9)
        self.server = Server(self.data)
        again = Fhir(self.server.url)
        self.assertEqual(again("GET", f"/Patient/{made['id']}")[2], made)
        self.assertEqual(len(again.search("/Patient?family=Kept")), 1)
        # Links of before the restart go on: the key that signs them is in the store.
        status, _, page = again("GET", again.base + next_url[next_url.index("/fhir") + 5:])
        self.assertEqual((status, len(page["entry"])), (200, 5))


class SettingsTest(FhirTest):
    def restart(self, *flags):
        self.server.stop()
        self.server = Server(self.data, *flags)
        self.fhir = Fhir(self.server.url)

    def test_after_a_restart_links_go_on_or_say_to_search_again(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(pathlib.Path(folder) / "data")
            try:
                fhir = Fhir(server.url)
                for number in range(4):
                    self.assertEqual(fhir("PUT", f"/Patient/p{number}", patient(id=f"p{number}"))[0], 201)
                form = "_count=2&_id=" + ",".join([f"p{number}" for number in range(4)] + ["x" * 60] * 120)

                def next_of(bundle, url):
                    link = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
                    return link.replace(link[:link.index("/fhir")], url)

                def search(fhir):
                    return fhir("POST", "/Patient/_search", form.encode(), content_type="application/x-www-form-urlencoded")[2]

                long, short = search(fhir), fhir("GET", "/Patient?_count=2&_sort=-_lastUpdated")[2]
                server.stop()
                server = Server(pathlib.Path(folder) / "data")
                fhir = Fhir(server.url)
                self.assertEqual([each["resource"]["id"] for each in fhir("GET", next_of(short, server.url))[2]["entry"]], ["p1", "p0"])
                status, _, outcome = fhir("GET", next_of(long, server.url))
                self.assertEqual((status, outcome["resourceType"]), (410, "OperationOutcome"))
                self.assertIn("send that search again", outcome["issue"][0]["diagnostics"])
                search(fhir)
                self.assertEqual([each["resource"]["id"] for each in fhir("GET", next_of(long, server.url))[2]["entry"]], ["p2", "p3"])
            finally:
                server.stop()

    def test_references_can_be_enforced(self):
        other = patient(id="x", link=[{"other": {"reference": "Patient/y"}, "type": "refer"}])
        self.assertEqual(self.fhir("PUT", "/Patient/x", other)[0], 201, "not enforced unless asked for")
        self.fhir("DELETE", "/Patient/x")
        self.restart("--fhir.references", "enforce")
        self.assert_refused(self.fhir("PUT", "/Patient/x", other), 409)
        self.assertEqual(self.fhir("PUT", "/Patient/y", patient(id="y"))[0], 201)
        self.assertEqual(self.fhir("PUT", "/Patient/x", other)[0], 201)
        self.assert_refused(self.fhir("DELETE", "/Patient/y"), 409)

    def test_the_index_follows_the_public_url_and_the_default_zone(self):
        self.fhir("PUT", "/Patient/a", patient(id="a", managingOrganization={"reference": "https://new.example/fhir/Organization/o"}))
        self.fhir("PUT", "/Organization/o", {"resourceType": "Organization", "id": "o", "name": "Clinic"})
        found = lambda: self.fhir("GET", "/Patient?organization.name=clinic")[2]["total"]
        self.assertEqual(found(), 0)
        self.restart("--http.public_url", "https://new.example", "--fhir.default_zone", "+01:00")
        self.assertEqual(found(), 1)
        self.restart()
        self.assertEqual(found(), 0)

    def test_pages_have_the_sizes_of_the_settings(self):
        self.restart("--fhir.default_count", "2", "--fhir.max_count", "3")
        for _ in range(5):
            self.create(patient())
        self.assertEqual([len(page) for page in self.fhir.pages("/Patient")], [2, 2, 1])
        self.assertEqual([len(page) for page in self.fhir.pages("/Patient?_count=100")], [3, 2])

    def test_a_client_whose_body_does_not_come_is_no_error_of_the_server(self):
        self.restart("--http.body_timeout", "500ms", "--http.body_rate", "1KiB", "--log.level", "error")

        def begin(rest):
            host, port = self.server.url.removeprefix("http://").split(":")
            client = socket.create_connection((host, int(port)), timeout=30)
            self.addCleanup(client.close)
            client.sendall(b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 100\r\n\r\n" + rest)
            return client

        begin(b"{").close()
        silent, dripping = begin(b"{"), begin(b"")
        for _ in range(4):
            dripping.sendall(b" ")
            time.sleep(0.25)
        for client in (silent, dripping):
            answer = client.makefile("rb").read()
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)
            self.assertIn(b"OperationOutcome", answer)
        metrics = fetch(self.server.url + "/metrics")[2].decode()
        self.assertNotRegex(metrics, r'hilum_fhir_requests_total\{[^}]*status="5')
        self.server.child.terminate()
        self.assertEqual(self.server.child.communicate(timeout=60)[1], "")


class BadInputTest(FhirTest):
    def test_bodies_that_are_no_resources(self):
        deep = b'{"resourceType":"Basic","extension":' + 5000 * b'[' + 5000 * b']' + b'}'
        for body in (b"", b"{", b"[]", b"null", b'{"resourceType":"Patient"', b'{"resourceType":"Observation"}', b'{"resourceType":"Nothing"}', b"\xff\xfe", deep,
                     b'{"resourceType":"Patient","active":true,"active":false}', b'{"resourceType":"Patient","\\u0061ctive":true}',
                     b'{"resourceType":"Patient","multipleBirthInteger":' + 100_000 * b"9" + b"}", b'{"resourceType":"Patient","gender":"\\ud800"}',
                     b'{"resourceType":"Patient","shoeSize":4}', b'{"resourceType":"Patient","birthDate":"yesterday"}', b"\xef\xbb\xbf{}"):
            with self.subTest(body=body[:60]):
                self.assert_refused(fetch_json(self.fhir.base + "/Patient", "POST", body), 400, 413, 422)
        self.assertEqual(self.fhir.search("/Patient"), [])

    def test_bundles_that_are_none(self):
        for body in (b"{}", b'{"resourceType":"Patient"}', b'{"resourceType":"Bundle","type":"collection"}', b'{"resourceType":"Bundle","type":"transaction","entry":[{}]}',
                     json.dumps(transaction(entry("POST", "Nothing", patient()))).encode(), json.dumps(transaction(entry("BREW", "Patient", patient()))).encode(),
                     json.dumps(transaction(entry("PUT", "Patient/a", patient(id="a")), entry("PUT", "Patient/a", patient(id="a")))).encode()):
            with self.subTest(body=body[:80]):
                self.assert_refused(fetch_json(self.fhir.base, "POST", body))

    def test_urls_and_parameters(self):
        for path, *statuses in (("/Nothing", 404), ("/Patient/none", 404), ("/Patient/" + 65 * "a", 400, 404), ("/Patient/a%2Fb", 400, 404), ("/Patient/%00", 400), ("/Patient/%zz", 400),
                                ("/$launch", 404), ("/Patient/1/2/3/4", 400, 404), ("/Patient?birthdate=zz2000", 400), ("/Patient?birthdate=2000-13-01", 400), ("/Observation?value-quantity=xx5", 400),
                                ("/Patient?_count=-1", 400), ("/Patient?_count=many", 400), ("/Patient?_cursor=AAAA", 400), ("/Patient?family=%ff", 400),
                                ("/Patient?_format=xml", 406), ("/Patient/_search", 404, 405)):
            with self.subTest(path=path):
                self.assert_refused(self.fhir("GET", path), *statuses)

    def test_a_cursor_that_was_tampered_with(self):
        for n in range(3):
            self.create(patient(f"F{n}"))
        status, _, bundle = self.fhir("GET", "/Patient?_count=1")
        url = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
        begin = url.index("_cursor=") + len("_cursor=")
        for at in range(begin, len(url), 3):
            forged = url[:at] + ("A" if url[at] != "A" else "B") + url[at + 1:]
            self.assert_refused(self.fhir("GET", forged), 400)
        self.assertEqual(self.fhir("GET", url)[0], 200)

    def test_ten_thousand_parameters(self):
        form = "&".join(f"family=F{n}" for n in range(10_000)).encode()
        self.assert_refused(self.fhir("POST", "/Patient/_search", form, "application/x-www-form-urlencoded"), 400, 413)
        values = ("family=" + ",".join(f"F{n}" for n in range(100_000))).encode()
        self.assertIn(self.fhir("POST", "/Patient/_search", values, "application/x-www-form-urlencoded")[0], (200, 400, 413))

    def test_a_form_of_more_than_a_megabyte(self):
        for path in ("/Patient/_search", "/_search"):
            form = b"_elements=" + b"id," * 500_000
            self.assert_refused(self.fhir("POST", path, form, "application/x-www-form-urlencoded"), 413)

    def test_chains_over_references_to_anything(self):
        for levels, end, statuses in ((4, "_id=x", (200,)), (15, "nonexistent=x", (200,)), (15, "_id=x", (413,)), (6, "_id:missing=true", (413,))):
            begin = time.monotonic()
            self.assertIn(self.fhir("GET", f"/Basic?{'subject.' * levels}{end}")[0], statuses)
            self.assertLess(time.monotonic() - begin, 20)

    def test_methods_and_media_types(self):
        self.fhir("PUT", "/Patient/1", patient(id="1"))
        self.assert_refused(self.fhir("GET", "/Patient/1", Accept="application/fhir+xml"), 406)
        self.assert_refused(self.fhir("POST", "/Patient", b"<Patient/>", "application/fhir+xml"), 415)
        self.assert_refused(self.fhir("PATCH", "/Patient/1", [], "application/json"), 415)
        self.assert_refused(self.fhir("PATCH", "/Patient/1", b"{}", "application/json-patch+json"), 400, 422)
        self.assert_refused(self.fhir("POST", "/Patient/_search", b"{}"), 415)
        answer = self.fhir("DELETE", "/metadata")
        self.assert_refused(answer, 405)
        self.assertEqual(answer[1]["Allow"], "GET, HEAD, OPTIONS")
        self.assert_refused(self.fhir("PROPFIND", "/Patient"), 405)
        status, headers, _ = self.fhir("OPTIONS", "/Patient/1")
        self.assertEqual((status, headers["Allow"]), (204, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"))
        self.assertEqual(self.fhir("GET", "/Patient/1?_format=json", Accept="text/html")[0], 200)

    def test_the_limit_of_bodies(self):
        self.server.stop()
        self.server = Server(self.data, "--fhir.max_body", "10KiB")
        self.fhir = Fhir(self.server.url)
        self.create(patient(9_000 * "x"))
        self.assert_refused(self.fhir("POST", "/Patient", patient(11_000 * "x")), 413)

    def test_memory_for_the_bodies_of_all_requests_is_bounded(self):
        self.server.stop()
        self.server = Server(self.data, "--fhir.max_body", "16MiB")
        self.fhir = Fhir(self.server.url)
        large = json.dumps(patient()).encode() + 15_000_000 * b" "

        def store_large(expected):
            """The headers of the answer once it has that status."""
            deadline = time.monotonic() + 20
            while True:
                status, headers, _ = fetch(self.server.url + "/fhir/Patient", "POST", large, Content_Type=JSON)
                if status == expected or time.monotonic() > deadline:
                    self.assertEqual(status, expected)
                    return headers
                time.sleep(0.2)

        port = int(self.server.url.rsplit(":", 1)[1])
        # When clients send most of their requests and no more
        stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        for client in stalled:
            client.sendall(b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 16000000\r\n\r\n")
            client.sendall(15_000_000 * b" ")
        self.assertEqual(store_large(503)["Retry-After"], "30")
        self.create(patient(500_000 * "x"))
        # Then there is room again when they are gone
        for client in stalled:
            client.close()
        store_large(201)

    def tearDown(self):
        self.assertEqual(fetch(self.server.url + "/readyz")[0], 200, "the server is still up")
        self.create(patient())


def fetch_json(url, method, body):
    status, headers, text = fetch(url, method, body, Content_Type=JSON)
    return status, headers, json.loads(text)


class CrashTest(FhirTest):
    def test_transactions_are_whole_or_absent_after_a_kill(self):
        acknowledged, counter = set(), itertools.count()

        def write(fhir):
            while True:
                name = f"T{next(counter)}"
                resources = [entry("POST", "Patient", patient(name), "urn:uuid:" + name)]
                resources += [entry("POST", "Observation", {"resourceType": "Observation", "status": "final", "code": {"text": name}, "subject": {"reference": "urn:uuid:" + name}})
                              for _ in range(20)]
                try:
                    status, _, answer = fhir("POST", "", transaction(*resources))
                except (OSError, ValueError):
                    return
                except Exception as broken:  # http.client has many names for a connection that ends
                    if "http.client" in type(broken).__module__:
                        return
                    raise
                assert status == 200, answer
                acknowledged.add(name)

        for delay in (0.3, 0.6, 1.0):
            writers = [threading.Thread(target=write, args=(self.fhir,)) for _ in range(4)]
            for writer in writers:
                writer.start()
            threading.Event().wait(delay)
            self.server.stop(9)
            for writer in writers:
                writer.join()
            self.server = Server(self.data)
            self.fhir = Fhir(self.server.url)
            people = {each["id"]: each["name"][0]["family"] for page in self.fhir.pages("/Patient?_count=1000") for each in page}
            observations = [each for page in self.fhir.pages("/Observation?_count=1000") for each in page]
            self.assertEqual(acknowledged - set(people.values()), set(), "acknowledged and lost")
            self.assertEqual(len(observations), 20 * len(people))
            counts = {}
            for each in observations:
                self.assertEqual(people[each["subject"]["reference"].removeprefix("Patient/")], each["code"]["text"])
                counts[each["code"]["text"]] = counts.get(each["code"]["text"], 0) + 1
            self.assertEqual(set(counts.values()) - {20}, set())
        self.assertGreater(len(acknowledged), 3)


if __name__ == "__main__":
    unittest.main()
