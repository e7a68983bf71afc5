"""What was generated is not stale."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from google.protobuf import descriptor_pb2
from tests.host import ROOT

from leat_plugin import __version__, plugin_pb2

PROTO = os.path.join(ROOT, "..", "proto")


class Generated(unittest.TestCase):
    def test_the_messages_are_those_of_the_proto_file(self):
        if not shutil.which("protoc") or not os.path.isdir(PROTO):
            if os.environ.get("LEAT_CI") == "1":
                self.fail("needs protoc: apt-get install protobuf-compiler")
            self.skipTest("needs protoc: apt-get install protobuf-compiler")
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "set")
            subprocess.run(
                ["protoc", "-I", PROTO, "--descriptor_set_out", out, "leat/plugin/v1/plugin.proto"],
                check=True,
            )
            with open(out, "rb") as f:
                want = descriptor_pb2.FileDescriptorSet.FromString(f.read()).file[0]
        got = descriptor_pb2.FileDescriptorProto.FromString(plugin_pb2.DESCRIPTOR.serialized_pb)
        for file in (want, got):
            _clear_json_names(file.message_type)
        self.assertEqual(got, want, "generate it anew: see plugins/python/README.md")

    def test_the_version_is_the_package_s(self):
        with open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as f:
            self.assertEqual(re.search(r'^version = "(.*)"$', f.read(), re.M).group(1), __version__)


def _clear_json_names(messages):
    for m in messages:
        for f in m.field:
            f.ClearField("json_name")
        _clear_json_names(m.nested_type)


if __name__ == "__main__":
    unittest.main()
