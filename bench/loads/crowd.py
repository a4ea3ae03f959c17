"""Many clients by crowd.cc: kept open, a few or all of them active, at a rate, or a connection for each request."""

import json
import subprocess

from work import Absent, Wrong


class Crowd:
    """Connections to a peer, each of which has brought one response. A context: they close at its end.

    What is asked for is named as the file that each body has to be.
    """

    def __init__(self, ground, peer, connections, path):
        program = ground.home / "crowd"
        if not program.exists():
            raise Absent("crowd is not built")
        command = [program, peer.ports["http"], connections, path, ground.www / path.rsplit("/", 1)[1]]
        self._process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        try:
            self.opened = self._answer()
            faultless(self.opened)
        except BaseException:
            self.close()
            raise

    def start(self, **words):
        """Begins a run: the words of crowd.cc. finish() gives what came of it."""
        self._process.stdin.write("run " + " ".join(f"{key}={value}" for key, value in words.items()) + "\n")
        self._process.stdin.flush()

    def finish(self):
        return self._answer()

    def run(self, **words):
        self.start(**words)
        return self.finish()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise Wrong("the clients ended")
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def faultless(told):
    """What was told, where nothing failed."""
    if told["failed"] or not told["requests"]:
        raise Wrong(f"{told['failed']} of {told['requests'] + told['failed']} requests failed")
    return told
