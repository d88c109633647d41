"""One file, several processes: its owner serves its engine to others on this machine, over a Unix socket.

``Host`` is the owner's end, an engine with a door; ``Guest`` is the end of everybody else, who becomes
the owner when there is none and it can run what the last one ran. Between them goes what goes between
any client and server, a path and JSON there, a status and JSON back, but in frames on one connection.
"""
