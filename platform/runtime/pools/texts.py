"""The sentences of this room, in the languages of the platform."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "pool_cap": ("No more than {most} records may be held.", "最多可持有 {most} 条记录。"),
    "pool_quota_day": ("The {most} claims of the day are used up.", "今日 {most} 次领取额度已用完。"),
    "pool_quota_week": ("The {most} claims of the week are used up.", "本周 {most} 次领取额度已用完。"),
    "pool_quota_month": ("The {most} claims of the month are used up.", "本月 {most} 次领取额度已用完。"),
    "pool_frozen": ("The record can be taken from {until}.", "该记录自 {until} 起可领取。"),
    "pool_cooldown": (
        "You had this record; you may take it again from {until}.",
        "您曾持有该记录，{until} 后可再次领取。",
    ),
    "taken": ("The record has been taken by somebody else.", "该记录已被他人领取。"),
    "not_in_pool": ("The record is in no pool that you belong to.", "该记录不在您所属的公海中。"),
    "closed": ("Nothing is taken from this pool now.", "该公海已停用，暂不可领取。"),
    "reason": ("Choose a reason: {known}.", "请选择原因：{known}。"),
    "reason_text": ("A reason is a text of at most {most} characters.", "原因须为不超过 {most} 个字符的文本。"),
    "blocked": ("The record cannot be given back in its present state.", "该记录在当前状态下不能退回。"),
    "note": ("Say why in a note.", "请填写说明。"),
    "return_quota": ("No more than {most} records may be given back in a day.", "每天最多退回 {most} 条记录。"),
    "no_pool": ("No pool takes this record.", "没有公海可接收该记录。"),
    "not_owner": (
        "Only its owner, his managers and managers of the pool do this.",
        "仅负责人、其上级或公海管理员可执行。",
    ),
    "protect_most": ("You may protect no more than {most} records.", "最多可保护 {most} 条记录。"),
    "protect_none": ("Records here cannot be protected by hand.", "此处不支持手工保护。"),
    "protect_days": ("Protection lasts from 1 to {most} days.", "保护期为 1 至 {most} 天。"),
    "children": ("children is none, same_owner or all_open.", "children 取值为 none、same_owner 或 all_open。"),
    "ids": ("Name the records: a list of 1 to 500 different ids.", "请指定 1 至 500 个不同的记录编号。"),
    "mode": ("mode is best_effort or all_or_nothing.", "mode 取值为 best_effort 或 all_or_nothing。"),
    "override": ("Only managers of the pool go over a limit, and say why.", "仅公海管理员可在说明原因后突破上限。"),
}


def text(key: str, language: str, /, **words: object) -> str:
    """The sentence `key` in `language` (Chinese for any zh, else English) with `words` filled in."""
    english, chinese = TEXTS[key]
    return (chinese if language[:2] == "zh" else english).format(**words)
