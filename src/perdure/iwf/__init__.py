"""iWF's own names: a program written for iWF's Python SDK runs after a change of its imports.

``from iwf.workflow import ObjectWorkflow`` becomes ``from perdure.iwf.workflow import ObjectWorkflow``,
and so for every module. The room is thin: it says in the model's words what iWF's words mean, and has
no rules of its own. It must never know an engine's inside or a field of the protocol's JSON.
"""
