"""The file of a result, as schema.py tells its parts."""

import datetime
import json
import time
from pathlib import Path

from ground import ROOT


class Result:
    """Written anew after each table and scenario: a run that is interrupted is not lost."""

    def __init__(self, path, machine, options):
        self.path = path
        self.failed = []  # tables and scenarios that could not be measured to their ends
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

    def _text(self):
        """Commands and configurations name files from the checkout or from home on: where these lie is nobody's business."""
        text = json.dumps(self.told, indent=1)
        for place, name in ((f"{ROOT}/", ""), (f"{Path.home()}/", "~/")):
            text = text.replace(json.dumps(place)[1:-1], name)
        return text + "\n"

    def write(self):
        self.told["seconds"] = round(time.monotonic() - self._began)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(self._text())
        part.replace(self.path)
