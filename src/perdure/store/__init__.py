"""The disk: one SQLite file that holds every journal. The only room with SQL in it.

It stores what it is given and decides nothing; the rules are the interpreter's, the loop is the
engine's.
"""
