"""`python -m benchmarks [names] [--engine sqlite|postgresql] [--quick]`: every figure of the performance table.

Names choose parts: http, servers, publish, process (start, memory, a page), write, bulk, read, rights (row rules over
a million records), compile, automation, expressions; without names all of them run. The database is built for the run
and removed with it.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from . import http, process, publishing, servers

FULL, QUICK = 100_000, 10_000


def _http(engine: str, quick: bool) -> None:
    rows = QUICK if quick else FULL
    print(f"\n### Requests on {engine}, {rows:,} customers, {rows * 3:,} activities, {http.CONNECTIONS} connections\n")
    with http.place(engine, rows) as place:
        print(http.HEADER, flush=True)
        http.measure(place, list(http.GOALS), seconds=1.0 if quick else 2.0, rounds=2 if quick else 3, say=_say)


def _servers(engine: str, quick: bool) -> None:
    with http.place(engine, QUICK) as place:
        servers.compare(place, seconds=1.5 if quick else 3.0, say=_say)


def _publish(engine: str, quick: bool) -> None:
    publishing.measure(engine, 2 if quick else 5, say=_say)


def _process(engine: str, quick: bool) -> None:
    del engine, quick
    process.measure(say=_say)


def _module(name: str, *arguments: str) -> Callable[[str, bool], None]:
    def run(engine: str, quick: bool) -> None:
        given = [engine if one == "ENGINE" else one for one in arguments]
        if name == "bulk" and engine == "postgresql":
            given += ["--postgresql"]
        if quick:
            fewer = {"compile": ["100"], "read": [str(QUICK)], "rights": ["50000"], "bulk": ["--rows", str(QUICK)]}
            given += fewer.get(name, [])
        print(f"\n### {name}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *given], check=True, cwd=_ROOT)

    return run


_ROOT = Path(__file__).parent.parent
PARTS: dict[str, Callable[[str, bool], None]] = {
    "automation": _module("automation", "ENGINE"),
    "dedupe": _module("dedupe"),
    "http": _http,
    "servers": _servers,
    "publish": _publish,
    "process": _process,
    "read": _module("read", "ENGINE"),
    "rights": _module("rights", "ENGINE"),
    "write": _module("write", "ENGINE"),
    "bulk": _module("bulk"),
    "compile": _module("compile"),
    "expressions": _module("expressions"),
}


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Run the parts that were named."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="The performance table of Guanxi.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"parts to run: {', '.join(PARTS)}; default: all")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows and shorter rounds")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in PARTS]
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    links = _ROOT / ".links"
    if links.is_dir():
        before = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(links), str(_ROOT), *filter(None, [before])]))
    versions = ", ".join(f"{name} {version(name)}" for name in ("flask", "peewee", "orjson", "granian"))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} processors, load average {load}")
    for name in given.names or PARTS:
        PARTS[name](given.engine, given.quick)


if __name__ == "__main__":
    main()
