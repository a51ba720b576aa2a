#!/usr/bin/python3
"""What `cmake --install` puts where, and that it works there."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from testbed import Server  # noqa: E402


class Installed(unittest.TestCase):
    def setUp(self):
        self.prefix = pathlib.Path(tempfile.mkdtemp(prefix="skein-install-"))
        self.addCleanup(shutil.rmtree, self.prefix)
        subprocess.run(["cmake", "--install", os.environ["SKEIN_BUILD"], "--prefix", str(self.prefix)], check=True,
                       stdout=subprocess.DEVNULL)

    def test_everything_is_there_and_nothing_else(self):
        folders = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if path.is_dir()}
        self.assertEqual({"bin", "share", "share/skein", "share/doc", "share/doc/skein", "share/doc/skein/docs"}, folders)
        self.assertEqual(["skein-server"], [path.name for path in (self.prefix / "bin").iterdir()])
        share = self.prefix / "share"
        self.assertEqual({"skein.conf", "cluster-node.conf"}, {path.name for path in (share / "skein").iterdir()})
        source = pathlib.Path(__file__).resolve().parents[2]
        self.assertEqual({path.name for path in (source / "docs").glob("*.md")},
                         {path.name for path in (share / "doc/skein/docs").iterdir()})
        for name in ("LICENSE", "README.md", "CHANGELOG.md"):
            self.assertEqual((source / name).read_bytes(), (share / "doc/skein" / name).read_bytes())

    def test_the_server_starts_with_an_installed_file(self):
        server = Server(str(self.prefix / "bin/skein-server"), arguments=[self.prefix / "share/skein/cluster-node.conf"])
        server.start()
        self.addCleanup(server.stop)
        self.assertEqual(b"OK", server.ask("CONFIG", "RESETSTAT"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
