"""The compiled truth: one frozen Registry per published version; everything that runs reads it and nothing else."""

from .access import ObjectGrant, Role
from .objects import (
    Action,
    Default,
    DuplicateRule,
    Field,
    ObjectType,
    Option,
    OptionSet,
    Related,
    Rule,
    Stage,
    StagePath,
    UniqueKey,
)
from .packs import (
    AppMenu,
    Calendar,
    DataSet,
    MetadataStep,
    MetadataTest,
    PackBackfill,
    PackInfo,
    PackUpgrade,
    Refusal,
)
from .registry import Registry
from .screens import Form, Page, Section, View
from .steps import Automation, Branch, DateTrigger, Once, People, Step, Texts

__all__ = [
    "Action",
    "AppMenu",
    "Automation",
    "Branch",
    "Calendar",
    "DataSet",
    "DateTrigger",
    "Default",
    "DuplicateRule",
    "Field",
    "Form",
    "MetadataStep",
    "MetadataTest",
    "ObjectGrant",
    "ObjectType",
    "Once",
    "Option",
    "OptionSet",
    "PackBackfill",
    "PackInfo",
    "PackUpgrade",
    "Page",
    "People",
    "Refusal",
    "Registry",
    "Related",
    "Role",
    "Rule",
    "Section",
    "Stage",
    "StagePath",
    "Step",
    "Texts",
    "UniqueKey",
    "View",
]
