"""The rules of a workflow: events in, effects out.

Pure: nothing here does I/O, reads a clock, draws an id or awaits. ``Execution`` is one run,
``chain`` decides what runs follow each other under one workflow id, ``retry`` when a failed call
is tried again, ``codec`` how events and snapshots are written down.
"""
