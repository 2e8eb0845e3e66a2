"""The closed catalogue of diagnostic codes for definitions; a code is never reused for another meaning.

Shapes: stage prefix and a short kebab-case name. `docs/reference/codes.md` lists the same codes; a test
keeps the two equal. Record error codes (`required`, `type`, …) are in `errors.RECORD_CODES`.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # stage 1: parse
    "yaml-syntax": "The text is not valid YAML.",
    "yaml-encoding": "The file is not UTF-8 text.",
    "yaml-tab": "A tab is used for indentation.",
    "yaml-duplicate-key": "A key stands twice in one map.",
    "yaml-anchor": "Anchors and aliases are not allowed.",
    "yaml-tag": "Tags are not allowed.",
    "yaml-scalar": "A scalar is written in a form that readers disagree about.",
    "yaml-key": "A map key is not plain text.",
    "yaml-limit": "A size or depth limit is passed.",
    "yaml-document": "A document is not a map with a kind and a name.",
    "file-missing": "A named file or folder does not exist or cannot be read.",
    # stage 2: validate
    "unknown-kind": "No kind of this name exists.",
    "unknown-key": "A key is not known here.",
    "unknown-type": "No field type of this name exists.",
    "missing-key": "A key that must be given is missing.",
    "wrong-type": "A value has the wrong type.",
    "wrong-value": "A value is not allowed here.",
    "bad-name": "A name breaks the naming rules.",
    "reserved-name": "A name is reserved by the platform.",
    "bad-label": "A label or text is not usable.",
    # stage 3: overlay
    "duplicate-definition": "Two documents define the same thing.",
    "extend-missing": "extend or patch names something that does not exist.",
    "remove-missing": "remove names something that does not exist.",
    "patch-conflict": "A local patch and a new pack version changed the same key.",
    "pack-missing": "A required pack is not installed.",
    "pack-version": "A required pack has the wrong version.",
    "pack-cycle": "Packs require each other.",
    # stage 4: link
    "unknown-object": "No object of this name exists.",
    "unknown-field": "No field of this name exists.",
    "unknown-option": "No option of this name exists.",
    "unknown-reference": "Something named here does not exist.",
    "expression-syntax": "An expression cannot be read.",
    "expression-name": "An expression uses an unknown name.",
    "expression-type": "An expression has the wrong type.",
    "expression-call": "An expression calls a function wrongly.",
    "expression-sql": "An expression cannot run in the database where that is needed.",
    "expression-limit": "An expression passes a limit.",
    "cycle": "Definitions depend on each other in a circle.",
    "clash": "Two definitions would use the same name or column.",
    "model-rule": "Definitions contradict each other.",
    "never-true": "A rule can never take effect.",
    "automation-loop": "Rules write each other's trigger, so that they could set each other off without end.",
    "renamed": "A field or option is still mentioned by its former name.",
    "missing-translation": "A label has no text in a language of the instance.",
    "bad-data": "A row of data does not fit its object.",
    # settings of an instance
    "settings": "guanxi.yaml has a wrong entry.",
    "environment": "An environment variable named in guanxi.yaml is not set.",
}
