"""Reads a server that holds images and records, and finds out anew what it must say of them: every ImagingStudy out of the
DICOM search and of all Patients and orders, every search out of what reading gives, every resource and instance out of
the change logs. Knows nothing of how the server does it."""

import json
from collections import defaultdict

from fhir_clients import fetch
from linked_clients import CHOICE, EDITED, MRN, REVIEW
from server import Failure, get, search, value

UID_SYSTEM = "urn:dicom:uid"
REPORT = "urn:hilum:report"
ORIGIN = "urn:hilum:origin"
REPLACED = "urn:hilum:replaced-patient"
DICOM_CODES = "http://dicom.nema.org/resources/ontology/DCM"
TYPES = ["DiagnosticReport", "ImagingStudy", "Patient", "ServiceRequest"]
MERGES = 16


def must(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: is {got}, must be {wanted}")


def found(port, url):
    """All matches of a FHIR search, page by page: id -> resource."""
    resources = {}
    while url:
        status, bundle = fetch(port, url)
        must(status, 200, f"GET {url}")
        for entry in bundle.get("entry", []):
            resource = entry["resource"]
            if resource["id"] in resources:
                raise Failure(f"{url} finds {resource['id']} twice")
            resources[resource["id"]] = resource
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        url = following[0].split("/fhir", 1)[1] if following else None
    return resources


class Archive:
    """What there is, by reading."""

    def __init__(self, port, policy):
        self.port, self.policy = port, policy
        self.resources = {type: found(port, f"/{type}?_count=50") for type in TYPES}
        self.studies = {value(row, "0020000D"): row for row in search(port, "/studies?includefield=StudyDescription")}
        self.series, self.images, self.patient_ids = {}, {}, {}
        for study in self.studies:
            for row in search(port, f"/studies/{study}/series"):
                self.series[(study, value(row, "0020000E"))] = row
            for row in search(port, f"/studies/{study}/instances"):
                self.images[(study, value(row, "0020000E"), value(row, "00080018"))] = row
            status, metadata = get(port, f"/studies/{study}/metadata", "application/dicom+json")
            must(status, 200, f"metadata of study {study}")
            self.patient_ids[study] = {value(row, "00100020") for row in json.loads(metadata)}

    def imaging_studies(self, study):
        """Those that say they are of the study."""
        identifier = {"system": UID_SYSTEM, "value": f"urn:oid:{study}"}
        return [one for one in self.resources["ImagingStudy"].values() if has_identifier(one, identifier)]

    def survivor(self, patient):
        """Who is there after all merges; None: nobody."""
        patients = self.resources["Patient"]
        for _ in range(MERGES + 1):
            if patient not in patients:
                return None
            links = [link for link in patients[patient].get("link", []) if link["type"] == "replaced-by"]
            if not links:
                return patient
            patient = links[0]["other"]["reference"].split("/")[1]
        return None

    def replaced(self, patient):
        """Patients on the way from this one to its survivor."""
        on_the_way, survivor = set(), self.survivor(patient)
        while survivor and patient != survivor:
            on_the_way.add(patient)
            links = self.resources["Patient"][patient]["link"]
            patient = next(link for link in links if link["type"] == "replaced-by")["other"]["reference"].split("/")[1]
        return on_the_way

    def subject_and_review(self, study):
        subject, review, patient = self.subject_review_and_patient(study)
        foreign = any(self.belonging(type, study)[1] for type in ("ServiceRequest", "DiagnosticReport"))
        chosen = chosen_patient(self.imaging_studies(study)[0])
        return subject, review + (["record-mismatch"] if foreign and not chosen else [])

    def subject_review_and_patient(self, study):
        """And who it is of, named or not; None: nobody that is known."""
        identifier = {"system": MRN, "value": value(self.studies[study], "00100020")}
        subject = {"type": "Patient", "identifier": identifier}
        if chosen := chosen_patient(self.imaging_studies(study)[0]):
            # A choice whose Patient has gone has gone with it.
            patient = self.survivor(chosen)
            if patient is None:
                return {**subject, "extension": [choice(chosen)]}, ["patient-ambiguous"], None
            extensions = [choice(chosen), *map(replaced_patient, self.replaced(chosen))]
            return {**subject, "extension": extensions, "reference": f"Patient/{patient}"}, [], patient
        images = ["images-mismatch"] if len(self.patient_ids[study]) > 1 else []
        patients = {id: one for id, one in self.resources["Patient"].items() if has_identifier(one, identifier)}
        # Those that were made of images yield to others.
        theirs = [id for id, one in patients.items() if not is_made(one)]
        mine = theirs or list(patients)
        survivors = {self.survivor(id) for id in mine}
        sure = theirs and len(survivors) == 1 and not survivors & {None, *(set(patients) - set(theirs))}
        yielded = {id for id, one in patients.items() if is_made(one) and one.get("link")}
        must(yielded, set(patients) - set(theirs) if sure else set(),
             f"Patients made of images who yield, study {study}")
        mine += [id for id in yielded if id not in mine]
        if not mine:
            return subject, images + (["patient-unknown"] if self.policy == "quarantine" else []), None
        if len(survivors) > 1 or None in survivors:
            return subject, images + ["patient-ambiguous"], None
        patient = survivors.pop()
        review = images + (["patient-mismatch"] if mismatch(self.resources["Patient"][patient]) else [])
        if not review or self.policy != "quarantine":
            subject["reference"] = f"Patient/{patient}"
            if replaced := set().union(*map(self.replaced, mine)):
                subject["extension"] = [replaced_patient(one) for one in replaced]
        return subject, review, patient

    def belonging(self, type, study):
        """Orders or reports: those that are linked, and those that are not because they are of another Patient."""
        patient = self.subject_review_and_patient(study)[2]
        wanted = [{"system": UID_SYSTEM, "value": f"urn:oid:{study}"}]
        if accession := value(self.studies[study], "00080050"):
            wanted.append({"value": accession})
        orders = self.belonging("ServiceRequest", study)[0] if type == "DiagnosticReport" else []
        linked, foreign = [], []
        for id, record in self.resources[type].items():
            based = any(one["reference"] in orders for one in record.get("basedOn", []))
            if record["status"] == "entered-in-error" or not based and not any(has_identifier(record, one) for one in wanted):
                continue
            of = self.survivor(record.get("subject", {}).get("reference", "/").split("/")[1])
            likely = not patient and of and (has_identifier(record, wanted[0]) or self.is_likely(of, study))
            (linked if not of or of == patient or likely else foreign).append(f"{type}/{id}")
        return sorted(linked), sorted(foreign)

    def is_likely(self, patient, study):
        """Whether a study of no known Patient may well be of this one."""
        identifier = {"system": MRN, "value": value(self.studies[study], "00100020")}
        resource = self.resources["Patient"][patient]
        return has_identifier(resource, identifier) and not mismatch(resource)

    def series_of(self, study):
        series = [uid for of, uid in self.series if of == study]
        return [self.one_series(study, uid) for uid in sorted(series, key=lambda uid: value(self.series[(study, uid)], "00200011"))]

    def one_series(self, study, series):
        row = self.series[(study, series)]
        images = [(value(image, "00200013"), sop, value(image, "00080016"))
                  for (of, within, sop), image in self.images.items() if (of, within) == (study, series)]
        must(value(row, "00201209"), len(images), f"instances of series {series} as QIDO counts them")
        instances = [{"uid": sop, "number": number, "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{sop_class}"}}
                     for number, sop, sop_class in sorted(images)]
        return {"uid": series, "number": value(row, "00200011"), "description": value(row, "0008103E"),
                "modality": {"system": DICOM_CODES, "code": value(row, "00080060")},
                "numberOfInstances": len(images), "instance": instances}


def replaced_patient(patient):
    return {"url": REPLACED, "valueReference": {"reference": f"Patient/{patient}"}}


def is_made(patient):
    return {"system": ORIGIN, "code": "images"} in patient.get("meta", {}).get("tag", [])


def unordered(subject):
    """A subject whose extensions compare in whatever order."""
    return {**subject, "extension": sorted(subject.get("extension", []), key=json.dumps)}


def patients_of(study):
    """Of whom searches find the study."""
    subject = study["subject"]
    references = [one["valueReference"] for one in subject.get("extension", []) if one["url"] == REPLACED]
    return {one["reference"] for one in [subject, *references] if "reference" in one}


def choice(patient):
    return {"url": CHOICE, "valueReference": {"reference": f"Patient/{patient}"}}


def chosen_patient(study):
    for extension in study["subject"].get("extension", []):
        if extension["url"] == CHOICE:
            return extension["valueReference"]["reference"].split("/")[1]
    return None


def reports_of(study):
    return [one["valueReference"]["reference"] for one in study.get("extension", []) if one["url"] == REPORT]


def has_identifier(resource, identifier):
    """With the same system, or without one as well."""
    return any(all(one.get(key) == identifier.get(key) for key in ("system", "value")) for one in resource.get("identifier", []))


def mismatch(patient):
    """With Crash^Test, 1970-01-01, F."""
    family = patient.get("name", [{"family": "Crash"}])[0]["family"]
    return patient.get("gender") == "male" or not "1970-01-01".startswith(patient.get("birthDate", "")) or family.lower() != "crash"


def without_additions(series, study):
    """Clients add to each series what their note says, and nothing to those that come later."""
    for extension in series.get("extension", []):
        must(extension, {"url": EDITED, "valueString": study["note"][0]["text"]}, f"extension of series {series['uid']}")
    return {key: value for key, value in series.items() if key != "extension"}


def check_imaging_study(archive, study):
    row, resources = archive.studies[study], archive.imaging_studies(study)
    must(len(resources), 1, f"ImagingStudies of study {study}")
    resource = resources[0]
    what = f"ImagingStudy/{resource['id']}"
    uids = [one["value"] for one in resource["identifier"] if one.get("system") == UID_SYSTEM]
    must(uids, [f"urn:oid:{study}"], f"studies of {what}")
    series = archive.series_of(study)
    count = sum(len(one["instance"]) for one in series)
    subject, review = archive.subject_and_review(study)
    must([without_additions(one, resource) for one in resource["series"]], series, f"{what}.series")
    must((resource["numberOfSeries"], resource["numberOfInstances"]), (len(series), count), f"counts of {what}")
    must((value(row, "00201206"), value(row, "00201208")), (len(series), count), f"counts of study {study}")
    must(resource["status"], "available", f"{what}.status")
    must([one["value"] for one in resource["identifier"] if one.get("system") != UID_SYSTEM],
         [accession] if (accession := value(row, "00080050")) else [], f"accession numbers of {what}")
    must(resource.get("description"), value(row, "00081030"), f"{what}.description")
    must(resource["started"], "2024-01-31T10:15:00+00:00", f"{what}.started")
    must({one["code"] for one in resource["modality"]}, {one["modality"]["code"] for one in series}, f"{what}.modality")
    must(set(row["00080061"]["Value"]), {one["modality"]["code"] for one in series}, f"modalities of study {study}")
    must(unordered(resource["subject"]), unordered(subject), f"{what}.subject")
    must([tag["code"] for tag in resource["meta"].get("tag", []) if tag["system"] == REVIEW], review, f"review of {what}")
    orders = [one["reference"] for one in resource.get("basedOn", []) if "reference" in one]
    must(sorted(orders), archive.belonging("ServiceRequest", study)[0], f"{what}.basedOn")
    must(sorted(reports_of(resource)), archive.belonging("DiagnosticReport", study)[0], f"reports of {what}")


def check_searches(archive, rng):
    """What the index finds is what is there."""
    studies = archive.resources["ImagingStudy"]
    of_study = {uid: archive.imaging_studies(uid)[0]["id"] for uid in archive.studies}
    derived = {id: studies[id] for id in of_study.values()}

    def finds(query, wanted):
        must(set(found(archive.port, f"/ImagingStudy?{query}")), set(wanted), f"ImagingStudy?{query}")

    for patient in archive.resources["Patient"]:
        linked = {id for id, study in studies.items() if f"Patient/{patient}" in patients_of(study)}
        finds(f"patient=Patient/{patient}", linked)
        if linked:
            finds(f"patient:Patient.identifier={MRN}|{archive.resources['Patient'][patient]['identifier'][0]['value']}",
                  {id for id, study in studies.items() if shares_identifier(archive, study, patient)})
    for order in archive.resources["ServiceRequest"]:
        reference = {"reference": f"ServiceRequest/{order}"}
        finds(f"basedon=ServiceRequest/{order}", {id for id, study in studies.items() if reference in study.get("basedOn", [])})
    for report in archive.resources["DiagnosticReport"]:
        reported = {id for id, study in studies.items() if f"DiagnosticReport/{report}" in reports_of(study)}
        finds(f"report=DiagnosticReport/{report}", reported)
    for code in ("CT", "MR"):
        finds(f"modality={code}", {id for id, study in derived.items() if code in {one["code"] for one in study["modality"]}})
    for code in ("patient-unknown", "patient-ambiguous", "patient-mismatch", "images-mismatch", "record-mismatch"):
        tag = {"system": REVIEW, "code": code}
        finds(f"_tag={REVIEW}|{code}", {id for id, study in studies.items() if tag in study["meta"].get("tag", [])})
    images = sorted(archive.images)
    for study, series, sop in rng.sample(images, min(10, len(images))):
        finds(f"series={series}", {of_study[study]})
        finds(f"instance={sop}", {of_study[study]})
        finds(f"identifier=urn:dicom:uid|urn:oid:{study}", {of_study[study]})


def shares_identifier(archive, study, patient):
    identifier = archive.resources["Patient"][patient]["identifier"][0]
    others = [archive.resources["Patient"].get(reference.split("/")[1]) for reference in patients_of(study)]
    return any(other is not None and has_identifier(other, identifier) for other in others)


def check_changes(archive, rng, before):
    """The log of resources; `before`: as it was read earlier. Returns it."""
    log, since, more = [], 0, True
    while more:
        status, body = get(archive.port, f"/fhir/changes?since={since}", "application/fhir+ndjson", root="")
        must(status, 200, f"changes since {since}")
        *changes, end = [json.loads(line) for line in body.splitlines()]
        log, since, more = log + changes, end["next"], end["more"]
    must(log[:len(before)], before, "what the change log said before")
    sequences = [change["seq"] for change in log]
    must(sequences, sorted(set(sequences)), "the order of the change log")
    by_resource = defaultdict(list)
    for change in log:
        by_resource[(change["type"], change["id"])].append(change)
    for (type, id), changes in by_resource.items():
        must([int(change["versionId"]) for change in changes], list(range(1, len(changes) + 1)), f"versions of {type}/{id} in the log")
        deleted = changes[-1]["operation"] == "delete"
        if type in TYPES:
            must(id not in archive.resources[type], deleted, f"that {type}/{id} is deleted")
        if type in TYPES and not deleted:
            must(archive.resources[type][id]["meta"]["versionId"], changes[-1]["versionId"], f"the version of {type}/{id}")
    for type in TYPES:
        for id in archive.resources[type]:
            if (type, id) not in by_resource:
                raise Failure(f"{type}/{id} is not in the change log")
    for type, id in rng.sample(sorted(by_resource), min(8, len(by_resource))):
        check_history(archive.port, type, id, by_resource[(type, id)])
    return log


def check_history(port, type, id, changes):
    history, url = [], f"/{type}/{id}/_history?_count=50"
    while url:
        status, bundle = fetch(port, url)
        must(status, 200, f"GET {url}")
        history += [entry["response"]["etag"] for entry in bundle["entry"]]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        url = following[0].split("/fhir", 1)[1] if following else None
    must(history, [f'W/"{change["versionId"]}"' for change in reversed(changes)], f"the history of {type}/{id}")


def check_feed(archive, before):
    """The DICOM change feed, likewise."""
    feed = []
    while True:
        status, body = get(archive.port, f"/changefeed?offset={len(feed)}&limit=200&includeMetadata=false", "application/json")
        must(status, 200, "the change feed")
        page = json.loads(body)
        feed += page
        if not page:
            break
    lasting = [{key: entry[key] for key in entry if key != "State"} for entry in feed]
    must(lasting[:len(before)], before, "what the change feed said before")
    must([entry["Sequence"] for entry in feed], list(range(1, len(feed) + 1)), "the sequences of the change feed")
    newest = {}
    for entry in feed:
        newest[(entry["StudyInstanceUid"], entry["SeriesInstanceUid"], entry["SopInstanceUid"])] = entry
    for name, entry in newest.items():
        there = name in archive.images
        must((entry["Action"] != "delete", entry["State"]), (there, "current" if there else "deleted"), f"the last change of {name}")
    must({name for name, entry in newest.items() if entry["Action"] != "delete"}, set(archive.images), "instances in the feed")
    return lasting


def check_books(archive, books):
    """What was acknowledged is there; what was in doubt is settled by what is seen."""
    for book in books:
        seen = {key: as_seen(archive, key) for key in [*book.known, *book.in_doubt]}
        new = {key: seen[key] == wanted for key, wanted in book.in_doubt.items()}
        old = {key: seen[key] == book.known.get(key) for key in book.in_doubt}
        if book.whole and new and not all(new.values()) and not all(old.values()):
            raise Failure(f"a write is neither whole nor absent: wanted {book.in_doubt}, is {seen}")
        for key in seen:
            if not (new.get(key) or seen[key] == book.known.get(key)):
                raise Failure(f"LOST: {key} must be {book.known.get(key)}, but is {seen[key]}")
        book.known.update({key: seen[key] for key in book.in_doubt})
        book.in_doubt = {}
    strange = set(archive.images) - {key[1:] for book in books for key in book.known}
    if strange:
        raise Failure(f"instances that nobody stored: {sorted(strange)[:3]}")


def as_seen(archive, key):
    if key[0] == "image":
        row = archive.images.get(key[1:])
        return row and str(value(row, "00200013"))
    if key[0] == "edit":
        notes = [note for one in archive.imaging_studies(key[1]) for note in one.get("note", [])]
        return notes[0]["text"] if notes else None
    resource = archive.resources[key[1]].get(key[2])
    return resource and {name: part for name, part in resource.items() if name != "meta"}


def check(port, policy, books, logs, rng):
    """Raises Failure. `logs`: what this returned the last time, ([], []) the first; nobody writes meanwhile."""
    archive = Archive(port, policy)
    check_books(archive, books)
    for study in archive.studies:
        check_imaging_study(archive, study)
    with_images = [archive.imaging_studies(study)[0]["id"] for study in archive.studies]
    must(len(with_images), len(set(with_images)), "ImagingStudies of all studies")
    for id, resource in archive.resources["ImagingStudy"].items():
        if id not in with_images:
            must(resource["status"], "registered", f"the status of ImagingStudy/{id} without images")
    check_searches(archive, rng)
    return check_changes(archive, rng, logs[0]), check_feed(archive, logs[1])
