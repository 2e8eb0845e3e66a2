"""Published YAML in, a compiled Registry out, in five stages."""
