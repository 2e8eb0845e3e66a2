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
from .packs import AppMenu, Calendar, DataSet, MetadataStep, MetadataTest, PackInfo, Refusal
from .registry import Registry
from .screens import Form, Page, Section, View

__all__ = [
    "Action",
    "AppMenu",
    "Calendar",
    "DataSet",
    "Default",
    "DuplicateRule",
    "Field",
    "Form",
    "MetadataStep",
    "MetadataTest",
    "ObjectGrant",
    "ObjectType",
    "Option",
    "OptionSet",
    "PackInfo",
    "Page",
    "Refusal",
    "Registry",
    "Related",
    "Role",
    "Rule",
    "Section",
    "Stage",
    "StagePath",
    "UniqueKey",
    "View",
]
