"""Parts of a path: what stands for an object or a record is never a word that the API keeps for itself.

So `PATCH /api/customer/batch` and `POST /api/me` are wrong methods (405 with the right `Allow`), not odd records.
"""

from __future__ import annotations

from werkzeug.routing import BaseConverter

from guanxi.common.names import API_WORDS

# What may follow an object in a path, besides the id of a record.
OBJECT_CALLS = ("batch", "aggregate", "import", "export")


class ObjectPart(BaseConverter):
    """The name of an object."""

    part_isolating = True
    regex = rf"(?!(?:{'|'.join(sorted(API_WORDS))})$)[^/]+"


class RecordPart(BaseConverter):
    """The id of a record."""

    part_isolating = True
    regex = rf"(?!(?:{'|'.join(OBJECT_CALLS)})$)[^/]+"
