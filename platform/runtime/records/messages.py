"""The sentences of refused records, in the languages of the platform; one place, so that channels never word their own.

A fault is a `FieldError`: field, code of `errors.RECORD_CODES`, sentence. Texts from metadata (a rule's message) win
over these. What is left out: translation of text from outside, which is quoted as it came.
"""

from __future__ import annotations

from guanxi.common.errors import FieldError
from guanxi.common.labels import Label

TEXTS: dict[str, tuple[str, str]] = {
    "required": ("A value must be given.", "必须填写。"),
    "required_stage": ("A value is needed to enter the stage {stage}.", "进入阶段“{stage}”前必须填写。"),
    "unknown_field": ("There is no field '{name}'.", "没有字段“{name}”。"),
    "nearest": (" Did you mean '{name}'?", " 是否为“{name}”?"),
    "system": ("The platform sets this field.", "该字段由系统维护。"),
    "formula": ("This field is calculated.", "该字段由系统计算。"),
    "read_only": ("This field cannot be changed.", "该字段不可修改。"),
    "read_only_now": ("This field cannot be changed in the record's present state.", "在当前状态下不可修改该字段。"),
    "forbidden": ("You may not change this field.", "您无权修改该字段。"),
    "forbidden_owner": ("You may not say who owns the record.", "您无权指定负责人。"),
    "scope": ("The record would leave what you may work on.", "保存后该记录将超出您的操作范围。"),
    "object": ("A record is an object of fields and values.", "记录必须是字段与值的对象。"),
    "nesting": ("The value is nested too deeply or too large.", "该值嵌套过深或过大。"),
    "type": ("The value has the wrong type.", "值的类型不正确。"),
    "length": ("The text is longer than {most} characters.", "文本超过 {most} 个字符。"),
    "integer": ("The number is too large.", "数值过大。"),
    "choice": ("'{name}' is not one of the options.", "“{name}”不在可选范围内。"),
    "reference": ("There is no {object} with the id {id}.", "不存在编号为 {id} 的{object}。"),
    "gone": ("The record referred to does not exist.", "所引用的记录不存在。"),
    "referred": ("{count} records of {object} still refer to it.", "仍有 {count} 条{object}记录引用它。"),
    "referred_hidden": ("Other records still refer to it.", "仍有其他记录引用它。"),
    "too_many": ("More than {most} records would be affected.", "受影响的记录超过 {most} 条。"),
    "unique": ("Another record has this value.", "已有其他记录使用该值。"),
    "unique_key": ("Another record has the same {fields}.", "已有其他记录的“{fields}”相同。"),
    "duplicate": ("The record looks like one that exists.", "疑似重复记录。"),
    "duplicate_owner": (" It is with {owner}.", "负责人：{owner}。"),
    "duplicate_pool": (" It is in the pool and may be claimed.", "该记录在公海中，可领取。"),
    "rule": ("A rule of the object does not hold: {name}.", "不符合规则:{name}。"),
    "stage_unknown": ("There is no stage '{name}'.", "没有阶段“{name}”。"),
    "stage_start": ("A new record starts in the stage {stage}.", "新记录从阶段“{stage}”开始。"),
    "stage_path": ("From {old} the record cannot move to {new}.", "不能从“{old}”移到“{new}”。"),
    "stage_gate": ("The record does not meet what the stage {stage} asks for.", "不满足进入阶段“{stage}”的条件。"),
    "stage_by": ("You may not move the record to the stage {stage}.", "您无权将记录移到阶段“{stage}”。"),
    "share_one": ("Name one user, team or role.", "请指定一个用户、团队或角色。"),
    "share_access": ("The access is read or edit.", "权限为 read 或 edit。"),
    "share_until": ("The end is a day or an instant in the future.", "截止时间须为将来的日期或时刻。"),
    "share_more": ("Nobody shares more than he may do himself.", "不能共享超出自身权限的操作。"),
    "share_own": ("The record is yours already.", "该记录本来就属于您。"),
    "share_most": ("A record is shared with at most {most}.", "一条记录最多共享给 {most} 个对象。"),
    "share_none": ("Nothing is shared with them.", "未共享给该对象。"),
    "reveal_reason": ("Say why, in 3 to 500 characters.", "请说明原因（3 至 500 字）。"),
    "reveal_fields": ("Name the fields to see.", "请指定要查看的字段。"),
    "merge_losers": (
        "Name 1 to {most} other records that go into this one.",
        "请指定 1 至 {most} 条要并入的其他记录。",
    ),
    "merge_field": (
        "The value is taken from the master or a loser, by id.",
        "请按编号指定取值的主记录或被合并记录。",
    ),
    "merge_own": (
        "The record belongs to one that would go into it; change that first.",
        "该记录隶属于将被并入的记录，请先修改其上级。",
    ),
    "merge_child": (
        "{object} #{id} cannot move: another one like it is there.",
        "{object} #{id} 无法转移：目标下已有相同的记录。",
    ),
    "merge_id": (
        "There is no merge of this record with that number that can be undone.",
        "该记录没有可撤销的此次合并。",
    ),
    "merge_order": ("A later merge of this record must be undone first.", "请先撤销该记录之后的合并。"),
    "merge_gone": (
        "#{id} is no longer in the trash as the merge left it.",
        "#{id} 已不在回收站，无法撤销合并。",
    ),
    "duty": (
        "{name}: nobody may have {first} together with {second}.",
        "{name}：同一人不能同时拥有 {first} 与 {second}。",
    ),
    "action_now": ("This cannot be done with the record in its present state.", "当前状态下不能执行该操作。"),
}


def text(key: str, language: str, /, **words: object) -> str:
    """The sentence `key` in `language` (Chinese for any zh, else English) with `words` filled in."""
    english, chinese = TEXTS[key]
    return (chinese if language[:2] == "zh" else english).format(**words)


def fault(field: str, code: str, key: str, language: str, /, **words: object) -> FieldError:
    """One fault of `field` with the sentence `key`."""
    return FieldError(field, code, text(key, language, **words))


def named(label: Label, name: str, language: str) -> str:
    """What a person calls something: its label, else its name."""
    return label.text(language) or name


def printable(name: object) -> str:
    """A name from outside, fit for a sentence: no halves of surrogate pairs or control signs, at most 60 characters."""
    shown = str(name)[:60].encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else "\ufffd" for c in shown)
