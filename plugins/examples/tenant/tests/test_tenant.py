"""The stage, tested as leat would run it, but without leat."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "python")]

from leat_plugin import ConfigError, Response, StageError  # noqa: E402
from leat_plugin.testing import run  # noqa: E402
from tenant import header  # noqa: E402


ECHO = {"echo": {"header": "x-tenant"}}


def echoes(req):
    """An upstream that repeats the tenant."""
    return Response(200, {"x-tenant": req.headers["x-tenant"]})


class Tenant(unittest.TestCase):
    def test_is_named_in_the_header(self):
        done = run(header, config=ECHO, subject="acme", next=echoes)
        self.assertEqual(done.sent[0].headers["x-tenant"], "acme")
        self.assertEqual(done.response.status, 200)

    def test_headers_are_those_of_the_config(self):
        upstream = lambda req: Response(200, {"x-for": req.headers["x-org"]})  # noqa: E731
        done = run(
            header,
            config={"header": "x-org", "echo": {"header": "x-for"}},
            subject="acme",
            next=upstream,
        )
        self.assertEqual(done.sent[0].headers["x-org"], "acme")

    def test_an_answer_for_another_one_is_an_error(self):
        for headers in ({"x-tenant": "other"}, {}, {"x-tenant": ["acme", "other"]}):
            with self.subTest(headers), self.assertRaises(StageError) as raised:
                run(header, config=ECHO, subject="acme", next=lambda req: Response(200, headers))
            self.assertEqual(
                (raised.exception.kind, raised.exception.reason), ("validation", "other_tenant")
            )

    def test_a_field_of_the_body_may_say_for_whom_it_is(self):
        config = {"echo": {"field": "meta.tenant"}}
        upstream = lambda req: Response.of_json(200, {"meta": {"tenant": "acme"}})  # noqa: E731
        self.assertEqual(
            run(header, config=config, subject="acme", next=upstream).response.json(),
            {"meta": {"tenant": "acme"}},
        )
        wrong = (b"{}", b"no JSON", b'{"meta": ["acme"]}', b'{"meta": {"tenant": "other"}}')
        for body in (*wrong, b"[" * 100_000):
            with self.subTest(body), self.assertRaises(StageError) as raised:
                run(header, config=config, subject="acme", next=lambda req: Response(200, {}, body))
            self.assertEqual(raised.exception.reason, "other_tenant")

    def test_errors_of_the_upstream_are_its_own(self):
        self.assertEqual(
            run(
                header, config=ECHO, subject="acme", next=lambda req: Response(503)
            ).response.status,
            503,
        )

    def test_without_echo_no_answer_is_looked_at(self):
        done = run(header, subject="acme", next=lambda req: Response(200, {"x-tenant": "other"}))
        self.assertEqual(done.response.headers["x-tenant"], "other")

    def test_nothing_is_sent_without_a_tenant_that_may_call(self):
        sent = []
        for subject, kind in (("", "policy"), ("a b\r\n", "policy"), ("other", "forbidden")):
            with self.subTest(subject), self.assertRaises(StageError) as raised:
                run(
                    header,
                    config={"allowed": ["acme"]},
                    subject=subject,
                    next=lambda req: sent.append(req) or Response(),
                )
            self.assertEqual(raised.exception.kind, kind)
        self.assertEqual(sent, [])

    def test_mistakes_in_the_config_have_their_key(self):
        for config, path in (
            ({"allowed": ["ok", "no good"]}, "allowed[1]"),
            ({"header": ""}, "header"),
            ({"heder": "x"}, "heder"),
            ({"echo": {"header": "x", "field": "y"}}, "echo.field"),
        ):
            with self.subTest(config), self.assertRaises(ConfigError) as raised:
                run(header, config=config, subject="acme")
            self.assertEqual(raised.exception.path, path)


if __name__ == "__main__":
    unittest.main()
