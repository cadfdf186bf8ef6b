"""Threads that write as hard as they can."""

import http.client
import random
import threading

from server import connect


class Worker(threading.Thread):
    """Writes until stopped or until the server is gone. Started once; make a new one for the next server."""

    def __init__(self, port, seed):
        super().__init__(daemon=True)
        self.port = port
        self.rng = random.Random(seed)
        self.stopping = threading.Event()
        self.unexpected = None  # an answer that no crash explains

    def run(self):
        connection = connect(self.port, timeout=30)
        while not self.stopping.is_set() and self.unexpected is None:
            try:
                self.one_write(connection)
            except (OSError, http.client.HTTPException):
                connection.close()
                if not self.goes_on():
                    return
        connection.close()

    def one_write(self, connection):
        raise NotImplementedError

    def goes_on(self):
        """After a broken connection."""
        return False
