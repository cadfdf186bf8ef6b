"""The tour of the README, typed as it stands there, against a server of its own."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from program import serving


class ReadmeTest(unittest.TestCase):
    def test_the_tour_works_when_pasted(self):
        readme = (pathlib.Path(os.environ["SOURCE_FOLDER"]) / "README.md").read_text()
        blocks = re.findall(r"```sh\n(.*?)```", readme, re.S)
        tour = next(block for block in blocks if "BASE=" in block)
        self.assertIn("pkill -9", tour)
        with tempfile.TemporaryDirectory() as folder, serving(pathlib.Path(folder) / "data", "--demo") as server:
            # Another port, and a kill that meets our server only.
            script = tour.replace("http://127.0.0.1:8042", server.url).replace("pkill -9 -x hilum", f"kill -9 {server.child.pid}").replace("/tmp/", folder + "/")
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script.replace(" | head -", " | sed -n 1,")
                                   .replace("sed -n 1,40", "sed -n 1,40p").replace("sed -n 1,20", "sed -n 1,20p")],
                                  capture_output=True, text=True, timeout=120, env={**os.environ, "no_proxy": "*"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("CT of a phantom head", done.stdout)
            self.assertIn("131072", done.stdout, "the bytes of one frame")
            self.assertIn("00081199", done.stdout, "storing again is a success")
            self.assertIn('"201 Created"', done.stdout, "the transaction")
            self.assertIn('"value":80.50', done.stdout, "the search by chain and quantity")
            self.assertIn('"numberOfInstances":24', done.stdout, "the ImagingStudy")
            self.assertIn('"Lakes"', done.stdout, "the patch")
            _, _, both = done.stdout.partition('"birthDate":"1961-04-12"')
            self.assertIn('"total":1', both, "the Patient by record and images")
            self.assertIn('"A-1001"', both, "the study by images and record")
            self.assertIn('{"name":"patients","valueUnsignedInt":1}', done.stdout, "the cohort")
            self.assertEqual(server.child.wait(10), -9)
        self.assertIn("http://127.0.0.1:8042", tour)


if __name__ == "__main__":
    unittest.main()
