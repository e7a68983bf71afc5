"""What stages may do wrong: nobody waits for it in vain, and nobody else notices."""

import os
import signal
import unittest

from tests.host import HERE, Host, pb, result, returned

HOSTILE = os.path.join(HERE, "hostile.py")
RAISED = (
    ("str", "BadStr"),
    ("exiting-str", "ExitingStr"),
    ("reason", "BadReason"),
    ("no-super", "NoSuper"),
    ("status", "can't be written"),
    ("retry-after", "a number of seconds, as 1.5, not str"),
    ("infinite", "a number of seconds, not inf"),
    ("recursion", "RecursionError"),
    ("generator", "GeneratorExit"),
    ("exit", "SystemExit: bye"),
)


def headers(frame):
    return {h.name: h.value.decode() for h in returned(frame).response.headers}


def cancel(exchange):
    return pb.Frame(exchange=exchange, cancel=pb.Cancel())


def close(exchange, instance=1):
    return pb.Frame(exchange=exchange, close=pb.Close(instance=instance))


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(HOSTILE)

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()

    def open(self, type, host=None, **more):
        stream = (host or self.host).session()
        self.addCleanup(stream.end)
        opened = stream.open(type, **more)
        self.assertFalse(opened.mistakes or opened.failure, opened)
        return stream

    def told(self, what):
        return pb.Request(headers=[pb.Header(name="x-do", value=what.encode())])

    def start(self, stream, exchange, what):
        return stream.start(exchange, request=self.told(what))

    def test_every_exception_ends_its_exchange(self):
        for type in ("plain", "async"):
            stream = self.open(type)
            for i, (what, said) in enumerate(RAISED):
                with self.subTest(f"{type} {what}"):
                    error = returned(self.start(stream, i + 1, what)).error
                    self.assertEqual((error.kind, error.panic), ("internal", True), error)
                    self.assertIn(said, error.message)
            self.assertEqual(self.start(stream, 90, "").WhichOneof("kind"), "next")

    def test_an_exception_after_a_parted_next_is_logged_and_the_thread_lives(self):
        stream = self.open("parted")
        for i in range(3):  # more than once for each thread that there is
            for j, (what, _) in enumerate(RAISED):
                number = 1 + i * len(RAISED) + j
                self.assertTrue(self.start(stream, number, what).next.last)
        stream.send(close(99))
        self.assertEqual(stream.get(99).WhichOneof("kind"), "closed")

    def test_bodies_of_cancelled_exchanges_are_dropped(self):
        stream = self.open("plain")
        for i, what in enumerate(("big", "big-next") * 4):
            self.assertEqual(self.start(stream, i + 1, what).WhichOneof("kind"), "next")
            stream.send(result(i + 1), cancel(i + 1))
        stream.send(close(50))
        self.assertEqual(stream.get(50).WhichOneof("kind"), "closed")  # all are over
        stream = self.open("plain", instance=2)
        stream.send(stream.do(60, 2, request=self.told("leaving")))
        self.assertEqual(headers(stream.get(60))["x-leaving"], "0")

    def test_an_async_exchange_that_was_cancelled_before_it_began_is_over(self):
        stream = self.open("async")
        for i in range(20):
            stream.send(stream.do(i + 1), cancel(i + 1))
        stream.send(close(50))
        self.assertEqual(stream.get(50).WhichOneof("kind"), "closed")

    def test_a_stage_that_waits_for_a_thread_and_is_cancelled_does_not_run(self):
        host = Host(HOSTILE, env={"THREADS": "1"})
        self.addCleanup(host.__exit__)
        stream = self.open("plain", host)
        for i, what in ((1, "hold"), (2, "mark"), (3, "")):
            stream.send(stream.do(i, request=self.told(what)))
        full = stream.log().log.message
        self.assertIn("all 1 threads of the plugin are taken", full)
        stream.send(cancel(2), cancel(1))
        self.assertEqual(stream.get(3).WhichOneof("kind"), "next")
        self.assertEqual(stream.logs, [])

    def test_own_threads_and_tasks_are_let_go(self):
        for type, what, said in (
            ("plain", "own-thread", "own thread"),
            ("async", "task", "own task"),
        ):
            stream = self.open(type)
            stream.send(stream.do(1, request=self.told(what)))
            self.assertEqual(stream.log().log.message.partition(": the stage has")[0], said)

    def test_sys_exit_in_configs_and_needs_is_answered(self):
        for where, said in (("config", "a config that exits"), ("needs", "needs that exit")):
            with self.subTest(where):
                stream = self.host.session()
                self.addCleanup(stream.end)
                self.assertIn(said, stream.open("exits", config={"where": where}).failure)
                self.assertIn(said, self.host.check("exits", {"where": where}).mistakes[0].message)

    def test_what_everybody_gets_wrong_says_what_to_write(self):
        for type, what, said in (
            ("async", "no-await", "return await next(req)"),
            ("async", "attribute", "write await"),
            ("plain", "dict-body", "json.dumps"),
            ("plain", "dict-response", "json.dumps"),
            ("plain", "int-headers", "a dict of names and values"),
            ("plain", "204", "Response(204)"),
            ("plain", "breakpoint", "leat plugin dev"),
        ):
            with self.subTest(what):
                error = returned(self.start(self.open(type), 1, what)).error
                self.assertEqual(error.kind, "internal")
                self.assertIn(said, error.message)

    def test_headers_may_be_replaced_by_a_dict(self):
        edits = self.start(self.open("plain"), 1, "dict-headers").next.edits
        self.assertEqual([h.name for h in edits.headers], ["x-new"])

    def test_a_record_with_what_can_not_be_shown_is_sent(self):
        stream = self.open("plain")
        stream.send(stream.do(1, request=self.told("log")))
        log = stream.log().log
        shown = {a.key: a.text for a in log.attributes}
        self.assertEqual((log.message, shown["n"]), ("huge", "an enormous integer"))
        self.assertIn("RuntimeError", shown["bad"])

    def test_asyncios_own_words_stay_here(self):
        host = Host(HOSTILE)
        self.addCleanup(host.__exit__)
        stream = self.open("plain", host)
        self.assertEqual(stream.start(1, log_level=-4).WhichOneof("kind"), "next")
        self.assertFalse(stream.open("async", 2).failure)
        stream.send(stream.do(2, 2, log_level=-4))  # the first: it makes the loop
        self.assertEqual(stream.get(2).WhichOneof("kind"), "next")
        self.assertEqual([log.message for log in stream.logs], [])

    def test_the_loop_goes_on_after_stop(self):
        stream = self.open("async")
        for i in (1, 2):
            self.assertEqual(self.start(stream, i, "stop").WhichOneof("kind"), "next")

    def test_a_loop_that_a_stage_blocks_is_not_in_health(self):
        import grpc

        host = Host(HOSTILE)
        self.addCleanup(host.__exit__)
        stream = self.open("async", host)
        self.assertEqual(host.unary("/grpc.health.v1.Health/Check", b""), b"\x08\x01")
        stream.send(stream.do(1, request=self.told("block")))
        self.assertEqual(stream.log().log.message, "blocks the loop")
        with self.assertRaises(grpc.RpcError) as raised:
            host.unary("/grpc.health.v1.Health/Check", b"", timeout=2)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_a_forked_child_is_no_plugin(self):
        stream = self.open("forks")
        self.assertEqual(headers(stream.start(1))["x-signal"], str(int(signal.SIGTERM)))
        stream.send(stream.do(2))  # and the parent drains nothing
        self.assertEqual(stream.get().exchange, 2)

    def test_a_forked_child_that_raises_ends(self):
        stream = self.open("forks-and-raises")
        self.assertEqual(headers(stream.start(1))["x-code"], "0")

    # wire.unknown

    def test_a_kind_of_frame_that_it_does_not_know_is_passed_over_where_nothing_is_under_way(self):
        stream = self.open("plain")
        body = b"\x08\x07" + b"\xfa\x01\x00"  # exchange 7, field 31: a message of no length
        stream.raw(b"\x0a" + bytes([len(body)]) + body)
        stream.send(stream.do(8))
        self.assertEqual(stream.get().exchange, 8)

    # wire.open, wire.close

    def test_open_makes_the_state_and_close_ends_it(self):
        stream = self.open("kept")
        for i in (1, 2):
            self.assertEqual(headers(stream.start(i)), {"x-stage": "kept"})
        stream.send(close(9))
        self.assertEqual(stream.log().log.message, "closed after 2")
        self.assertEqual(stream.get(9).closed.failure, "")

    def test_open_and_close_may_be_async_and_close_may_fail(self):
        stream = self.open("kept-async")
        self.assertEqual(headers(stream.start(1)), {"x-state": "made"})
        stream.send(close(9))
        self.assertIn("what was made can't be closed", stream.get(9).closed.failure)

    def test_an_open_that_fails_says_why(self):
        stream = self.host.session()
        self.addCleanup(stream.end)
        opened = stream.open("kept", 1, {"fail": "config"})
        self.assertEqual([(m.path, m.hint) for m in opened.mistakes], [("fail", "write another")])
        for i, (fail, said) in enumerate((("failure", "database is away"), ("exit", "open exits"))):
            opened = stream.open("kept", 2 + i, {"fail": fail})
            self.assertIn(said, opened.failure)
            self.assertFalse(opened.mistakes)
        opened = stream.open("kept", 5, {"key": {"env": "NOT_THERE"}})
        self.assertEqual(([m.path for m in opened.mistakes], opened.failure), (["key"], ""))


if __name__ == "__main__":
    unittest.main()
