"""What an author writes: workflows, their states, channels, attributes and RPCs, and how values become text.

Finds every mistake of a class when it is registered, and turns what a handler did into the words
of ``model``. Knows nothing of engines, stores and transports, and calls no author's method itself:
``worker`` does.
"""
