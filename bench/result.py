"""The file of a result, as schema.py tells its parts."""

import datetime
import json
import time


class Result:
    """Written anew after each table and scenario: a run that is interrupted is not lost."""

    def __init__(self, path, machine, options):
        self.path = path
        self._began = time.monotonic()
        self.told = {
            "format": 1,
            "started": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
            "seconds": 0,
            "machine": machine,
            "versions": {},
            "options": options,
            "configs": {},
            "commands": {},
            "tables": [],
            "absent": [],
            "scenarios": [],
        }

    def write(self):
        self.told["seconds"] = round(time.monotonic() - self._began)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.told, indent=1) + "\n")
        part.replace(self.path)
