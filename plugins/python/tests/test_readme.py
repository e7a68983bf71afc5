"""The README's example of a stage that sends again."""

import functools
import os
import unittest

from tests.host import ROOT

from leat_plugin import Request, Response, StageError
from leat_plugin.testing import run


@functools.lru_cache
def patient():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read().partition("<!-- tests/test_readme.py runs this -->")[2]
    scope = {"__name__": "readme"}
    exec(text.partition("```python\n")[2].partition("```")[0], scope)
    return scope["patient"]


class Patient(unittest.TestCase):
    def sends(self, came, method="GET", **headers):
        """Runs the stage around an upstream that always does the same."""

        def upstream(req):
            if isinstance(came, StageError):
                raise came
            return Response(came)

        self.sent = []
        request = Request(method, headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            done = run(
                patient(), request=request, next=lambda r: self.sent.append(r) or upstream(r)
            )
        except StageError as err:
            self.assertEqual((err.kind, err.class_), (came.kind, came.class_))
            return len(self.sent)
        self.assertEqual((done.response.status, done.attempts), (came, len(self.sent)))
        self.assertEqual(done.waits, [0.2, 0.4][: len(self.sent) - 1])
        return len(self.sent)

    def test_it_repeats_what_may_be_repeated(self):
        unknown = StageError("network", "reset", class_="unknown")
        unsent = StageError("network", "refused", class_="not_sent")
        for came, method, more, want in (
            (200, "GET", {}, 1),
            (404, "GET", {}, 1),
            (503, "GET", {}, 3),
            (503, "POST", {}, 1),
            (503, "POST", {"idempotency_key": "1"}, 3),
            (429, "POST", {}, 3),
            (unknown, "POST", {}, 1),
            (unknown, "PUT", {}, 3),
            (unsent, "POST", {}, 3),
            (StageError("tls", "not trusted", class_="terminal"), "GET", {}, 1),
        ):
            with self.subTest(came=came, method=method, more=more):
                self.assertEqual(self.sends(came, method, **more), want)

    def test_a_caller_who_has_left_is_let_go(self):
        with self.assertRaises(StageError) as raised:
            run(patient(), next=lambda req: Response(503), leaves="deadline")
        self.assertEqual(raised.exception.kind, "timeout")


if __name__ == "__main__":
    unittest.main()
