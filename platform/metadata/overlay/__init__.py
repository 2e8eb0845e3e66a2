"""Stage 3: layers of documents → one definition per kind and name, each value knowing the layer that set it.

Packs come in the order of what they require, then the instance. Inside a layer first whole definitions, then partial
ones (`extend`), then patches. Merging is by key: maps merge, everything else is replaced.
"""

from .apply import MergeCache, overlay
from .merge import merge
from .packs import PackHead, order_packs, pack_heads
from .patch import Bases
from .provenance import provenance

__all__ = ["Bases", "MergeCache", "PackHead", "merge", "order_packs", "overlay", "pack_heads", "provenance"]
