"""The drawing of src/ as a test: a folder includes the rows below its own, and nothing else.

The same drawing stands in docs for people; a new edge is drawn there and added here, or it is a mistake.
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# From top to bottom. Neighbours in a row do not know each other.
ROWS = [
    ["app"],
    ["admin"],
    ["serve"],
    ["content", "upstream", "broker"],
    ["http2", "groups"],
    ["http", "kafka", "log"],
    ["tls"],
    ["config"],
    ["relay", "observe"],
    ["loop"],
    ["os"],
    ["base"],
]
ALLOWED = {
    folder: {folder} | {below for lower in ROWS[row + 1 :] for below in lower}
    for row, folders in enumerate(ROWS)
    for folder in folders
}

LIBEVENT = re.compile(r"^(event2/.*|event\.h|evutil\.h|evhttp\.h|evdns\.h)$")
# What declares system calls. sys/uio.h and sys/types.h are absent on purpose: they lend types to gather lists.
SYSTEM_CALLS = re.compile(
    r"^(unistd|fcntl|poll|netdb|sched|signal|pthread|ifaddrs|dirent"
    r"|sys/(socket|epoll|eventfd|timerfd|signalfd|inotify|sendfile|stat|statfs|mman|ioctl|resource|syscall|un|wait"
    r"|prctl|select|file)|netinet/.*|arpa/.*|linux/.*|asm/.*)\.h$"
)
# Who may know which library.
LIBRARIES = {"openssl/": "tls", "nghttp2/": "http2", "sqlite3.h": "groups"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def sources(folder):
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".h", ".cc"))


def includes(text):
    """(is_quoted, name) of every include line."""
    return [(mark == '"', name) for mark, name in INCLUDE.findall(text)]


def judge(folder, text):
    """What `text`, a file of src/<folder>/, includes against the drawing."""
    wrong = []
    for quoted, name in includes(text):
        if LIBEVENT.match(name) and folder != "loop":
            wrong.append(f"{name}: only loop/ includes libevent")
        if SYSTEM_CALLS.match(name) and folder != "os":
            wrong.append(f"{name}: only os/ makes system calls")
        wrong += [
            f"{name}: only {owner}/ includes it"
            for library, owner in LIBRARIES.items()
            if name.startswith(library) and folder != owner
        ]
        if not quoted:
            continue
        target = name.split("/")[0]
        if "/" not in name:
            wrong.append(f"{name}: write the folder too")
        elif target != "sluice" and target not in ALLOWED:
            wrong.append(f"{name}: {target}/ is not drawn")
        elif target != "sluice" and target not in ALLOWED[folder]:
            wrong.append(f"{name}: {folder}/ stands below or beside {target}/")
    return wrong


class Architecture(unittest.TestCase):
    def test_every_folder_is_drawn(self):
        folders = {p.name for p in (ROOT / "src").iterdir() if p.is_dir()}
        self.assertEqual(folders - set(ALLOWED), set())

    def test_includes_run_downwards(self):
        files = sources("src")
        self.assertGreater(len(files), 20, "the sources were not found")
        wrong = [
            f"{path.relative_to(ROOT)}: {what}"
            for path in files
            for what in judge(path.relative_to(ROOT / "src").parts[0], path.read_text())
        ]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_the_public_library_stands_alone(self):
        """Its headers are installed without src/, so they can only include each other."""
        wrong = [
            f"{path.relative_to(ROOT)}: {name}"
            for path in sources("include")
            for quoted, name in includes(path.read_text())
            if quoted and not name.startswith("sluice/")
        ]
        self.assertEqual(wrong, [])

    def test_the_judge_sees_each_kind_of_mistake(self):
        cases = [
            ("os", '#include "loop/event_loop.h"', 1),  # upwards
            ("relay", '#include "observe/counters.h"', 1),  # sideways
            ("http", "#include <event2/event.h>", 1),
            ("serve", "#include <openssl/ssl.h>", 1),
            ("serve", "#include <nghttp2/nghttp2.h>", 1),
            ("relay", "#  include <sys/socket.h>", 1),
            ("serve", '#include "exchange.h"', 1),  # no folder
            ("serve", '#include "nowhere/x.h"', 1),
            ("serve", '#include "relay/body.h"\n#include <sys/uio.h>\n#include "serve/x.h"', 0),
            ("os", "#include <unistd.h>", 0),
            ("loop", "#include <event2/event.h>", 0),
            ("tls", "#include <openssl/ssl.h>", 0),
        ]
        for folder, text, count in cases:
            with self.subTest(folder=folder, text=text):
                self.assertEqual(len(judge(folder, text)), count)


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=1)
