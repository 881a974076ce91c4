"""A process of its own that casts the ballots it is told over a pipe: `python -m tests.machines.clerk DATABASE HOME`.

A line in is a batch, as JSON: the site, and each ballot's reader, article, fields and moment. It answers "ready" with
everything prepared, waits for one more line, casts one after the other, and answers what it was answered. So two of
them begin at the same moment.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from feedback import clock, create_app
from feedback.config import Settings
from feedback.db import dispose
from tests.cast import ORIGIN

SECRET = "only-the-tests-sign-with-this-key"


class Moved:
    """The clock, as each ballot says."""

    moment = datetime.min

    def __call__(self) -> datetime:
        return self.moment


def main(database_url: str, home: str) -> None:
    app = create_app(Settings(home=Path(home), database_url=database_url, secret_keys=(SECRET,), limits=False))
    moved = Moved()
    clock.now = moved
    http = app.test_client()
    try:
        for line in sys.stdin:
            batch = json.loads(line)
            _say("ready")
            sys.stdin.readline()
            _say([_cast(http, moved, batch["site"], ballot) for ballot in batch["ballots"]])
    finally:
        dispose(app)


def _cast(http: Any, moved: Moved, site: str, ballot: dict[str, Any]) -> tuple[int, Any]:
    moved.moment = datetime.fromisoformat(ballot["now"])
    answer = http.post(f"/api/v1/{site}/vote", data=ballot["fields"], headers={"Origin": ORIGIN})
    return answer.status_code, answer.get_json()


def _say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
