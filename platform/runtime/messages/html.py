"""HTML of mail: what templates make and what arrives, cleaned to a fixed list of tags; text from HTML and back.

Mail that arrives loses pictures, styles and forms, so that showing it loads nothing and looks like nothing of ours.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

import nh3

_LINK = re.compile(r"https?://[^\s<>\"']{1,2000}")
_TAGS = {
    *(
        "a abbr b blockquote br caption code col colgroup dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre s"
    ).split(),
    *("small span strong sub sup table tbody td tfoot th thead tr u ul").split(),
}
_PLAIN_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_OWN_ATTRIBUTES = {
    **_PLAIN_ATTRIBUTES,
    "*": {"style", "align", "width", "height"},
    "img": {"src", "alt", "width", "height"},
    "table": {"cellpadding", "cellspacing", "border", "width", "align"},
}
_STYLES = {
    *(
        "color background-color font-size font-family font-weight font-style text-align text-decoration line-height"
    ).split(),
    *("padding padding-top padding-bottom padding-left padding-right margin margin-top margin-bottom border").split(),
    *("border-radius border-collapse width max-width height display vertical-align").split(),
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "hr"}
_DROPPED = {"script", "style", "head", "title", "template", "noscript"}
MOST = 2_000_000


def clean_own(html: str) -> str:
    """HTML of a template whose holes are filled: styles and pictures stay, nothing that runs does."""
    return nh3.clean(
        html,
        tags=_TAGS | {"img", "center"},
        attributes={name: set(values) for name, values in _OWN_ATTRIBUTES.items()},
        url_schemes=_SCHEMES,
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer",
    )


def clean_foreign(html: str) -> str:
    """HTML that arrived: text, tables and links only."""
    return nh3.clean(
        html[:MOST],
        tags=_TAGS,
        attributes={name: set(values) for name, values in _PLAIN_ATTRIBUTES.items()},
        url_schemes=_SCHEMES,
        clean_content_tags={"script", "style", "title", "template", "noscript"},
        link_rel="noopener noreferrer nofollow",
    )


def html_of(text: str) -> str:
    """Plain text as HTML: paragraphs, line breaks, links."""
    parts, last = [], 0
    for found in _LINK.finditer(text):
        address = escape(found.group(), quote=True)
        parts += [escape(text[last : found.start()]), f'<a href="{address}">{address}</a>']
        last = found.end()
    parts.append(escape(text[last:]))
    paragraphs = re.split(r"\n\s*\n", "".join(parts).replace("\r\n", "\n"))
    return "".join(f"<p>{one.strip().replace(chr(10), '<br>')}</p>" for one in paragraphs if one.strip())


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _DROPPED:
            self._skip += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._skip = max(0, self._skip - 1)
        elif tag in _BLOCKS and tag != "br":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.parts.append(re.sub(r"\s+", " ", data))


def text_of(html: str) -> str:
    """The words of HTML, a line for each block."""
    reader = _Text()
    reader.feed(html[:MOST])
    reader.close()
    lines = (line.strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
