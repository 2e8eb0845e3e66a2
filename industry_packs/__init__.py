"""Industry packs: YAML metadata installed with the product."""
