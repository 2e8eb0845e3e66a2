"""Stage 4: documents that know each other: names resolved, expressions checked, formulas typed in order."""
