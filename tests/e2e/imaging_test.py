"""Images and records as one archive: what a client sees of an ImagingStudy while images come and go."""
import json
import pathlib
import tempfile
import unittest

from program import fetch, run, serving, SMALL

JSON = "application/fhir+json"


class ImagingTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.data = pathlib.Path(self.folder.name) / "data"

    def get(self, server, path):
        status, _, body = fetch(server.url + path)
        return status, json.loads(body) if body else None

    def first_study(self, server):
        status, bundle = self.get(server, "/fhir/ImagingStudy?modality=CT&_count=1")
        self.assertEqual(status, 200)
        return bundle["entry"][0]["resource"]

    def test_the_resource_says_what_dicomweb_says(self):
        with serving(self.data, "--demo") as server:
            study = self.first_study(server)
            status, _, body = fetch(f"{server.url}/dicom-web/studies/{study['id']}/instances")
            self.assertEqual(status, 200)
            stored = {i["00080018"]["Value"][0] for i in json.loads(body)}
            told = {i["uid"] for series in study["series"] for i in series["instance"]}
            self.assertEqual(told, stored)
            self.assertEqual(study["numberOfInstances"], len(stored))
            status, endpoint = self.get(server, "/fhir/" + study["endpoint"][0]["reference"])
            self.assertEqual((status, endpoint["address"]), (200, server.url + "/dicom-web"))

    def test_notes_stay_images_rule_and_the_last_image_takes_it_along(self):
        with serving(self.data, "--demo") as server:
            study = self.first_study(server)
            url = f"{server.url}/fhir/ImagingStudy/{study['id']}"

            def put(resource):
                return fetch(url, "PUT", json.dumps(resource).encode(), Content_Type=JSON)[0]

            self.assertEqual(put({**study, "note": [{"text": "looked at"}]}), 200)
            self.assertEqual(put({**study, "numberOfInstances": 1}), 422)
            self.assertEqual(fetch(url, "DELETE")[0], 409)
            gone = study["series"][0]["instance"][0]["uid"]
            series = study["series"][0]["uid"]
            instance = f"{server.url}/dicom-web/studies/{study['id']}/series/{series}/instances/{gone}"
            self.assertIn(fetch(instance, "DELETE")[0], (200, 204))
            _, now = self.get(server, f"/fhir/ImagingStudy/{study['id']}")
            self.assertEqual(now["note"], [{"text": "looked at"}])
            self.assertEqual(now["numberOfInstances"], study["numberOfInstances"] - 1)
            self.assertNotIn(json.dumps(gone), json.dumps(now))
            _, first = self.get(server, f"/fhir/ImagingStudy/{study['id']}/_history/1")
            self.assertIn(json.dumps(gone), json.dumps(first))
            self.assertIn(fetch(f"{server.url}/dicom-web/studies/{study['id']}", "DELETE")[0], (200, 204))
            self.assertEqual(fetch(url)[0], 410)
        code, out, err = run("verify", "--deep", "--data", str(self.data), *SMALL)
        self.assertEqual(code, 0, out + err)

    def test_linking_can_be_off_and_made_up_for(self):
        with serving(self.data, "--demo", "--imaging.link=false") as server:
            self.assertEqual(self.get(server, "/fhir/ImagingStudy")[1]["total"], 0)
        with serving(self.data) as server:
            self.assertGreater(self.get(server, "/fhir/ImagingStudy")[1]["total"], 0)


if __name__ == "__main__":
    unittest.main()
