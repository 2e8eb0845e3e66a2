"""How long reading, judging, linking and compiling take: 1,000 objects of 30 fields, cold and after one changed file.

    PYTHONPATH=.links python benchmarks/compile.py [objects]

Prints seconds per stage; the goals are 3 s in all when cold and 0.3 s after a change.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.assemble import link_and_compile
from guanxi.metadata.collector import without_collection
from guanxi.metadata.link.memory import Memory
from guanxi.metadata.overlay.apply import MergeCache, overlay
from guanxi.metadata.parse import ParseCache, parse_sources
from guanxi.metadata.sources import BUILTIN, Source
from guanxi.metadata.validate import validate

T = TypeVar("T")

FIELD_LINES = """\
  name: {type: text, label: {en: Name, zh: 名称}, required: true, length: 120, search: true}
  code: {type: auto_number, label: {en: Number, zh: 编号}, format: "C-{yyyy}-{0000}"}
  phone: {type: phone, label: {en: Phone, zh: 电话}, region: CN, search: true, mask: keep_last_4}
  level: {type: choice, label: {en: Level, zh: 级别}, options: {a: {label: A, color: green}, b: {label: B}}, default: b}
  area: {type: choice, label: {en: Area, zh: 区域}, options: area, index: true}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY, min: 0}
  rate: {type: percent, label: {en: Rate, zh: 比例}, min: 0, max: 100}
  due_on: {type: date, label: {en: Due, zh: 到期}, required: level == "a"}
  seen_at: {type: datetime, label: {en: Seen, zh: 见于}, default: now()}
  done: {type: boolean, label: {en: Done, zh: 完成}, default: false}
  net: {type: formula, label: {en: Net, zh: 净额}, returns: decimal, value: 'amount * (100 - coalesce(rate, 0)) / 100'}
  total: {type: rollup, label: {en: Total, zh: 合计}, value: 'sum(children.amount, level == "a")'}
"""
REST = """\
unique:
  name_in_area: [name, area]
rules:
  positive: {check: blank(amount) or amount >= 0, message: {en: Not below nothing, zh: 不能为负}, fields: [amount]}
form:
  sections:
    basics: {label: {en: Basics, zh: 基本}, fields: [name, code, phone, level, area]}
views:
  mine: {label: {en: Mine, zh: 我的}, where: owner == me and level == "a", columns: [name, level], sort: [-amount]}
page: {highlights: [level, amount], tabs: [details, children, history]}
"""


def object_text(number: int, count: int) -> str:
    """One object of 30 fields that points to the next."""
    label = "{en: Text, zh: 文本}"
    plain = "".join(f"  text_{i}: {{type: text, label: {label}, length: {50 + i}}}\n" for i in range(17))
    up = f"thing_{(number + 1) % count}"
    parent = f"  parent: {{type: reference, label: {label}, to: {up}, related: children}}\n"
    head = f"kind: object\nname: thing_{number}\nlabel: {{en: Thing {number}, zh: 对象 {number}}}\n"
    return f"{head}title: name\nowned: true\nfields:\n{FIELD_LINES}{plain}{parent}{REST}"


def sources(count: int) -> list[Source]:
    """The platform's own files, one shared list of options and the objects, a file each."""
    made = [Source("platform", path.name, path.read_bytes()) for path in sorted(BUILTIN.glob("*.yaml"))]
    made.append(
        Source(
            "instance",
            "area.yaml",
            "kind: options\nname: area\noptions: {north: {en: N, zh: 北}, east: {en: E, zh: 东}}\n",
        )
    )
    return made + [Source("instance", f"objects/thing_{n}.yaml", object_text(n, count)) for n in range(count)]


def timed(said: str, work: Callable[[], T]) -> T:
    """Run, print the seconds, hand on the result."""
    start = time.perf_counter()
    result = work()
    print(f"  {said:<20} {time.perf_counter() - start:6.3f} s")
    return result


def read(files: list[Source], parsed: ParseCache, merged: MergeCache, memory: Memory) -> None:
    """All stages once, with what is remembered."""
    found = Diagnostics()
    start = time.perf_counter()
    documents = timed("parse", lambda: parse_sources(files, found, parsed))
    timed("validate", lambda: validate(documents, found, memory.judgements))
    whole = timed("overlay", lambda: overlay(documents, ("platform", "instance"), found, cache=merged))
    registry = timed("link and compile", lambda: link_and_compile(whole, found, memory=memory))
    found.raise_if_failed()
    assert registry is not None
    print(f"  {'in all':<20} {time.perf_counter() - start:6.3f} s   ({len(registry.objects)} objects)")


def main() -> None:
    """Cold, unchanged, one file changed, one field's type changed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    files = sources(count)
    caches = (ParseCache(), MergeCache(), Memory())
    for said, number, old, new in (
        ("cold", 0, "", ""),
        ("nothing changed", 0, "", ""),
        ("a label changed", 5, "en: Rate,", "en: Share,"),
        ("a field added", 7, "  done:", "  extra: {type: text}\n  done:"),
    ):
        position = len(files) - count + number
        text = files[position].data
        assert isinstance(text, str)
        files[position] = Source("instance", files[position].file, text.replace(old, new) if old else text)
        print(said)
        with without_collection():
            read(files, *caches)


if __name__ == "__main__":
    main()
