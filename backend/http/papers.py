"""Has spreadsheets and printed pages made by a child process: what makes them takes more memory than a worker has.

A new child for each, like those that look into photos (evidence/reencoding.py). What it is to write goes to it over a
pipe while it is read, and it writes into a file; neither side ever has all of it.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson
import structlog

from backend.http.fields import unturned
from backend.http.problems import Problem
from backend.http.table_writing import Value, safe

TIMEOUT_SECONDS = 60.0
WAIT_SECONDS = 20.0
LONGEST = 32_000
"""Characters that a cell of a workbook holds, a few less."""
_PROGRAM = Path(__file__).with_name("papers_child.py")
_one_at_a_time = threading.Lock()
log = structlog.get_logger()


class TooManyPapers(Problem):
    """More files at once than are made in good time."""

    status, code = 429, "too_many_papers_at_once"
    zh, en = "正在生成的文件太多，请稍后再试。", "Too many files are being made at once; try again in a moment."


class PaperFailed(Problem):
    """A file that could not be made."""

    status, code = 503, "paper_failed"
    zh, en = "文件没有生成成功，请再试一次。", "The file could not be made; please try again."


def write_xlsx(path: Path, title: str, table: Iterable[Sequence[Value]]) -> None:
    """Write rows, headings first, as the one sheet of a workbook: texts as texts, numbers as numbers, moments as such.

    Raises TooManyPapers or PaperFailed, and whatever reading the rows raises.
    """
    with _child("xlsx", path) as pipe:
        pipe.write(orjson.dumps(safe(title)) + b"\n")
        for row in table:
            pipe.write(orjson.dumps([_sent(value) for value in row]) + b"\n")


def write_pdf(path: Path, template: Path, told: Mapping[str, Any], pictures: Mapping[str, bytes]) -> None:
    """Write a page: the template (Typst), with what is told as its input `told` and the pictures beside it as files.

    What is told is data to the template, never a part of it, and turns no text backwards.

    Raises TooManyPapers or PaperFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"page.typ": template.read_bytes(), **pictures}.items():
            (Path(folder) / name).write_bytes(content)
        with _child("pdf", path, folder) as pipe:
            pipe.write(unturned(orjson.dumps(told).decode()).encode())


def _sent(value: Value) -> Any:
    if isinstance(value, datetime):
        return {"at": f"{value:%Y-%m-%dT%H:%M}"}
    return safe(value)[:LONGEST] if isinstance(value, str) else value


@contextmanager
def _child(kind: str, *rest: Path | str) -> Iterator[IO[bytes]]:
    """The pipe to a child; when it is closed, the child finishes."""
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise TooManyPapers(headers={"Retry-After": "5"})
    try:
        child = _started(kind, *rest)
        # However long the rows take: what hangs is ended, and the pipe breaks.
        watch = threading.Timer(TIMEOUT_SECONDS, child.kill)
        watch.start()
        try:
            with suppress(BrokenPipeError), _pipe_of(child) as pipe:
                yield pipe
        except BaseException:
            child.kill()
            raise
        finally:
            code = child.wait()
            watch.cancel()
        if code != 0:
            log.error("paper_failed", kind=kind, code=code)
            raise PaperFailed
    finally:
        _one_at_a_time.release()


def _started(kind: str, *rest: Path | str) -> subprocess.Popen[bytes]:
    # The child sees none of our secrets: an empty environment but for what Python may need to start.
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "1"
    command = [sys.executable, "-I", str(_PROGRAM), kind, *map(str, rest)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )


def _pipe_of(child: subprocess.Popen[bytes]) -> IO[bytes]:
    if child.stdin is None:
        raise PaperFailed
    return child.stdin
