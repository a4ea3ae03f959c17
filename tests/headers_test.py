"""Every header compiles alone, whatever was included before it.

A source includes its own header first, so compiling the source proves it of that header. The others are compiled here
with the flags of the build: `headers_test.py BUILD`, where BUILD/compile_commands.json is.
"""

import json
import re
import shlex
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv.pop(1) if len(sys.argv) > 1 else ROOT / "build")

FIRST_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)


def headers(*folders):
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.h"))]
    return [path for path in found if "install" not in path.parts]


def name_of(header):
    """As it is included."""
    for base in ("src", "include", "tests"):
        if header.is_relative_to(ROOT / base):
            return str(header.relative_to(ROOT / base))
    raise AssertionError(header)


def proved_by_its_source(header):
    source = header.with_suffix(".cc")
    return source.exists() and FIRST_INCLUDE.search(source.read_text())[1] == name_of(header)


def compiler():
    """The command that compiles a part of the program, without its input and output."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    (command,) = [c["command"] for c in commands if c["file"].endswith("src/app/cli.cc")]
    words = shlex.split(command)
    return [word for word in words[: words.index("-o")] if "ccache" not in word] + ["-I", str(ROOT / "tests")]


def complaint(text):
    """What the compiler says to this text; empty: nothing."""
    command = [*compiler(), "-Werror", "-fsyntax-only", "-x", "c++", "-"]
    told = subprocess.run(command, input=text, text=True, capture_output=True, timeout=120, cwd=BUILD, check=False)
    return "" if told.returncode == 0 else told.stderr or f"status {told.returncode}"


class Headers(unittest.TestCase):
    def test_a_source_includes_its_own_header_first(self):
        found = [h for h in headers("src") if h.with_suffix(".cc").exists()]
        self.assertGreater(len(found), 20, "the sources were not found")
        wrong = [str(h.with_suffix(".cc").relative_to(ROOT)) for h in found if not proved_by_its_source(h)]
        self.assertEqual(wrong, [])

    def test_the_others_compile_alone(self):
        found = [h for h in headers("src", "include", "tests") if not proved_by_its_source(h)]
        self.assertGreater(len(found), 5)
        with ThreadPoolExecutor(2) as pool:
            said = pool.map(lambda h: complaint(f'#include "{name_of(h)}"\n'), found)
            wrong = [f"{name_of(h)}:\n{text}" for h, text in zip(found, said) if text]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_a_header_that_needs_another_is_seen(self):
        self.assertIn("string", complaint("inline std::string lost() { return {}; }\n"))
        self.assertIn("conversion", complaint("inline char cut(int wide) { return wide; }\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=1)
