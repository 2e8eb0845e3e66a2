"""The search index: any part of a text, Chinese, pinyin and pinyin initials, on both engines without extensions."""
