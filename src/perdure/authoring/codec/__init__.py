"""How one Python type is written as JSON and read back: a codec for each, compiled once from its annotation."""
