"""HTTP over any Backend: the door for iWF clients and workers of every language.

``endpoints`` is all of it that can be said without a network: a method, a path and a body in, a
status and a body out. It knows no engine, and no HTTP library.
"""
