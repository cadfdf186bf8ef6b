"""Clients that write images and records of the same studies as hard as they can: STOW, deletions at every level, Patients who
come, go, change and are merged, orders, reports, and edits of ImagingStudies, reviewers' choices among them.

Every client has studies and records of its own, so that it knows what must be there; what they have in common is what
links them: Patient IDs, accession numbers, and merges into each other's Patients."""

import time

from fhir_clients import Book, Client
from part10 import CT_IMAGE_STORAGE, element, part10
from server import store

MRN = "urn:hilum:crash:mrn"
REVIEW = "urn:hilum:review"
CHOICE = "urn:hilum:chosen-patient"
EDITED = "urn:crash:edited"
ROOT = "2.25.43"
PATIENT_IDS = ["P1", "P2", "P3", "P4"]
ACCESSIONS = ["A1", "A2", "A3"]
SERIES, SOPS = 3, 5


class LinkedBook(Book):
    """Keys: ("image", study, series, sop) -> Instance Number; ("record", type, id) -> resource; ("edit", study) -> the note
    of the ImagingStudy. A value of None is absence."""

    def __init__(self, number, seed, clients):
        super().__init__(number)
        self.studies = [f"{ROOT}.{seed}.{number + 1}.{i + 1}" for i in range(3)]
        self.everybodys_patients = [f"patient-{client}-{i}" for client in range(clients) for i in range(2)]
        self.said = {}  # study -> Patient ID and accession number that its images get
        self.whole = True  # whether what is in doubt happened together or not at all

    def doubt(self, changes, whole=True):
        self.whole = whole
        return super().doubt(changes)

    def images_of(self, study):
        return [key for key, value in self.known.items() if key[:2] == ("image", study) and value is not None]


class LinkedClient(Client):
    def one_write(self, connection):
        writes = [self.stow, self.delete_images, self.put_record, self.delete_record, self.several_records, self.edit]
        self.rng.choices(writes, [8, 3, 6, 1, 2, 3])[0](connection)

    def stow(self, connection):
        """Some instances, new ones and others over those that are there."""
        study = self.rng.choice(self.book.studies)
        shared = {"patient": self.rng.choice(PATIENT_IDS), "accession": self.rng.choice(["", *ACCESSIONS])}
        if self.book.images_of(study) and self.rng.random() < 0.85:
            shared = self.book.said[study]
        changes, bodies = {}, []
        for _ in range(self.rng.randrange(1, 6)):
            series = f"{study}.{self.rng.randrange(SERIES) + 1}"
            sop = f"{series}.{self.rng.randrange(SOPS) + 1}"
            key = ("image", study, series, sop)
            if key in changes:
                continue
            changes[key] = str(self.book.next_value())
            bodies.append(image(study, series, sop, changes[key], **shared))
        self.book.said[study] = shared
        with self.book.doubt(changes, whole=False):
            status, answer = store(connection, bodies)
            if status == 200:
                self.book.settle(changes)
            elif status == 503:
                time.sleep(0.05)
            else:
                self.unexpected = f"STOW of {len(bodies)} instances: status {status}: {answer[:500]!r}"

    def delete_images(self, connection):
        study = self.rng.choice(self.book.studies)
        images = self.book.images_of(study)
        if not images:
            return
        path, gone = f"/studies/{study}", images
        if self.rng.random() < 0.7:
            series, sop = self.rng.choice(images)[2:]
            path, gone = f"{path}/series/{series}", [key for key in images if key[2] == series]
            if self.rng.random() < 0.6:
                path, gone = f"{path}/instances/{sop}", [key for key in gone if key[3] == sop]
        changes = dict.fromkeys(gone)
        if len(gone) == len(images):
            changes[("edit", study)] = None
        with self.book.doubt(changes):
            connection.request("DELETE", "/dicom-web" + path)
            response = connection.getresponse()
            answer = response.read()
            if response.status == 204:
                self.book.settle(changes)
            elif response.status != 503:
                self.unexpected = f"DELETE {path}: status {response.status}: {answer[:500]!r}"

    def patient(self):
        number = self.rng.randrange(2)
        resource = {"resourceType": "Patient", "id": f"patient-{self.book.number}-{number}",
                    "multipleBirthInteger": self.book.next_value(),
                    "identifier": [{"system": MRN, "value": self.rng.choice(PATIENT_IDS)}]}
        if self.rng.random() < 0.3:
            resource["gender"] = self.rng.choice(["female", "male"])
        if self.rng.random() < 0.3:
            resource["birthDate"] = self.rng.choice(["1970-01-01", "1970", "1971-02-03"])
        if self.rng.random() < 0.3:
            resource["name"] = [{"family": self.rng.choice(["crash", "Other"])}]
        if self.rng.random() < 0.3:
            other = self.rng.choice(self.book.everybodys_patients)
            resource["link"] = [{"type": "replaced-by", "other": {"reference": f"Patient/{other}"}}]
        return resource

    def subject(self):
        if self.rng.random() < 0.4:
            return {"display": "crash test"}
        return {"reference": f"Patient/{self.rng.choice(self.book.everybodys_patients)}"}

    def order(self):
        identifier = {"value": self.rng.choice(ACCESSIONS)}
        if self.rng.random() < 0.2:
            identifier = {"system": "urn:dicom:uid", "value": f"urn:oid:{self.rng.choice(self.book.studies)}"}
        return {"resourceType": "ServiceRequest", "id": f"order-{self.book.number}-{self.rng.randrange(2)}",
                "identifier": [identifier], "status": self.rng.choices(["active", "entered-in-error"], [9, 1])[0],
                "intent": "order", "subject": self.subject(),
                "note": [{"text": str(self.book.next_value())}]}

    def report(self):
        order = {"reference": f"ServiceRequest/order-{self.book.number}-{self.rng.randrange(2)}"}
        named = self.rng.choice([{"identifier": [{"value": self.rng.choice(ACCESSIONS)}]}, {"basedOn": [order]}])
        return {"resourceType": "DiagnosticReport", "id": f"report-{self.book.number}-{self.rng.randrange(2)}",
                **named, "status": "final", "subject": self.subject(), "code": {"text": str(self.book.next_value())}}

    def record(self):
        return self.rng.choices([self.patient, self.order, self.report], [7, 2, 1])[0]()

    def put_record(self, connection):
        resource = self.record()
        changes = {key_of(resource): resource}
        with self.book.doubt(changes):
            if self.send(connection, "PUT", path_of(resource), resource):
                self.book.settle(changes)

    def delete_record(self, connection):
        resource = self.record()
        changes = {key_of(resource): None}
        with self.book.doubt(changes):
            if self.send(connection, "DELETE", path_of(resource), expected=(204,)):
                self.book.settle(changes)

    def several_records(self, connection):
        """All or nothing; two Patients may trade their identifiers."""
        resources = {path_of(resource): resource for resource in (self.record() for _ in range(3))}
        entries = [{"request": {"method": "PUT", "url": path[1:]}, "resource": resource} for path, resource in resources.items()]
        changes = {key_of(resource): resource for resource in resources.values()}
        with self.book.doubt(changes):
            if self.send(connection, "POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": entries}):
                self.book.settle(changes)

    def edit(self, connection):
        """A note, and an order by hand, in the ImagingStudy of stored images or of images to come."""
        study = self.rng.choice(self.book.studies)
        got = self.send(connection, "GET", f"/ImagingStudy?identifier={study_identifier(study)}")
        if got is None:
            return
        resources = [entry["resource"] for entry in got[2].get("entry", [])]
        resource = resources[0] if resources else self.new_study(connection, study)
        if resource is None:
            return
        path = path_of(resource)
        if resources and not self.book.images_of(study) and self.rng.random() < 0.5:
            changes = {("edit", study): None}
            with self.book.doubt(changes):
                if self.send(connection, "DELETE", path, expected=(204,)):
                    self.book.settle(changes)
            return
        if any(tag.get("system") == REVIEW for tag in resource.get("meta", {}).get("tag", [])) and self.rng.random() < 0.5:
            chosen = {"reference": f"Patient/{self.rng.choice(self.book.everybodys_patients)}"}
            resource["subject"] = {**chosen, "extension": [{"url": CHOICE, "valueReference": chosen}]}
        text = str(self.book.next_value())
        resource["note"] = [{"text": text}]
        for series in resource.get("series", []):
            series["extension"] = [{"url": EDITED, "valueString": text}]
        by_hand = {"display": "by hand"}
        if by_hand not in resource.setdefault("basedOn", []):
            resource["basedOn"].append(by_hand)
        condition = {"If-Match": f'W/"{resource["meta"]["versionId"]}"'} if resources else {}
        changes = {("edit", study): text}
        with self.book.doubt(changes):
            # 412: another client's record changed the ImagingStudy in between; 422: the Patient is not there.
            answer = self.send(connection, "PUT", path, resource, expected=(200, 201, 412, 422), **condition)
            if answer and answer[0] < 300:
                self.book.settle(changes)


    def new_study(self, connection, study):
        """Of images to come, under the UID of whichever study; None when that is taken."""
        taken = self.rng.choice([study, *self.book.studies])
        got = self.send(connection, "GET", f"/ImagingStudy/{taken}", expected=(200, 404, 410))
        if got is None or got[0] == 200:
            return None
        return {"resourceType": "ImagingStudy", "id": taken, "status": "registered", "subject": {"display": "crash test"},
                "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}]}


def study_identifier(study):
    return f"urn:dicom:uid%7Curn:oid:{study}"


def key_of(resource):
    return ("record", resource["resourceType"], resource["id"])


def path_of(resource):
    return f"/{resource['resourceType']}/{resource['id']}"


def image(study, series, sop, number, patient, accession):
    series_number = series.rsplit(".", 1)[1]
    data_set = b"".join([
        element(0x0008, 0x0016, "UI", CT_IMAGE_STORAGE),
        element(0x0008, 0x0018, "UI", sop),
        element(0x0008, 0x0020, "DA", "20240131"),
        element(0x0008, 0x0030, "TM", "101500"),
        element(0x0008, 0x0050, "SH", accession),
        element(0x0008, 0x0060, "CS", "MR" if series_number == "2" else "CT"),
        element(0x0008, 0x1030, "LO", f"Of {accession}" if accession else ""),
        element(0x0008, 0x103E, "LO", f"Series {series_number}"),
        element(0x0010, 0x0010, "PN", "Crash^Test"),
        element(0x0010, 0x0020, "LO", patient),
        element(0x0010, 0x0030, "DA", "19700101"),
        element(0x0010, 0x0040, "CS", "F"),
        element(0x0020, 0x000D, "UI", study),
        element(0x0020, 0x000E, "UI", series),
        element(0x0020, 0x0011, "IS", series_number),
        element(0x0020, 0x0013, "IS", number),
    ])
    return part10(CT_IMAGE_STORAGE, sop, data_set)
