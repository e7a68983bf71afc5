"""The rules of the wire, over a real socket: each test names those that it holds the SDK against.
"""

import hashlib
import os
import unittest

from tests.host import HERE, Host, failed, pb, result, returned

STAGES = os.path.join(HERE, "stages.py")


class Wire(unittest.TestCase):
    """One process for all: exchanges of one test don't mind those of another."""

    @classmethod
    def setUpClass(cls):
        cls.host = Host(STAGES, env={"WIRE_KEY": "s3cret"})

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()

    def open(self, type, **more):
        stream = self.host.session()
        self.addCleanup(stream.end)
        opened = stream.open(type, **more)
        self.assertFalse(opened.mistakes or opened.failure, opened)
        return stream

    # wire.next, wire.last, wire.return

    def test_last_next_ends_the_exchange_of_a_stage_without_response_needs(self):
        stream = self.open("tenant")
        frame = stream.start(7, call=pb.Call(subject="ada"))
        self.assertTrue(frame.next.last)
        self.assertEqual(
            [(h.name, h.values[0]) for h in frame.next.edits.headers], [("x-tenant", b"ada")]
        )
        frame = stream.start(7, call=pb.Call(subject="bob"))  # the number is free again
        self.assertEqual(frame.next.edits.headers[0].values[0], b"bob")

    def test_a_last_next_that_does_not_fit_is_told(self):
        stream = self.open("last-long")
        for _ in range(2):  # the number is free again
            answer = getattr(stream.start(7), "return")
            self.assertIn("does not fit into a frame of 1 MiB", answer.error.message)

    def test_what_a_stage_does_after_its_last_next_is_logged_and_nothing_else(self):
        stream = self.open("last-more")
        self.assertTrue(stream.start(7).next.last)
        log = stream.log()
        self.assertIn("did more after next", log.log.message)
        self.assertEqual(stream.start(8).WhichOneof("kind"), "next")  # no Return of 7 in between

    def test_edits_are_what_differs(self):
        stream = self.open("edits")
        req = pb.Request(
            url="https://api.example.com/x?a=1",
            length=2,
            headers=[
                pb.Header(name="x-old", value=b"1"),
                pb.Header(name="x-same", value=b"1"),
                pb.Header(name="x-same", value=b"2"),
            ],
            body=pb.Body(data=b"hi"),
        )
        e = stream.start(7, request=req).next.edits
        self.assertEqual(
            (e.method, e.url, e.body.data), ("PUT", "https://api.example.com/x?a=1&more=1", b"HI")
        )
        self.assertEqual(
            {h.name: list(h.values) for h in e.headers}, {"x-new": [b"1", b"2"], "x-old": []}
        )
        stream.send(
            result(
                7,
                response=pb.Response(
                    length=2, headers=[pb.Header(name="x-from", value=b"\xff\xe9")]
                ),
            )
        )
        self.assertEqual(stream.get(7).WhichOneof("kind"), "read")
        stream.send(pb.Frame(exchange=7, body=pb.Body(data=b"ok", length=2)))
        e = returned(stream.get(7)).edits
        self.assertEqual((e.status, e.body.data), (201, b"ok!"))
        self.assertEqual(
            [(h.name, h.values[0]) for h in e.headers], [("x-seen", b"\xff\xe9")]
        )  # wire.bytes

    def test_a_stage_that_changes_nothing_sends_no_edits(self):
        stream = self.open("errors")
        frame = stream.start(7, request=pb.Request(length=3, body=pb.Body(data=b"abc")))
        self.assertFalse(frame.next.HasField("edits"))
        stream.send(result(7))
        out = returned(stream.get(7))
        self.assertFalse(out.HasField("edits") or out.HasField("response") or out.HasField("error"))

    def test_each_next_begins_from_the_request_of_do_and_drop_and_wait_come_between(self):
        stream = self.open("retry")
        frame = stream.start(7)
        self.assertEqual(
            (frame.next.edits.headers[0].values[0], frame.next.changes.attempts), (b"1", 1)
        )
        stream.send(result(7, 503))
        self.assertEqual(stream.get(7).WhichOneof("kind"), "drop")
        frame = stream.get(7)
        self.assertEqual((frame.WhichOneof("kind"), frame.wait.duration), ("wait", 250_000_000))
        stream.send(pb.Frame(exchange=7, awake=pb.Awake(call=pb.Call(sends=1))))
        frame = stream.get(7)
        self.assertEqual([h.values[0] for h in frame.next.edits.headers], [b"2"])
        stream.send(result(7, 200))
        self.assertFalse(returned(stream.get(7)).HasField("error"))

    def test_a_second_next_without_the_need_is_an_error_of_the_stage(self):
        stream = self.open("wants-two")
        self.assertEqual(stream.start(7).WhichOneof("kind"), "next")
        stream.send(result(7))
        error = returned(stream.get(7)).error
        self.assertEqual(error.kind, "internal")
        self.assertIn("retry", error.message)

    def test_a_grant_without_retry_takes_the_need_away(self):
        stream = self.open(
            "retry",
            granted=pb.Needs(request=pb.RequestNeeds(edit=["*"]), response=pb.ResponseNeeds()),
        )
        stream.start(7)
        stream.send(result(7, 503))
        kinds = [stream.get(7).WhichOneof("kind") for _ in range(2)]
        self.assertEqual(kinds, ["drop", "wait"])
        stream.send(pb.Frame(exchange=7, awake=pb.Awake()))
        self.assertIn("retry", returned(stream.get(7)).error.message)

    def test_response_only_gets_the_result_in_do(self):
        stream = self.open("after")
        frame = stream.start(7, result=result(7, 204).result)
        self.assertEqual(
            [(h.name, h.values[0]) for h in returned(frame).edits.headers], [("x-b", b"204")]
        )

    # wire.error, wire.panic

    def ask(self, what, after=None):
        stream = self.open("errors")
        frame = stream.start(
            7, request=pb.Request(headers=[pb.Header(name="x-what", value=what.encode())])
        )
        if after is not None:
            self.assertEqual(frame.WhichOneof("kind"), "next")
            stream.send(after)
            frame = stream.get(7)
        return returned(frame)

    def test_an_error_of_the_stage(self):
        e = self.ask("own").error
        self.assertEqual(
            (
                e.kind,
                getattr(e, "class"),
                e.reason,
                e.message,
                e.status,
                e.retry_after,
                e.stage,
                e.panic,
                e.of_result,
            ),
            ("client", "processed", "because", "no", 404, 1_500_000_000, "errors", False, False),
        )

    def test_an_exception_is_a_panic_and_the_process_goes_on(self):
        for what, said in (("bug", "KeyError: 'who knows'"), ("exit", "SystemExit: 3")):
            with self.subTest(what):
                e = self.ask(what).error
                self.assertEqual(
                    (e.kind, getattr(e, "class"), e.message, e.panic),
                    ("internal", "terminal", "panic: " + said, True),
                )

    def test_errors_of_the_network_have_its_kinds(self):
        for what, kind in (("net", "network"), ("slow", "timeout")):
            with self.subTest(what):
                e = self.ask(what).error
                self.assertEqual((e.kind, e.panic), (kind, False))

    def test_what_next_raised_goes_on_as_it_is(self):
        e = self.ask("", after=failed(7, "network", "connection reset")).error
        self.assertEqual((e.kind, e.message, e.of_result), ("network", "connection reset", True))

    def test_an_error_raised_from_it_keeps_its_cause(self):
        e = self.ask("from", after=failed(7, "network", "connection reset")).error
        self.assertEqual((e.kind, e.message, e.of_result), ("server", "as I see it", True))

    def test_an_answer_in_place_of_an_error(self):
        out = self.ask("swallow", after=failed(7, "network", "connection reset"))
        self.assertEqual((out.response.status, out.response.body.data), (200, b"network"))

    def test_an_answer_of_its_own(self):
        r = self.ask("answer").response
        self.assertEqual((r.status, r.body.data), (403, b'{"no": true}'))
        self.assertEqual(
            {h.name: h.value for h in r.headers},
            {"x-own": b"1", "content-type": b"application/json"},
        )

    def test_a_stage_that_returns_nothing_is_told_so(self):
        e = self.ask("nothing").error
        self.assertEqual(e.kind, "internal")
        self.assertIn("return next(req)", e.message)

    def test_what_does_not_fit_into_a_frame_is_an_error(self):  # wire.limits
        e = self.ask("big").error
        self.assertIn("1 MiB", e.message)

    # wire.read, wire.inline, wire.apart

    def read(self, body, what="", **response):
        stream = self.open("reads")
        stream.start(7, request=pb.Request(headers=[pb.Header(name="x-what", value=what.encode())]))
        stream.send(result(7, response=pb.Response(**{"length": 9, **response})))
        frame = stream.get(7)
        if frame.WhichOneof("kind") == "read":
            stream.send(pb.Frame(exchange=7, body=body))
            frame = stream.get(7)
        return returned(frame)

    def test_a_body_is_read_on_demand_and_once(self):
        out = self.read(pb.Body(data=b"some text", length=9))
        self.assertFalse(out.HasField("edits") or out.HasField("error"), out)

    def test_a_body_beyond_the_limit_is_an_error_that_says_so(self):
        out = self.read(pb.Body(data=b"some", more=True))
        self.assertIn("response.body_limit", out.response.body.data.decode())

    def test_an_error_made_of_a_broken_body_says_so(self):
        out = self.read(
            pb.Body(data=b"some", error=pb.Error(kind="network", message="cut")), "tell"
        )
        self.assertEqual(
            (out.error.kind, out.error.message, out.error.of_body, out.error.of_result),
            ("network", "cut", True, False),
        )

    def test_a_stream_is_not_read(self):
        out = self.read(None, stream=True, length=-1)
        self.assertIn("stream", out.response.body.data.decode())

    def test_an_empty_body_is_not_asked_for(self):
        self.assertFalse(self.read(None, length=0).HasField("error"))

    def test_a_digest_comes_with_the_request_and_on_demand(self):
        stream = self.open("digests")
        sums = [hashlib.sha256(x).digest() for x in (b"request", b"response")]
        frame = stream.start(7, request=pb.Request(length=7, sha256=sums[0]))
        self.assertEqual(frame.next.edits.headers[0].values[0].decode(), sums[0].hex())
        stream.send(result(7, response=pb.Response(length=8)))
        self.assertEqual(stream.get(7).WhichOneof("kind"), "read")
        stream.send(pb.Frame(exchange=7, body=pb.Body(length=8, sha256=sums[1])))
        self.assertEqual(returned(stream.get(7)).edits.headers[0].values[0].decode(), sums[1].hex())

    def test_long_bodies_travel_apart_both_ways(self):
        for upload_first in (True, False):
            with self.subTest(upload_first=upload_first):
                stream = self.open("uploads")
                number, data = (1 << 63) + upload_first, os.urandom(200_000)
                do = stream.do(
                    number,
                    request=pb.Request(
                        length=len(data), body=pb.Body(apart=True, length=len(data))
                    ),
                )
                if upload_first:  # it waits for the frame that it belongs to
                    taken = self.host.upload(number, data)
                    stream.send(do)
                else:
                    stream.send(do)
                    taken = self.host.upload(number, data)
                taken.result()
                self.assertEqual(stream.get(number).WhichOneof("kind"), "next")
                stream.send(result(number, response=pb.Response(length=len(data))))
                self.assertEqual(stream.get(number).WhichOneof("kind"), "read")
                stream.send(pb.Frame(exchange=number, body=pb.Body(apart=True, length=len(data))))
                self.host.upload(number, data).result()
                e = returned(stream.get(number)).edits
                self.assertEqual((e.body.apart, e.body.length), (True, len(data)))
                chunks = self.host.download(number)  # after the end of the exchange
                self.assertEqual(b"".join(c.data for c in chunks), data[::-1])
                self.assertLessEqual(max(len(c.data) for c in chunks), 32 << 10)
                self.assertEqual(chunks[0].exchange, number)

    def test_a_body_that_nobody_announced_is_not_there(self):
        import grpc

        with self.assertRaises(grpc.RpcError) as raised:
            self.host.download(4711)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_an_upload_whose_host_gives_up_is_forgotten(self):
        gone = self.host.upload(31, os.urandom(100_000))
        gone.cancel()
        stream = self.open("uploads")
        data = bytes(100_000)
        stream.send(
            stream.do(
                31, request=pb.Request(length=len(data), body=pb.Body(apart=True, length=len(data)))
            )
        )
        self.host.upload(31, data).result()
        stream.get(31)
        stream.send(result(31))
        headers = returned(stream.get(31)).edits.headers
        self.assertEqual(headers[0].values[0], b"100000")

    # wire.left, wire.cancel

    def test_cancel_is_seen_by_a_function_that_works(self):
        stream = self.open("blocks")
        stream.start(7)
        stream.send(result(7))
        stream.send(pb.Frame(exchange=7, cancel=pb.Cancel()))
        self.assertIn("blocks was told canceled", stream.log().log.message)
        self.assertEqual(
            stream.start(7).WhichOneof("kind"), "next"
        )  # the number is free, and nothing else was sent for it

    def test_cancel_ends_the_wait_for_an_answer(self):
        stream = self.open("edits")
        stream.start(7, request=pb.Request(length=0, headers=[pb.Header(name="x-old", value=b"1")]))
        stream.send(pb.Frame(exchange=7, cancel=pb.Cancel()))
        frame = pb.Frame(exchange=99)
        frame.close.instance = 1
        stream.send(frame)  # answered once the stage has returned
        self.assertEqual(stream.get().WhichOneof("kind"), "closed")

    def test_a_caller_who_left_is_known_by_the_result(self):
        stream = self.open("blocks")
        stream.start(7)
        stream.send(result(7, ended="deadline"))
        error = returned(stream.get(7)).error
        self.assertEqual((error.kind, error.reason), ("timeout", "deadline"))

    def test_cancel_cancels_an_async_stage(self):
        stream = self.open("async")
        stream.start(7, request=pb.Request(headers=[pb.Header(name="x-what", value=b"forever")]))
        stream.send(result(7))
        stream.send(pb.Frame(exchange=7, cancel=pb.Cancel()))
        self.assertEqual(stream.log().log.message, "async was cancelled")

    # async stages

    def test_an_async_stage_has_the_same_conversation(self):
        stream = self.open("async")
        frame = stream.start(
            7, request=pb.Request(headers=[pb.Header(name="x-what", value=b"wait")])
        )
        self.assertEqual(frame.wait.duration, 500_000_000)
        stream.send(pb.Frame(exchange=7, awake=pb.Awake()))
        self.assertEqual(stream.get(7).next.edits.headers[0].name, "x-async")
        stream.send(result(7, response=pb.Response(length=2)))
        self.assertEqual(stream.get(7).WhichOneof("kind"), "read")
        stream.send(pb.Frame(exchange=7, body=pb.Body(data=b"ok")))
        self.assertEqual(returned(stream.get(7)).edits.body.data, b"OK")

    def test_an_async_stage_that_reads_without_await_is_told_how(self):
        stream = self.open("async")
        stream.start(7, request=pb.Request(headers=[pb.Header(name="x-what", value=b"early")]))
        stream.send(result(7, response=pb.Response(length=2)))
        self.assertIn("await resp.read()", returned(stream.get(7)).error.message)

    # wire.do: no exchange waits for another; wire.changes

    def test_a_hundred_exchanges_are_within_at_once(self):
        stream = self.open("many")
        stream.send(*[stream.do(i) for i in range(1, 101)])
        self.assertEqual({stream.get(i).WhichOneof("kind") for i in range(1, 101)}, {"next"})
        self.assertLess(stream.batches, 102)

    def test_changes_travel_in_the_next_frame(self):
        stream = self.open("changes")
        ch = stream.start(7).next.changes
        self.assertEqual(
            (ch.attach.credential, ch.attach.subject, ch.idempotent, ch.idempotency_key),
            ("partner", "ada", True, "key-1"),
        )
        e = ch.events[0]
        self.assertEqual(
            (e.name, e.text, e.reason, e.attempt, e.status, e.duration),
            ("looked", "at it", "why", 1, 3, 500_000_000),
        )
        stream.send(result(7))
        ch = returned(stream.get(7)).changes
        self.assertFalse(ch.HasField("attach") or ch.events)
        self.assertEqual(
            (ch.rejected, ch.skip_credential, ch.stopped), ("partner", "public", "enough")
        )
        self.assertEqual(
            (ch.judged.kind, getattr(ch.judged, "class"), ch.judged.message),
            ("server", "unknown", "odd"),
        )

    # wire.log, wire.span

    def test_logs_and_spans(self):
        stream = self.open("telemetry")
        stream.send(
            stream.do(
                7,
                log_level=0,
                recording=True,
                traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
        )
        first, second = stream.log(), stream.log()
        self.assertEqual((first.exchange, first.log.message, first.log.level), (7, "told so", 0))
        attrs = {a.key: a for a in first.log.attributes}
        self.assertEqual(
            (attrs["n"].integer, attrs["took"].duration, list(attrs["list"].texts.texts)),
            (1, 2 * 10**9, ["a", "b"]),
        )
        self.assertEqual(attrs["who"].group.attributes[0].text, "ada")
        self.assertEqual(
            (second.log.level, "ValueError: inner" in str(second.log.attributes)), (8, True)
        )
        stream.get(7)
        stream.send(result(7))
        out = returned(stream.get(7))
        self.assertEqual(out.span.attributes[0].text, "ada")
        self.assertEqual(
            [(s.name, s.parent, s.kind) for s in out.spans],
            [("token", 0, "client"), ("inner", 1, "internal"), ("bad", 0, "internal")],
        )
        self.assertEqual(
            (out.spans[0].data.attributes[0].key, out.spans[0].data.events[0].name),
            ("host", "asked"),
        )
        self.assertTrue(out.spans[2].data.failed and out.spans[0].end >= out.spans[0].start > 0)

    def test_nothing_is_recorded_where_nobody_records(self):
        stream = self.open("telemetry")
        stream.start(7, log_level=100)
        stream.send(result(7))
        out = returned(stream.get(7))
        self.assertFalse(out.spans or out.HasField("span") or stream.logs)

    # wire.ended, wire.close, wire.unknown, wire.numbers

    def test_the_end_of_a_call_is_told(self):
        stream = self.open("calls")
        frame = pb.Frame(exchange=50)
        frame.ended.instance, frame.ended.status, frame.ended.request.url = (
            1,
            502,
            "https://api.example.com/x",
        )
        frame.ended.error.kind = "server"
        stream.send(frame)
        log = stream.log()
        self.assertEqual((log.exchange, log.log.message), (50, "call ended"))
        self.assertEqual({a.key: a.text or a.integer for a in log.log.attributes}["status"], 502)

    def test_closed_comes_once_the_exchanges_are_over(self):
        stream = self.open("errors")
        stream.start(7)
        frame = pb.Frame(exchange=60)
        frame.close.instance = 1
        stream.send(frame, stream.do(8))
        self.assertIn("not open", returned(stream.get(8)).error.message)
        stream.send(result(7))
        self.assertEqual([stream.get().exchange, stream.get().exchange], [7, 60])

    def test_an_instance_that_could_not_be_made_is_closed_too(self):
        stream = self.host.session()
        self.addCleanup(stream.end)
        self.assertTrue(stream.open("config", config={}).mistakes)
        frame = pb.Frame(exchange=61)
        frame.close.instance = 1
        stream.send(frame)
        self.assertEqual(stream.get(61).WhichOneof("kind"), "closed")

    def test_a_kind_of_frame_that_it_does_not_know_ends_the_exchange(self):
        stream = self.open("errors")
        stream.start(7)
        body = b"\x08\x07" + b"\xfa\x01\x00"  # exchange 7, field 31: a message of no length
        stream.raw(b"\x0a" + bytes([len(body)]) + body)
        self.assertIn("does not know", returned(stream.get(7)).error.message)

    def test_fields_that_it_does_not_know_are_passed_over(self):
        stream = self.open("tenant")
        do = stream.do(7).SerializeToString() + b"\xfa\x3f\x01a"  # field 1023
        stream.raw(b"\x0a" + bytes([len(do)]) + do)
        self.assertTrue(stream.get(7).next.last)

    def test_an_answer_for_an_exchange_that_has_ended_is_ignored(self):
        stream = self.open("tenant")
        stream.send(
            result(7),
            pb.Frame(exchange=7, cancel=pb.Cancel()),
            pb.Frame(exchange=7, body=pb.Body()),
        )
        self.assertTrue(stream.start(7).next.last)

    def test_sessions_have_instances_of_their_own(self):
        one, two = self.open("tenant"), self.open("errors")
        self.assertTrue(one.start(1, call=pb.Call(subject="ada")).next.last)
        self.assertFalse(two.start(2).next.last)

    def test_the_end_of_a_session_ends_its_exchanges(self):
        stream = self.open("blocks")
        stream.start(7)
        stream.send(result(7))
        stream.end()
        with self.assertRaises(EOFError):
            stream.get()

    def test_words_that_are_not_granted_are_an_error_that_names_the_need(self):
        stream = self.open(
            "granted", granted=pb.Needs(request=pb.RequestNeeds(call=["labels"]), answer=True)
        )
        self.assertIn('"subject"', returned(stream.start(7)).error.message)


if __name__ == "__main__":
    unittest.main()
