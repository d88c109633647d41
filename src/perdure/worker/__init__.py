"""The hands: they run one author's method for one request, and report its answer or failure.

The same part serves a call in this process and one that came over a wire. Knows nothing of
engines and stores.
"""
