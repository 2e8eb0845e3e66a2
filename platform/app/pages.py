"""Generated Markdown as one HTML page that stands alone: no script, no outside file."""

from __future__ import annotations

from html import escape

from markdown_it import MarkdownIt

_STYLE = """
body { font: 16px/1.55 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #1f2933; background: #fff; }
code, pre { font: 0.9em ui-monospace, monospace; background: #f2f4f7; border-radius: 4px; }
code { padding: 0.1em 0.3em; } pre { padding: 0.8em; overflow-x: auto; } pre code { padding: 0; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #d5dae1; padding: 0.3em 0.6em; text-align: left; vertical-align: top; }
@media (prefers-color-scheme: dark) {
  body { color: #e4e7eb; background: #16191d; } code, pre { background: #23282e; } th, td { border-color: #3a424c; }
}
"""


def html_page(markdown: str, language: str = "en") -> str:
    """The page; its title is the first heading."""
    title = next((line.lstrip("# ") for line in markdown.splitlines() if line.startswith("#")), "Guanxi")
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<main>\n{body}</main>\n</html>\n"
    )
