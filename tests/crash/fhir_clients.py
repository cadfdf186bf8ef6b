"""Clients that write FHIR resources as hard as they can, and what they know must be there afterwards.

Every client has resources of its own, so that it knows what each must say: `acknowledged` or, when the last answer never
came, `in_doubt`. Codes that all clients race for are shared: conditional creates of one make at most one resource."""

import json
import time

from clients import Worker
from server import Failure, get

SYSTEM = "urn:hilum:crash"
SHARED_CODES = 60


class Client(Worker):
    """What is in doubt when the connection breaks stays so until it is looked up: a new Client with the same Book goes on."""

    def __init__(self, port, book, seed):
        super().__init__(port, seed)
        self.book = book

    def one_write(self, connection):
        write = self.rng.choices([self.create, self.update, self.delete, self.transaction, self.conditional], [4, 4, 1, 4, 3])[0]
        write(connection)

    def send(self, connection, method, path, body=None, expected=(200, 201), **headers):
        """The answer's status, headers and body; None when it is not one of those expected."""
        text = None if body is None else json.dumps(body)
        connection.request(method, "/fhir" + path, text, {"Content-Type": "application/fhir+json", **headers})
        response = connection.getresponse()
        answer = response.read()
        if response.status in expected:
            return response.status, response.headers, json.loads(answer) if answer else None
        if response.status == 503:
            time.sleep(0.05)
        else:
            self.unexpected = f"{method} {path}: status {response.status}: {answer[:500]!r}"
        return None

    def create(self, connection):
        """A POST that is not answered leaves a resource with a mark that may or may not be found."""
        mark = self.book.new_mark()
        with self.book.doubt({("mark", mark): 1}):
            if self.send(connection, "POST", "/Basic", basic(mark), expected=(201,)):
                self.book.settle({("mark", mark): 1})

    def update(self, connection):
        name, value = self.rng.choice(self.book.names), self.book.next_value()
        with self.book.doubt({("resource", name): value}):
            if self.send(connection, "PUT", f"/Patient/{name}", patient(name, value)):
                self.book.settle({("resource", name): value})

    def delete(self, connection):
        name = self.rng.choice(self.book.names)
        with self.book.doubt({("resource", name): None}):
            if self.send(connection, "DELETE", f"/Patient/{name}", expected=(204,)):
                self.book.settle({("resource", name): None})

    def transaction(self, connection):
        """Updates two resources to one value, deletes or updates a third and creates some: all or nothing."""
        first, second, third = self.rng.sample(self.book.names, 3)
        value, mark, many = self.book.next_value(), self.book.new_mark(), self.rng.randrange(1, 40)
        entries = [put(patient(first, value)), put(patient(second, value)), *(post(basic(mark)) for _ in range(many))]
        changes = {("resource", first): value, ("resource", second): value, ("mark", mark): many}
        if self.rng.random() < 0.5:
            entries.append({"request": {"method": "DELETE", "url": f"Patient/{third}"}})
            changes[("resource", third)] = None
        self.rng.shuffle(entries)
        with self.book.doubt(changes):
            if self.send(connection, "POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": entries}):
                self.book.settle(changes)

    def conditional(self, connection):
        code = f"shared-{self.rng.randrange(SHARED_CODES)}"
        with self.book.doubt({("shared", code): 1}):
            if self.send(connection, "POST", "/Basic", basic(code), **{"If-None-Exist": f"identifier={SYSTEM}|{code}"}):
                self.book.settle({("shared", code): 1})


def basic(mark):
    return {"resourceType": "Basic", "identifier": [{"system": SYSTEM, "value": mark}], "code": {"text": "crash test"}}


def patient(name, value):
    return {"resourceType": "Patient", "id": name, "identifier": [{"system": SYSTEM, "value": f"{name}-{value}"}],
            "name": [{"family": f"Value {value}"}], "multipleBirthInteger": value}


def put(resource):
    return {"request": {"method": "PUT", "url": f"Patient/{resource['id']}"}, "resource": resource}


def post(resource):
    return {"request": {"method": "POST", "url": "Basic"}, "resource": resource}


class Book:
    """What one client knows; used by its thread, and by the verification when that has ended."""

    def __init__(self, number, resources=8):
        self.number = number
        self.names = [f"crash-{number}-{i}" for i in range(resources)]
        self.known = {}  # (kind, name) -> value that was acknowledged
        self.in_doubt = {}  # changes of one write of which no answer came
        self.next = 0
        self.acknowledged = 0

    def next_value(self):
        self.next += 1
        return self.next

    def new_mark(self):
        return f"mark-{self.number}-{self.next_value()}"

    def doubt(self, changes):
        self.in_doubt = changes
        return Doubt(self)

    def settle(self, changes):
        self.known.update(changes)
        self.acknowledged += 1
        self.in_doubt = {}


class Doubt:
    """Clears what is in doubt unless the connection broke: any answer settles it."""

    def __init__(self, book):
        self.book = book

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.book.in_doubt = {}


def fetch(port, path):
    status, body = get(port, path, accept="application/fhir+json", root="/fhir")
    return status, json.loads(body) if body else None


def count(port, kind, code):
    status, bundle = fetch(port, f"/{kind}?identifier={SYSTEM}|{code}&_summary=count")
    if status != 200:
        raise Failure(f"search for {code}: status {status}: {bundle}")
    return bundle["total"]


def read_value(port, name):
    """What the resource says, by reading it; None when it is deleted or was never there."""
    status, resource = fetch(port, f"/Patient/{name}")
    if status in (404, 410):
        return None
    if status != 200:
        raise Failure(f"GET Patient/{name}: status {status}: {resource}")
    value = resource["multipleBirthInteger"]
    if resource != {**resource, **patient(name, value)}:
        raise Failure(f"Patient/{name} is not as it was written: {resource}")
    if count(port, "Patient", f"{name}-{value}") != 1:
        raise Failure(f"Patient/{name} says {value}, but is not found by it")
    return value


def found(port, key):
    kind, name = key
    return read_value(port, name) if kind == "resource" else count(port, "Basic", name)


def verify_book(port, book, rng, sample):
    """Raises Failure. `sample` of the marks are looked up besides what is in doubt; None: all."""
    seen = {key: found(port, key) for key in book.in_doubt}
    happened = [seen[key] == value for key, value in book.in_doubt.items() if key[0] != "shared"]
    before = [seen[key] == absent(book, key) for key in book.in_doubt if key[0] != "shared"]
    if happened and not all(happened) and not all(before):
        raise Failure(f"a write is neither whole nor absent: wanted {book.in_doubt}, was "
                      f"{ {key: absent(book, key) for key in book.in_doubt} }, is {seen}")
    for key, value in seen.items():
        if key[0] == "shared" and value > 1:
            raise Failure(f"conditional creates made {value} resources of {key[1]}")
    if happened and all(happened):
        book.known.update(book.in_doubt)  # what was visible must stay
    book.in_doubt = {}
    marks = [key for key in book.known if key[0] == "mark"]
    if sample is not None and len(marks) > sample:
        marks = rng.sample(marks, sample)
    keys = marks + [key for key in book.known if key[0] != "mark"]
    for key in keys:
        value = found(port, key)
        if value != book.known[key]:
            raise Failure(f"LOST: {key} must be {book.known[key]}, but is {value}")
    return len(keys)


def absent(book, key):
    return book.known.get(key, None if key[0] == "resource" else 0)
