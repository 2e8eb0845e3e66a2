"""Rules over records: what sets them off, carrying them out, their trace; people and texts that steps name.

See README.md. `runtime.extensions` names what this room brings to writes of records.
"""

from .people import people
from .texts import parts_for, render, shown_parts

__all__ = ["parts_for", "people", "render", "shown_parts"]
