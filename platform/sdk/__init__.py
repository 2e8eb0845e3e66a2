"""What code of a pack may import: the part of the platform that stays the same from version to version."""

from .testing import Failed, assert_pack, pack_report

__all__ = ["Failed", "assert_pack", "pack_report"]
