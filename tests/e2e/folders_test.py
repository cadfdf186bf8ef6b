"""The commands, on folders that are not as they should be: cut short, unreadable, somebody else's, full."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from program import ENVIRONMENT, HILUM, SMALL, Server, run, serving, wait_until

NOBODY = 65534
as_root = unittest.skipUnless(os.geteuid() == 0, "only root can act as somebody else")


class FoldersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"

    def refused(self, *command):
        code, output, error = run(*command, *SMALL)
        self.assertEqual(code, 1, output + error)
        self.assertNotIn("all good", output)
        return error

    def test_a_backup_that_was_cut_short_is_none(self):
        part = self.folder / "part"
        (part / "objects").mkdir(parents=True)
        (part / "kv").mkdir()
        for _ in range(2):  # without anything, then as RocksDB leaves it
            self.assertIn("cut short", self.refused("restore", "--from", str(part), "--data", str(self.folder / "new")))
            self.assertIn("cut short", self.refused("verify", "--data", str(part)))
            self.assertFalse((self.folder / "new").exists())
            self.assertFalse((part / "lock").exists(), "no store is made of it")
            (part / "kv" / "db.tmp").mkdir(exist_ok=True)

    def test_a_backup_has_its_name_once_it_is_whole(self):
        Server(self.data, "--demo").stop()
        to = self.folder / "backup"
        (self.folder / "backup.part").mkdir()
        self.assertIn("backup.part is what a backup left", self.refused("backup", "--data", str(self.data), "--to", str(to)))
        self.assertFalse(to.exists())
        (self.folder / "backup.part").rmdir()
        self.assertEqual(run("backup", "--data", str(self.data), "--to", str(to) + "/", *SMALL)[0], 0)
        self.assertTrue((to / "kv" / "db" / "CURRENT").exists())
        self.assertFalse((self.folder / "backup.part").exists())

    def test_a_server_that_dies_leaves_no_backup_that_seems_whole(self):
        with serving(self.data, "--demo") as server:
            command = [HILUM, "backup", "--data", str(self.data), "--to", str(self.folder / "backup")]
            for turn in range(8):
                with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as backup:
                    wait_until(lambda: (self.folder / "backup.part").exists() or backup.poll() is not None)
                    server.stop(signal.SIGKILL)
                    _, error = backup.communicate(timeout=60)
                if backup.returncode != 0:
                    self.assertIn("backup.part can be deleted", error)
                if (self.folder / "backup").exists():
                    code, output, error = run("verify", "--data", str(self.folder / "backup"), *SMALL)
                    self.assertEqual(code, 0, output + error)
                    self.assertIn("3 studies", output)
                for left in ("backup", "backup.part"):
                    shutil.rmtree(self.folder / left, ignore_errors=True)
                server = Server(self.data)
            server.stop()

    def test_restore_goes_neither_into_the_backup_nor_where_there_is_no_room(self):
        Server(self.data, "--demo").stop()
        self.assertIn("outside of it", self.refused("restore", "--from", str(self.data), "--data", str(self.data / "inside")))
        self.assertFalse((self.data / "inside").exists())
        # Holes take no room, but they would as a copy.
        with open(self.data / "objects" / "large", "wb") as large:
            try:
                large.truncate(1 << 43)
            except OSError:
                self.skipTest("no file can be that large here")
        self.assertIn("are free where", self.refused("restore", "--from", str(self.data), "--data", str(self.folder / "new")))
        self.assertFalse((self.folder / "new").exists())

    def test_restore_takes_a_file_system_of_its_own(self):
        Server(self.data, "--demo").stop()
        mount = self.folder / "mount"
        (mount / "lost+found").mkdir(parents=True)
        code, output, error = run("restore", "--from", str(self.data), "--data", str(mount), *SMALL)
        self.assertEqual(code, 0, output + error)

    def test_rows_that_are_gone_are_missed_whatever_a_crash_left(self):
        with serving(self.data, "--demo"):
            pass  # killed: its admin.json stays behind
        self.assertTrue((self.data / "admin.json").exists())
        shutil.rmtree(self.data / "kv")
        for command in (["serve", "--http", "127.0.0.1:0"], ["import", str(self.folder)], ["verify"]):
            self.assertIn("put that folder back", self.refused(*command, "--data", str(self.data)))

    def test_import_follows_links_to_files_and_names_those_to_folders(self):
        (self.folder / "elsewhere").mkdir()
        (self.folder / "elsewhere" / "a.txt").write_text("not DICOM")
        files = self.folder / "files"
        files.mkdir()
        (files / "folder").symlink_to(self.folder / "elsewhere")
        (files / "file.txt").symlink_to(self.folder / "elsewhere" / "a.txt")
        code, output, error = run("import", "--data", str(self.data), str(files), *SMALL)
        self.assertEqual(code, 1)
        self.assertIn("0 stored, 0 already there, 1 failed", output)
        self.assertIn("files/folder: a link to a folder is not followed", error)

    @as_root
    def test_import_misses_folders_that_it_may_not_read(self):
        files = self.folder / "files"
        (files / "locked").mkdir(parents=True, mode=0o700)
        (files / "open").mkdir()
        self.folder.chmod(0o755)
        self.data.mkdir()
        os.chown(self.data, NOBODY, NOBODY)
        done = subprocess.run([HILUM, "import", "--data", str(self.data), str(files), *SMALL], capture_output=True, text=True, env=ENVIRONMENT, user=NOBODY,
                              timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("files/locked: Permission denied", done.stderr)
        self.assertIn("0 stored, 0 already there, 0 failed, 1 folder not read", done.stdout)

    def test_import_counts_what_its_names_do_not_lead_to_as_files(self):
        files = self.folder / "files"
        files.mkdir()
        (files / "dangling").symlink_to(self.folder / "nowhere")
        code, output, error = run("import", "--data", str(self.data), str(files), *SMALL)
        self.assertEqual(code, 1)
        self.assertIn("0 stored, 0 already there, 1 failed\n", output)
        self.assertIn("dangling", error)

    @as_root
    def test_root_changes_nothing_in_the_folder_of_somebody_else(self):
        Server(self.data, "--demo").stop()
        os.chown(self.data, NOBODY, NOBODY)
        for command in (["verify"], ["import", str(self.folder)], ["backup", "--to", str(self.folder / "backup")]):
            self.assertIn(f"belongs to the user {NOBODY}", self.refused(*command, "--data", str(self.data)))

    def test_files_of_the_store_are_nobodys_standard_output(self):
        server = subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', HILUM, "serve", "--data", str(self.data), "--http", "127.0.0.1:0",
                                   "--log.level", "debug", *SMALL[:4]], env=ENVIRONMENT)
        try:
            self.assertTrue(wait_until(lambda: (self.data / "admin.json").exists(), seconds=30))
        finally:
            server.terminate()
            self.assertEqual(server.wait(60), 0)
        self.assertEqual((self.data / "lock").stat().st_size, 0)


if __name__ == "__main__":
    unittest.main()
