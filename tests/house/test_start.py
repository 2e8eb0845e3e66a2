"""What a server loads before anybody asked anything: libraries of rare features wait for their first use."""

from __future__ import annotations

import os
import subprocess
import sys

LATE = (
    "guanxi.metadata.load guanxi.metadata.documents.object guanxi.runtime.schema.planner jsonschema phonenumbers "
    "holidays chinese_calendar pypinyin openpyxl python_calamine rapidfuzz charset_normalizer authlib joserfc requests"
).split()


def test_a_start_does_not_load_what_few_requests_need() -> None:
    program = f"import sys, guanxi.app.serve, guanxi.app.factory; print(*[m for m in {LATE!r} if m in sys.modules])"
    where = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=where, check=True)
    assert not done.stdout.split(), "import these where they are used"
