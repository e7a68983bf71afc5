"""The process: its start, its streams, its signals and its end."""

import base64
import glob
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

from tests.host import HERE, ROOT, WAIT, Host, pb, result

STAGES = os.path.join(HERE, "stages.py")
HELLO = """
from leat_plugin import stage, serve
@stage("tenant", needs={"request": {"edit": ["x-tenant"], "call": ["subject"]}})
def tenant(config, req, next):
    req.headers["x-tenant"] = req.call.subject
    return next(req)
serve()
"""


class Process(unittest.TestCase):
    def start(self, program=STAGES, **more):
        host = Host(program, **more)
        self.addCleanup(host.__exit__)
        return host

    def test_the_handshake_is_the_only_line_of_stdout(self):
        host = self.start()
        self.assertRegex(host.handshake, r"^1\|1\|unix\|/.*/plugin\.sock\|grpc\|\n$")
        stream = host.session()
        stream.open("prints")
        self.assertTrue(stream.start(7).next.last)
        stream.end()
        self.assertEqual(host.end(), 0)
        self.assertEqual(host.rest, b"")
        for said in ("printed before serve", "a print of a stage", "an echo of a program"):
            self.assertIn(said, host.stderr)

    def test_hello_world(self):
        host = self.start("", text=HELLO)
        stream = host.session()
        stream.open("tenant")
        self.assertEqual(
            stream.start(7, call=pb.Call(subject="ada")).next.edits.headers[0].values[0], b"ada"
        )

    def test_health_and_describe(self):
        host = self.start()
        raw = host.unary("/grpc.health.v1.Health/Check", b"\x0a\x06plugin")
        self.assertEqual(raw, b"\x08\x01")
        described = host.describe()
        self.assertEqual(
            (described.version, described.sdk, list(described.requires)),
            ("1.2.3", "python 0.1.0", []),
        )
        types = {t.name: t for t in described.types}
        self.assertEqual(types["tenant"].doc, "Puts the tenant into a header")
        self.assertFalse(types["tenant"].needs.HasField("response"))
        self.assertTrue(types["retry"].needs.retry)

    def test_shutdown_answers_and_ends(self):
        host = self.start()
        self.assertEqual(host.unary("/plugin.GRPCController/Shutdown"), b"")
        self.assertEqual(host.process.wait(WAIT), 0)
        self.assertFalse(os.path.exists(host.sockets))

    def test_the_end_of_stdin_ends_even_a_stage_that_spins(self):
        host = self.start()
        stream = host.session()
        stream.open("spins")
        stream.start(7)
        stream.send(result(7))
        self.assertEqual(host.end(), 0)
        self.assertFalse(os.path.exists(host.sockets))

    def test_an_interrupt_is_not_for_it(self):
        host = self.start()
        host.process.send_signal(signal.SIGINT)
        self.assertEqual(host.describe().sdk, "python 0.1.0")

    def test_sigterm_lets_what_is_under_way_end(self):
        host = self.start()
        stream = host.session()
        stream.open("errors")
        stream.start(7)
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(stream.get().WhichOneof("kind"), "draining")
        stream.send(result(7))
        self.assertEqual(stream.get(7).WhichOneof("kind"), "return")
        self.assertIsNone(host.process.poll())
        stream.end()
        self.assertEqual(host.process.wait(WAIT), 0)

    def test_a_second_sigterm_ends_at_once(self):
        host = self.start()
        stream = host.session()
        stream.open("blocks")
        stream.start(7)
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(stream.get().WhichOneof("kind"), "draining")
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(host.process.wait(WAIT), 0)

    def test_garbage_does_not_take_the_process_along(self):
        host = self.start()
        stream = host.session()
        stream.open("tenant")
        stream.raw(b"\xff\xff\xff")
        with self.assertRaises(EOFError):
            stream.get()
        other = host.session()
        other.open("tenant")
        self.assertTrue(other.start(7).next.last)

    def test_programs_that_it_starts_are_no_plugins(self):
        text = HELLO.replace(
            "return next",
            "import os; req.headers['x-tenant'] = str('LEAT_PLUGIN' in os.environ); return next",
        )
        host = self.start("", text=text)
        stream = host.session()
        stream.open("tenant")
        self.assertEqual(stream.start(7).next.edits.headers[0].values[0], b"False")

    def test_tls_proves_both_sides(self):
        import grpc

        with tempfile.TemporaryDirectory() as folder:
            key, cert = os.path.join(folder, "k"), os.path.join(folder, "c")
            made = subprocess.run(
                [
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-subj",
                    "/CN=localhost",
                    "-addext",
                    "subjectAltName=DNS:localhost",
                    "-keyout",
                    key,
                    "-out",
                    cert,
                ],
                capture_output=True,
                check=False,
            )
            if made.returncode != 0:
                self.skipTest("needs openssl: apt-get install openssl")
            with open(key, "rb") as k, open(cert, "rb") as c:
                own_key, own = k.read(), c.read()
        host = Host(STAGES, env={"PLUGIN_CLIENT_CERT": own.decode()}, connect=False)
        self.addCleanup(host.__exit__)
        line = host.process.stdout.readline().decode().strip()
        field = line.split("|")[5]
        pem = ssl.DER_cert_to_PEM_cert(base64.b64decode(field + "=" * (-len(field) % 4))).encode()
        options = [("grpc.ssl_target_name_override", "localhost")]
        path = "unix:" + line.split("|")[3]
        with grpc.secure_channel(path, grpc.ssl_channel_credentials(pem), options) as nobody:
            with self.assertRaises(grpc.RpcError):
                nobody.unary_unary("/leat.plugin.v1.Plugin/Describe")(b"", timeout=WAIT)
        host.channel = grpc.secure_channel(
            path, grpc.ssl_channel_credentials(pem, own_key, own), options
        )
        self.assertEqual(host.describe().sdk, "python 0.1.0")

    def test_tls_without_openssl_says_what_to_do(self):
        text = "import shutil\nshutil.which = lambda *a, **k: None\n" + HELLO
        host = Host("", env={"PLUGIN_CLIENT_CERT": "x"}, connect=False, text=text)
        self.addCleanup(host.__exit__)
        self.assertEqual(host.process.wait(WAIT), 1)
        host._drain.join(WAIT)
        self.assertIn("apt-get install openssl", host.stderr)
        self.assertNotIn("Traceback", host.stderr)

    def fails(self, text, code=1):
        host = Host("", connect=False, text=text)
        self.addCleanup(host.__exit__)
        self.assertEqual(host.process.wait(WAIT), code)
        host._drain.join(WAIT)
        return host.stderr

    def test_a_program_that_forgets_serve_is_told(self):
        self.assertIn("serve() was never called", self.fails(HELLO.replace("\nserve()", ""), 0))

    def test_the_last_words_have_the_authors_own_line(self):
        for wrong in (
            HELLO.replace('"edit"', '"edits"'),
            HELLO.replace("needs=", "config=5, needs="),
            HELLO.replace("def tenant", "def tenant(config, req): pass\ndef other"),
        ):
            with self.subTest(wrong):
                said = self.fails(wrong)
                last = said.strip().splitlines()[-1]
                self.assertRegex(last, r"program.py:3: (Value|Type)Error: ")
                self.assertNotIn("stages.py", said)
                self.assertNotIn("never called", said)

    def test_without_grpc_it_says_what_to_do(self):
        said = self.fails("import sys\nsys.modules['grpc'] = None\n" + HELLO)
        self.assertIn("apt-get install python3-grpcio (which is for /usr/bin/python3)", said)
        self.assertIn("another interpreter in the plugin's command", said)
        self.assertNotIn("never called", said)


class Dev(unittest.TestCase):
    def test_a_socket_where_another_process_serves_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as other:
            path = os.path.join(folder, "dev.sock")
            other.bind(path)
            other.listen()
            done = subprocess.run(
                [sys.executable, STAGES],
                env={**os.environ, "PYTHONPATH": ROOT, "LEAT_PLUGIN_DEV": path},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=WAIT,
                check=False,
            )
            self.assertEqual(done.returncode, 1)
            self.assertIn("another process serves there: end it first", done.stderr)
            self.assertTrue(os.path.exists(path))

    def test_it_waits_at_a_socket_for_one_host_after_another(self):
        import grpc

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "dev.sock")
            stale = socket.socket(socket.AF_UNIX)
            stale.bind(path)
            stale.close()
            process = subprocess.Popen(
                [sys.executable, STAGES],
                env={**os.environ, "PYTHONPATH": ROOT, "LEAT_PLUGIN_DEV": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                said = [process.stderr.readline() for _ in range(2)]
                want = ["printed before serve\n", f"stages: waiting for leat at {path}\n"]
                self.assertEqual(said, want)
                for _ in range(2):
                    with grpc.insecure_channel("unix:" + path) as channel:
                        raw = channel.unary_unary("/leat.plugin.v1.Plugin/Describe")(
                            b"", timeout=WAIT
                        )
                        self.assertEqual(pb.DescribeResponse.FromString(raw).name, "stages")
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(WAIT), 0)
                self.assertEqual(glob.glob(path), [])
            finally:
                process.kill()
                process.wait()
                process.stderr.close()


class ByHand(unittest.TestCase):
    def run_it(self, *args, text=HELLO, env=None):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "leat-plugin-mine.py")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            clean = {k: v for k, v in os.environ.items() if not k.startswith("LEAT_")}
            return subprocess.run(
                [sys.executable, path, *args],
                env={**clean, "PYTHONPATH": ROOT, **(env or {})},
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=WAIT,
                check=False,
            )

    def test_it_says_what_it_is_and_what_to_write(self):
        done = self.run_it()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for said in ("[plugins.mine]", f'command = ["{sys.executable}", "', 'use = "mine/tenant"'):
            self.assertIn(said, done.stdout)

    def test_describe_is_json(self):
        import json

        done = self.run_it("describe")
        d = json.loads(done.stdout)
        self.assertEqual(
            (d["name"], d["sdk"], d["protocol"]), ("leat-plugin-mine", "python 0.1.0", 1)
        )
        self.assertEqual(
            d["types"][0]["needs"], {"request": {"edit": ["x-tenant"], "call": ["subject"]}}
        )

    def test_another_word_is_refused(self):
        done = self.run_it("serve")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn('unknown argument "serve"', done.stderr)

    def test_a_wrong_program_says_where(self):
        for wrong, said in (
            (
                HELLO.replace('"edit"', '"edits"'),
                "needs.request: unknown key 'edits': did you mean 'edit'?",
            ),
            (HELLO.replace('"x-tenant"]', '"host"]'), "host belongs to the connection"),
            (HELLO.replace("(config, req, next)", "(req, next)"), "(config, req, next)"),
            (HELLO.replace('"tenant",', '"ten ant",'), "letters, digits, hyphens and underscores"),
            ("from leat_plugin import serve\nserve()", "no stages are defined"),
        ):
            with self.subTest(said):
                done = self.run_it(text=wrong)
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)

    def test_an_import_does_not_serve(self):
        done = self.run_it(
            text=(
                "import importlib.util as u\nimport sys\nopen(sys.path[0] + '/hello.py',"
                " 'w').write('''"
            )
            + HELLO
            + "''')\nimport hello\nprint('still here', hello.tenant)"
        )
        self.assertEqual(done.stdout, "still here <Stage tenant>\n")


if __name__ == "__main__":
    unittest.main()
