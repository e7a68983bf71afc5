"""Configs: schemas, mistakes with path and hint, secrets; and needs that follow the config."""

import enum
import json
import os
import tempfile
import unittest
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Dict, List, Literal, Optional, TypedDict, Union

from tests.host import HERE, Host

from leat_plugin import ConfigError, Secret, duration
from leat_plugin.schema import schema_of_config
from leat_plugin.errors import StageError
from leat_plugin.needs import parse_needs, show_needs
from leat_plugin.stages import Stage


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Inner:
    name: str
    tags: List[str] = field(default_factory=list)


@dataclass
class Outer:
    header: Annotated[str, "which header"]
    inner: Inner
    colors: List[Color] = field(default_factory=lambda: [Color.RED])
    mode: Literal["strict", "lax"] = "strict"
    ratio: float = 0.5
    on: bool = True
    ttl: timedelta = timedelta(seconds=90)
    maybe: Optional[int] = None
    either: Union[str, int] = "x"
    table: Dict[str, Inner] = field(default_factory=dict)
    key: Optional[Secret] = None
    free: Any = None
    hidden: int = field(default=1, init=False)


class Typed(TypedDict, total=False):
    name: Annotated[str, "the name"]
    inner: Inner


class Required(TypedDict):
    name: str


class Strict(Required, total=False):
    more: int


def reads(cls, values, **more):
    made = Stage("s", lambda config, req, next: None, cls, None, None, more.get("validate"), "")
    return made.decode(json.dumps(values).encode(), ".", follow=more.get("follow", False))


GOOD = {"header": "x", "inner": {"name": "n"}}


class Schema(unittest.TestCase):
    def test_of_a_dataclass(self):
        s = schema_of_config(Outer)
        self.assertEqual(s["$schema"], "https://json-schema.org/draft/2020-12/schema")
        self.assertEqual((s["required"], s["additionalProperties"]), (["header", "inner"], False))
        p = s["properties"]
        self.assertEqual(p["header"], {"type": "string", "description": "which header"})
        self.assertEqual(
            (p["inner"]["required"], p["inner"]["additionalProperties"]), (["name"], False)
        )
        self.assertEqual(
            p["colors"], {"type": "array", "items": {"enum": ["red", "blue"]}, "default": ["red"]}
        )
        self.assertEqual(p["mode"], {"enum": ["strict", "lax"], "default": "strict"})
        self.assertEqual((p["ttl"]["pattern"], p["ttl"]["default"]), (duration.PATTERN, "1m30s"))
        self.assertEqual(p["maybe"], {"type": "integer"})
        self.assertEqual(p["either"]["anyOf"], [{"type": "string"}, {"type": "integer"}])
        self.assertEqual(p["table"]["additionalProperties"]["required"], ["name"])
        self.assertEqual(
            (p["key"]["writeOnly"], sorted(p["key"]["properties"])), (True, ["env", "file"])
        )
        self.assertNotIn("hidden", p)

    def test_of_typed_dicts(self):
        s = schema_of_config(Typed)
        self.assertNotIn("required", s)
        self.assertEqual(s["properties"]["name"], {"type": "string", "description": "the name"})
        self.assertEqual(schema_of_config(Strict)["required"], ["name"])

    def test_what_none_can_be_made_of_is_named(self):
        @dataclass
        class Odd:
            when: complex

        @dataclass
        class Taken:
            timeout: int

        for cls, said in (
            (Odd, "Odd.when"),
            (Taken, "leat itself reads timeout"),
            (int, "a dataclass or a TypedDict"),
        ):
            with self.subTest(said), self.assertRaises(TypeError) as raised:
                schema_of_config(cls)
            self.assertIn(said, str(raised.exception))


class Values(unittest.TestCase):
    def test_are_read(self):
        config, mistakes = reads(
            Outer,
            {
                **GOOD,
                "ttl": "1h",
                "colors": ["blue"],
                "ratio": 2,
                "table": {"a": {"name": "b"}},
                "free": {"x": [1]},
            },
        )
        self.assertFalse(mistakes)
        self.assertEqual(
            (config.ttl, config.colors, config.ratio), (timedelta(hours=1), [Color.BLUE], 2.0)
        )
        self.assertEqual(
            (config.table, config.free, config.mode), ({"a": Inner("b")}, {"x": [1]}, "strict")
        )
        self.assertEqual(reads(Typed, {"inner": {"name": "x"}})[0], {"inner": Inner("x")})

    def test_mistakes_have_path_and_hint(self):
        for change, path, message, hint in (
            ({"header": 1}, "header", "expected a string, found an integer", ""),
            ({"heade": "x"}, "heade", "unknown key heade", "did you mean header?"),
            ({"inner": {}}, "inner", "name is missing", "write name = …"),
            (
                {"inner": {"name": "x", "tags": ["a", 2]}},
                "inner.tags[1]",
                "expected a string, found an integer",
                "",
            ),
            ({"inner": []}, "inner", "expected a table, found an array", ""),
            (
                {"colors": ["rad"]},
                "colors[0]",
                "this value is not known",
                "did you mean red? one of red, blue",
            ),
            ({"mode": "hard"}, "mode", "this value is not known", "one of strict, lax"),
            ({"on": 1}, "on", "expected a boolean, found an integer", ""),
            ({"maybe": True}, "maybe", "expected an integer, found a boolean", ""),
            ({"ttl": 5}, "ttl", 'a duration needs a unit: "5s"', 'write "5s"'),
            (
                {"ttl": "5 s"},
                "ttl",
                '"5 s" is not a duration',
                'write a number and a unit: "1.5s", "250ms", "2m"',
            ),
            ({"table": {"a b": {}}}, 'table."a b"', "name is missing", "write name = …"),
            ({"either": 1.5}, "either", "this value has none of the forms that it may have", ""),
        ):
            with self.subTest(change):
                config, mistakes = reads(Outer, {**GOOD, **change})
                self.assertIsNone(config)
                self.assertEqual(
                    [(m.path, m.message, m.hint, m.secret) for m in mistakes],
                    [(path, message, hint, False)],
                )

    def test_all_mistakes_are_told_at_once(self):
        _, mistakes = reads(Outer, {"mode": 1, "on": "x"})
        self.assertEqual(sorted(m.path for m in mistakes), ["", "", "mode", "on"])

    def test_a_literal_secret_is_a_mistake_that_does_not_repeat_it(self):
        _, mistakes = reads(Outer, {**GOOD, "key": "hunter2"})
        self.assertEqual((mistakes[0].path, mistakes[0].secret), ("key", True))
        self.assertNotIn("hunter2", str(mistakes[0]))
        self.assertIn("env", mistakes[0].hint)

    def test_a_stage_without_config_takes_no_keys(self):
        self.assertEqual(reads(None, {"x": 1})[1][0].message, "unknown key x")

    def test_own_checks_name_their_key(self):
        def validate(config):
            raise ConfigError("too much", "inner.tags", "write less")

        _, mistakes = reads(Outer, GOOD, validate=validate)
        self.assertEqual(
            (mistakes[0].path, mistakes[0].message, mistakes[0].hint),
            ("inner.tags", "too much", "write less"),
        )


class Durations(unittest.TestCase):
    def test_are_those_of_go(self):
        for text, seconds in (
            ("1.5s", 1.5),
            ("250ms", 0.25),
            ("1h2m3s", 3723),
            ("-2m", -120),
            ("0", 0),
            (".5s", 0.5),
            ("1µs", 1e-6),
        ):
            self.assertEqual(duration.parse(text).total_seconds(), seconds, text)
        for text in ("", "5", "s", "5 s", "1s2", "1d"):
            with self.assertRaises(ValueError, msg=text):
                duration.parse(text)

    def test_are_written_as_they_are_read(self):
        for text in ("1m30s", "250ms", "1h2m3s", "-2m", "0s", "1.5s", "1h", "7us"):
            self.assertEqual(duration.show(duration.parse(text)), text)


class Secrets(unittest.TestCase):
    def test_are_read_where_they_are_and_never_shown(self):
        os.environ["LEAT_TEST_KEY"] = "hunter2"
        self.addCleanup(os.environ.pop, "LEAT_TEST_KEY")
        secret = Secret(env="LEAT_TEST_KEY")
        self.assertEqual(secret.get(), "hunter2")
        self.assertNotIn("hunter2", f"{secret} {secret!r}")
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "key"), "w", encoding="utf-8") as f:
                f.write("from a file\n")
            self.assertEqual(Secret(file="key", dir=folder).get(), "from a file")
            with self.assertRaisesRegex(ValueError, "the file none: No such file"):
                Secret(file="none", dir=folder).get()


class Needs(unittest.TestCase):
    def test_are_read_and_shown(self):
        needs = {
            "request": {
                "headers": ["*"],
                "query": True,
                "edit": [":url", "x"],
                "call": ["labels"],
                "body": "full",
                "body_limit": 1 << 20,
            },
            "response": {"body": "digest"},
            "retry": True,
            "credentials": ["a"],
        }
        self.assertEqual(show_needs(parse_needs(needs)), needs)
        self.assertEqual(
            parse_needs({"request": {"body": "full", "body_limit": "8MiB"}}).request.body_limit,
            8 << 20,
        )
        self.assertEqual(
            show_needs(parse_needs(None)), {"request": {"headers": ["*"], "edit": ["*"]}}
        )

    def test_what_nobody_can_have_is_named(self):
        for needs, said in (
            ({"requests": {}}, "did you mean 'request'?"),
            ({"request": {"headers": "x-a"}}, "needs.request.headers is a list of names"),
            ({"request": {"headers": ["x a"]}}, "no name of a header"),
            ({"request": {"call": ["subjects"]}}, "did you mean 'subject'?"),
            ({"request": {"body": "stream"}}, "none, digest, full"),
            ({"request": {"edit": [":url"]}}, "query"),
            ({"response": {"edit": ["content-length"]}}, "belongs to the connection"),
            ({"retry": 1}, "True or False"),
            ({"request": {"body_limit": "8 apples"}}, "no size"),
        ):
            with self.subTest(needs), self.assertRaises(ValueError) as raised:
                parse_needs(needs)
            self.assertIn(said, str(raised.exception))

    def test_of_a_function_need_the_most(self):
        with self.assertRaisesRegex(ValueError, "most="):
            Stage("s", lambda config, req, next: None, None, lambda c: {}, None, None, "")


class OverTheWire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(os.path.join(HERE, "stages.py"), env={"WIRE_KEY": "hunter2"})

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()

    def test_check_tells_mistakes_or_needs(self):
        wrong = self.host.check("config", {"limit": 0, "header": "x"})
        self.assertEqual([(m.path, m.hint) for m in wrong.mistakes], [("limit", "write 1 or more")])
        right = self.host.check("config", {"header": "x-a"})
        self.assertEqual((list(right.mistakes), list(right.needs.request.edit)), ([], ["x-a"]))

    def test_open_follows_secrets_and_tells_which_is_missing(self):
        stream = self.host.session()
        self.addCleanup(stream.end)
        opened = stream.open("config", config={"header": "x-a", "key": {"env": "WIRE_KEY"}})
        self.assertEqual((opened.failure, list(opened.needs.request.edit)), ("", ["x-a"]))
        value = stream.start(7).next.edits.headers[0].values[0].decode()
        self.assertIn("7 Secret(env='WIRE_KEY')", value)
        opened = stream.open("config", 2, {"header": "x-a", "key": {"env": "NOT_THERE"}})
        self.assertEqual((opened.failure, [m.path for m in opened.mistakes]), ("", ["key"]))
        self.assertIn('env = ["NOT_THERE"]', opened.mistakes[0].message)
        self.assertEqual(stream.open("config", 3, {"header": 1}).mistakes[0].path, "header")
        self.assertIn("there is no type", stream.open("none", 4).mistakes[0].message)


class Errors(unittest.TestCase):
    def test_a_kind_that_does_not_exist_is_refused(self):
        with self.assertRaisesRegex(ValueError, "'oops' is not one of"):
            StageError("oops", "x")


if __name__ == "__main__":
    unittest.main()
