"""The sockets between rooms: Protocols whose docstrings are the contract.

What may stand on either side of a seam is decided here; how, never.
"""
