"""The words every room shares: frozen values and the error tree.

Data only. Nothing here does I/O, reads a clock, or knows how anything is stored or sent; the
values are not serializable by themselves (``wire`` and the interpreter's codec see to that).
Import a name from the module that defines it.
"""
