"""Atheris searches, by the coverage it reaches, for a text that breaks a promise: `python -m tests.fuzz --seconds 60`.

With `--text FILE` a text that was found is judged again. Needs the wheel `atheris`, which there is for Linux on x86-64.
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["feedback", "bleach", "markdown_it"]):
    from tests.fuzz import judges

from tests.corpora import FOLDER
from tests.fuzz.fragments import ALL

MOST_MEMORY_MB = 1_024  # ten times what the judges take
MAX_BYTES = 6_000  # a comment in letters of one byte, and over


def judge(data: bytes) -> None:
    """Send a text to the judge that its first byte names."""
    if data:
        judges.JUDGES[data[0] % len(judges.JUDGES)](data[1:].decode(errors="replace"))


def search(seconds: int, folder: Path) -> None:
    """Never returns: libFuzzer ends the process, with 0 where nothing was found."""
    texts, words = folder / "texts", folder / "words"
    texts.mkdir()
    for number, text in enumerate(seeds()):
        (texts / str(number)).write_bytes(bytes([number % len(judges.JUDGES)]) + text.encode()[:MAX_BYTES])
    words.write_text("\n".join(map(_quoted, ALL)) + "\n")
    options = {"max_total_time": seconds, "max_len": MAX_BYTES, "timeout": 10, "dict": words, "verbosity": 1}
    # A process inherits the most memory that the one which started it ever had, and libFuzzer takes that for its own.
    options["rss_limit_mb"] = MOST_MEMORY_MB + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    arguments = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *arguments, f"-artifact_prefix={folder}/found-", str(texts)], judge)
    atheris.Fuzz()


def _quoted(word: str) -> str:
    """Write a word as libFuzzer's dictionaries have it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


def seeds() -> list[str]:
    """Return texts to begin with: a few of our own, and the public ones where they lie beside the checkout."""
    path = FOLDER / "public_xss.json"
    public = [case["s"] for case in json.loads(path.read_text("utf-8"))] if path.is_file() else []
    return [
        "**a** [b](http://c.d) `e`",
        "> - 1. a\n\n<p>",
        "Ann \u0418",
        "+49 30 7777 4242, DE89 3704 0044 0532 0130 00",
        *public,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="where texts are kept, and what was found; else a temporary one")
    parser.add_argument("--text", type=Path, help="a text that was found, to be judged again")
    options = parser.parse_args()
    if options.text:
        judge(options.text.read_bytes())
        print("It keeps every promise.")
    else:
        search(options.seconds, options.folder or Path(tempfile.mkdtemp(prefix="fuzz-")))


if __name__ == "__main__":
    main()
