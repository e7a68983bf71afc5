"""Names of headers are judged as leat judges them."""

import pathlib
import unittest

from leat_plugin.credentials import is_credential

# The list that a test in Go holds against what a host says.
NAMES = pathlib.Path(__file__).parents[2] / "node/test/fixtures/hidden.txt"


class Credentials(unittest.TestCase):
    def test_names_are_judged_as_the_host_judges_them(self) -> None:
        lines = NAMES.read_text(encoding="utf-8").splitlines()
        self.assertGreater(len(lines), 50)
        for line in lines:
            name, verdict = line.split()
            with self.subTest(name):
                self.assertEqual(is_credential(name), verdict == "hidden")


if __name__ == "__main__":
    unittest.main()
