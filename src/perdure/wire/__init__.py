"""The iWF protocol: its JSON and the model's values, its paths and its error codes.

Pure, and the only room that knows iWF's field names. It never sends or receives anything: the
server, the HTTP invoker and the HTTP client do, and all of them speak through here. Import a name
from the module that defines it.
"""
