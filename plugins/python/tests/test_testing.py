"""The helper for tests of stages: what it shows, and what it catches."""

import sys
import unittest
from dataclasses import dataclass
from typing import Optional

from tests.host import ROOT  # noqa: F401

from leat_plugin import ConfigError, NextError, Request, Response, StageError
from leat_plugin.stages import Stage
from leat_plugin.testing import run, tell_ended


def made(function, needs=None, config=None):
    return Stage("mine", function, config, needs, None, None, "")


def _set(req, name, value):
    req.headers[name] = value
    return req


@dataclass
class Config:
    header: str = "x-a"


class Run(unittest.TestCase):
    def test_shows_what_was_sent_and_what_came_back(self):
        def function(config, req, next):
            req.headers[config.header] = req.call.subject
            resp = next(req)
            resp.headers["x-b"] = resp.json()["b"]
            return resp

        stage = made(
            function,
            {
                "request": {"edit": ["*"], "call": ["subject"]},
                "response": {"body": "full", "edit": ["x-b"]},
            },
            Config,
        )
        done = run(
            stage,
            subject="ada",
            config={"header": "x-t"},
            next=lambda req: Response.of_json(201, {"b": "1"}),
        )
        self.assertEqual(
            (done.sent[0].headers["X-T"], done.response.status, done.response.headers["x-b"]),
            ("ada", 201, "1"),
        )
        self.assertTrue(done.read_body)

    def test_shows_a_stage_no_more_than_its_needs(self):
        seen = {}

        def function(config, req, next):
            seen.update(req.headers)
            seen["url"] = req.url
            resp = next(req)
            seen["response"] = dict(resp.headers)
            return resp

        request = Request(
            "GET", "https://a.example/x?y=1", {"x-a": "1", "x-b": "2", "authorization": "Bearer x"}
        )
        upstream = lambda req: Response(200, {"x-c": "3", "x-d": "4"})  # noqa: E731
        run(
            made(function, {"request": {"headers": ["x-a"]}, "response": {"headers": ["x-c"]}}),
            request=request,
            next=upstream,
        )
        self.assertEqual(seen, {"x-a": "1", "url": "https://a.example/x", "response": {"x-c": "3"}})
        seen.clear()
        run(
            made(function, {"request": {"headers": ["*"], "query": True}, "response": {}}),
            request=request,
            next=upstream,
        )
        self.assertEqual(
            seen, {"x-a": "1", "x-b": "2", "url": "https://a.example/x?y=1", "response": {}}
        )

    def test_names_what_the_needs_lack(self):
        def header(config, req, next):
            req.headers["x-a"] = "1"
            return next(req)

        def subject(config, req, next):
            return Response(200, {}, req.call.subject)

        def answer(config, req, next):
            return Response(403)

        def status(config, req, next):
            resp = next(req)
            resp.status = 500
            return resp

        def attach(config, req, next):
            req.call.attach("partner")
            return next(req)

        def twice(config, req, next):
            next(req)
            return next(req)

        def body(config, req, next):
            return Response(200, {}, req.body)

        def late(config, req, next):
            next(req)
            return Response(200)

        for function, said in (
            (header, 'request.edit "x-a"'),
            (answer, '"answer": True'),
            (attach, 'credentials "partner"'),
            (late, "did more after next"),
        ):
            with self.subTest(said), self.assertRaises(AssertionError) as raised:
                run(made(function, {"request": {}}))
            self.assertIn(said, str(raised.exception))
        with self.assertRaisesRegex(AssertionError, 'response.edit ":status"'):
            run(made(status, {"request": {"headers": ["*"]}, "response": {}}))
        for function, said in (
            (subject, '"subject"'),
            (twice, "retry"),
            (body, 'request.body "full"'),
        ):
            with self.subTest(said), self.assertRaises(StageError) as stage_error:
                run(
                    made(function, {"request": {}, "response": {}, "answer": True}),
                    request=Request(body=b"x"),
                )
            self.assertIn(said, str(stage_error.exception))

    def test_all_headers_are_those_that_leat_lets_be_changed(self):
        def sets(name, response=False):
            def function(config, req, next):
                if not response:
                    req.headers[name] = "1"
                resp = next(req)
                if response:
                    resp.headers[name] = "1"
                return resp

            return made(
                function,
                {"request": {"headers": ["*"], "edit": ["*"]}, "response": {"edit": ["*"]}},
            )

        given = Request(headers={"x-api-key": "k", "x-plain": "p"})
        for name in ("x-plain", "x-signature", "x-hmac"):
            self.assertEqual(run(sets(name), request=given).sent[0].headers[name], "1")
        for name, said in (
            ("x-api-key", 'request.edit "x-api-key"'),
            ("authorization", 'request.edit "authorization"'),
            ("cookie", 'request.edit "cookie"'),
            ("connection", "belongs to the connection"),
        ):
            with self.subTest(name), self.assertRaises(AssertionError) as raised:
                run(sets(name), request=given)
            self.assertIn(said, str(raised.exception))
        for name in ("set-cookie", "x-session-token"):
            self.assertEqual(run(sets(name, True)).response.headers[name], "1")
        with self.assertRaisesRegex(AssertionError, "control character"):
            run(
                made(
                    lambda c, req, next: next(_set(req, "x-a", "1\r\nx-b: 2")),
                    {"request": {"edit": ["*"]}},
                )
            )

    def test_credentials_go_by_their_names(self):
        from leat_plugin.credentials import is_credential

        for name in ("Authorization", "X-Api-Key", "x-sig", "x-session", "x-hmac-sha256", "pass"):
            self.assertTrue(is_credential(name), name)
        for name in ("x-tenant", "token-type", "x-design", "content-type", "x-pass"):
            self.assertFalse(is_credential(name), name)

    def test_raises_what_the_stage_raises(self):
        def function(config, req, next):
            try:
                return next(req)
            except NextError as err:
                if err.kind == "network":
                    raise
                raise StageError("policy", "never") from err

        def upstream(kind):
            def fails(req):
                raise StageError(kind, "from the upstream", class_="unknown")

            return fails

        stage = made(function, {"request": {}, "response": {}})
        for kind, got in (
            ("network", ("network", "from the upstream", "unknown")),
            ("server", ("policy", "never", "terminal")),
        ):
            with self.assertRaises(StageError) as raised:
                run(stage, next=upstream(kind))
            err = raised.exception
            self.assertEqual((err.kind, err.message, err.class_), got)

    def test_waits_do_not_wait(self):
        def function(config, req, next):
            next(req).drop()
            req.call.wait(3600)
            return next(req)

        answers = [Response(503), Response(200)]
        done = run(
            made(function, {"request": {}, "response": {}, "retry": True}),
            next=lambda req: answers.pop(0),
        )
        self.assertEqual((done.waits, len(done.sent), done.response.status), ([3600.0], 2, 200))

    def test_async_stages_and_callers_who_leave(self):
        async def function(config, req, next):
            req.body = b"x" * 100_000
            resp = await next(req)
            resp.body = await resp.read() + b"!"
            return resp

        stage = made(
            function,
            {"request": {"edit": [":body"]}, "response": {"body": "full", "edit": [":body"]}},
        )
        done = run(stage, next=lambda req: Response(200, {}, req.body[:5]))
        self.assertEqual((len(done.sent[0].body), done.response.body), (100_000, b"xxxxx!"))
        with self.assertRaises(StageError) as raised:
            run(stage, leaves="deadline")
        self.assertEqual((raised.exception.kind, raised.exception.reason), ("timeout", "deadline"))

    def test_response_only_stages(self):
        def function(config, req, next):
            resp = next(req)
            resp.headers["x-a"] = "1"
            return resp

        done = run(made(function, {"response": {"edit": ["x-a"]}}))
        self.assertEqual(done.response.headers["x-a"], "1")

    def test_a_wrong_config_is_an_error_with_its_path(self):
        with self.assertRaises(ConfigError) as raised:
            run(made(lambda config, req, next: next(req), None, Config), config={"heder": 1})
        self.assertEqual(
            (raised.exception.path, raised.exception.hint), ("heder", "did you mean header?")
        )

    def test_ends_of_calls_are_told(self):
        told = []
        stage = made(lambda config, req, next: next(req), {"calls": True, "request": {}})
        stage.ended(
            lambda config, ended: told.append((ended.status, ended.error and ended.error.kind))
        )
        tell_ended(stage, status=204)
        tell_ended(stage, status=0, error=StageError("network", "x"))
        self.assertEqual(told, [(204, None), (0, "network")])

    def test_a_stage_that_hangs_fails(self):
        import threading

        with self.assertRaisesRegex(AssertionError, "did not answer within"):
            run(made(lambda config, req, next: threading.Event().wait(5)), timeout=0.05)


class Headers(unittest.TestCase):
    def test_names_have_no_case_and_values_stay_apart(self):
        from leat_plugin import Headers

        h = Headers({"Set-Cookie": ["a", "b"]})
        h.add("X-A", b"\xff")
        self.assertEqual(
            (h["set-cookie"], h.get_all("SET-COOKIE"), "x-a" in h), ("a, b", ["a", "b"], True)
        )
        h["set-cookie"] = "c"
        self.assertEqual(list(h.pairs()), [("set-cookie", "c"), ("x-a", "\udcff")])
        self.assertNotIn("c", repr(h).replace("set-cookie", ""))
        with self.assertRaisesRegex(TypeError, "not int"):
            h["x"] = 1


if __name__ == "__main__":
    unittest.main()
