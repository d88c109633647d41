"""The room of large values: out of what goes into an engine, and back into what comes out of it.

It stands around an engine, as a ``Backend`` around its backend and an ``Invoker`` around its invoker.
The engine between the two never learns that a value is somewhere else. It must not know an engine, a
store of runs, or a protocol.
"""
