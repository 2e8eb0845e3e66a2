"""Sentences of the import, in the caller's language."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "reference_missing": ("There is no record '{value}'.", "没有名为“{value}”的记录。"),
    "reference_several": ("Several records are called '{value}'.", "有多条记录名为“{value}”。"),
    "key_blank": ("The key is blank.", "关键字段为空。"),
    "key_several": ("The key names more than one record.", "关键字段对应多条记录。"),
    "gone": ("The record is no longer there.", "记录已不存在。"),
    "changed_since": ("It was changed after the import.", "导入后已被修改。"),
    "deleted_since": ("It was deleted after the import.", "导入后已被删除。"),
    "blank_values": ("{count} blank values", "{count} 个空值"),
    "short_rows": ("{count} rows have fewer cells than the header", "{count} 行的单元格少于表头"),
    "unmatched": ("The column matches no field and was left out", "该列未匹配任何字段,已忽略"),
    "ambiguous": ("The column matches more than one field and was left out", "该列匹配多个字段,已忽略"),
    "not_writable": ("The column's field is not written by people and was left out", "该列对应的字段不可写入,已忽略"),
    "lost": (
        "The worker stopped after row {row}; the rows up to there were written.",
        "处理进程在第 {row} 行后中断,此前的行已写入。",
    ),
}


def said(key: str, language: str, **words: object) -> str:
    """A sentence with its words put in."""
    english, chinese = TEXTS[key]
    text = chinese if language[:2] == "zh" else english
    for name, word in words.items():
        text = text.replace("{" + name + "}", str(word))
    return text
