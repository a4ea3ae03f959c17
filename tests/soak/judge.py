"""Which failures are explained. Whatever this file does not explain is a finding.

A visit is one request, or one connection of the TCP listener. The client compares every byte and says how the visit
went; the access log says how it ended for Sluice. The rule:

1.  Wrong bytes, a wrong hash, a status nobody can have meant, a short body that looks whole, and a client that waited
    in vain are never explained.
2.  A visit that failed for its client is explained if its line in the access log names a server that was killed or
    stopped while the visit ran, and an ending that this fault can cause:
      killed   upstream-cut, upstream-gone, connect-failed, tunnel-failed; and `completed` where only the end of the
               connection can tell that a stream is over, since a killed process ends its connections with FIN
      stopped  upstream-head-timeout, upstream-stalled, connect-timeout; and only if the stop and the visit lasted
               longer than these waits do: a short stop explains nothing
3.  A visit whose client asked the origin for a fault must end as that fault does (or by rule 2).
4.  A client that left by itself may find its visit completed, client-gone, client-body-cut or tunnel-failed (or
    rule 2).
5.  A line of the access log that ends in any other way than `completed` or `refused` must belong to a visit of the
    rules 2 to 4: Sluice has no trouble that the client knows nothing of.
"""

from stage import WAIT

EXPLAINS = {
    "killed": {"upstream-cut", "upstream-gone", "connect-failed", "tunnel-failed"},
    "stopped": {"upstream-head-timeout", "upstream-stalled", "connect-timeout"},
}
WELL = {"completed", "refused"}
AFTER_LEAVING = {"completed", "client-gone", "client-body-cut", "tunnel-failed"}
GRACE = 0.5  # seconds: how long after its return a server's fault may still be felt
NEARLY = 0.9  # of WAIT: the clocks of two processes, and the coarse one of the loop


class Judge:
    def __init__(self, stage):
        self._stage = stage
        self._lines = {}  # visit's key -> its line
        self._visits = []  # that wait for their line
        self.explained = {}  # "ending, server's fault" -> count
        self.unexplained = []
        self.wrong = []

    def take_line(self, line):
        """Every line of the access log."""
        tcp = line.get("protocol") == "tcp"
        self._lines[line["client"].rpartition(":")[0] if tcp else line.get("user_agent", "")] = line

    def take_visit(self, visit):
        """Every visit that was anything but well."""
        if visit["outcome"] in ("wrong", "hung"):
            self.wrong.append(visit)
        else:
            self._visits.append(visit)

    def settle(self):
        """When all lines are there."""
        for visit in self._visits:
            line = self._lines.pop(visit["key"], None)
            cause = self._cause(visit, line)
            if cause is None:
                self.unexplained.append((visit, line))
            else:
                self.explained[cause] = self.explained.get(cause, 0) + 1
        self._visits = []
        for line in self._lines.values():
            if line["end"] not in WELL:
                self.unexplained.append((None, line))
        self._lines = {}

    def _cause(self, visit, line):
        if visit["outcome"] == "left":
            if line is None or line["end"] in AFTER_LEAVING:
                return f"the client left: {line['end'] if line else 'before its request was whole'}"
        elif line is None:
            return None
        if visit["outcome"] == "asked" and line["end"] in visit["endings"]:
            return f"asked of the origin: {line['end']}"
        fault = self._fault(visit, line)
        return f"server {fault}: {line['end']}" if fault else None

    def _fault(self, visit, line):
        server = self._stage.server_at(line.get("upstream", ""))
        # A client that left is forgotten sooner by itself than by Sluice, which may have its bytes to pass on.
        visit_ended = max(visit["ended"], visit["began"] + line["ms"] / 1000)
        for fault in self._stage.faults:
            ended = fault.ended or visit_ended
            if fault.server != server or visit["began"] > ended + GRACE or visit_ended < fault.began:
                continue
            if line["end"] in EXPLAINS[fault.kind]:
                lasted = min(ended - fault.began, visit_ended - visit["began"])
                if fault.kind == "killed" or lasted >= NEARLY * WAIT:
                    return fault.kind
            if fault.kind == "killed" and line["end"] == "completed" and visit["until_close"]:
                return fault.kind
        return None
