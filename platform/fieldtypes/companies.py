"""The core of a company's name: what is left when the legal form, punctuation, case and width are taken away.

Two names with one core are likely one company; the importer and the duplicate rules compare cores. Simplified and
traditional characters are not folded into each other, and a place in front of a name is part of it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from guanxi.common.text import fold

_FORMS_ZH = (
    "股份有限责任公司 有限责任公司 股份有限公司 集团有限公司 有限公司 股份公司 总公司 "
    "公司 集团 控股 (有限合伙) (普通合伙) (特殊普通合伙) 有限合伙 "
    "合伙企业 个人独资企业 个体工商户 農民專業合作社 农民专业合作社 專業合作社 专业合作社 "
    "合作社 工作室 有限責任公司 股份有限責任公司 集團 總公司 株式会社 有限会社 合同会社"
).split(" ")
_FORMS_LATIN = (
    "co ltd|company limited|co limited|limited liability company|limited company|"
    "public limited company|private limited|pte ltd|pty ltd|pvt ltd|sdn bhd|incorporated|inc|"
    "corporation|corp|company|co|limited|ltd|llc|llp|lp|plc|gmbh co kg|gmbh|ag|kg|kgaa|ohg|ug|se|sa|"
    "sas|sarl|srl|spa|s p a|s a|s r l|bv|b v|nv|n v|oy|oyj|ab|as|a s|aps|kk|k k|sl|ltda|lda|sro|"
    "s r o|zrt|kft|sp z o o|ooo|oao|zao|pao|pjsc|jsc|bhd|berhad|holdings|holding|group"
).split("|")
# A branch (分公司) or subsidiary (子公司) is another legal person: what it is stays part of its name.
_FORM_ZH = re.compile(
    "(?:"
    + "|".join(
        r"(?<![分子])公司" if form == "公司" else re.escape(form) for form in sorted(_FORMS_ZH, key=len, reverse=True)
    )
    + r")\Z"
)
_FORM_LATIN = re.compile(r"(?<=\S) (?:" + "|".join(sorted(_FORMS_LATIN, key=len, reverse=True)) + r")\Z")
_BRACKETED = re.compile(r"\((?:集团|集團|股份|控股|" + "|".join(f for f in _FORMS_ZH if "(" not in f) + r")?\)\Z")
_KABUSHIKI = re.compile(r"^(?:株式会社|有限会社|合同会社)")
_MARKS = re.compile(r"[^\w()]|_")
_BRACKETS = re.compile(r"[()\s]")
_HAN_SPACE = re.compile(r"(?<=[\u2e80-\u9fff\uf900-\ufaff]) +| +(?=[\u2e80-\u9fff\uf900-\ufaff])")


@lru_cache(maxsize=4096)
def company_core(text: str) -> str:
    """`"杭州蓝信贸易(集团)有限公司"` → `"杭州蓝信贸易"`, `"Lan Xin Trading Co., Ltd."` → `"lan xin trading"`.

    Never "" for a name with any letter or digit: a name made of legal forms alone is its own core.
    """
    plain = " ".join(_MARKS.sub(" ", fold(text)).split())
    plain = _HAN_SPACE.sub("", plain)
    core = _KABUSHIKI.sub("", plain) or plain
    while True:
        shorter = _FORM_LATIN.sub("", core) if core.isascii() or " " in core else core
        shorter = _FORM_ZH.sub("", shorter)
        shorter = _BRACKETED.sub("", shorter).strip()
        if shorter == core or not _BRACKETS.sub("", shorter):
            break
        core = shorter
    return _HAN_SPACE.sub("", " ".join(core.replace("(", " ").replace(")", " ").split()))
