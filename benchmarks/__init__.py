"""What Perdure costs, measured beside its peers in the same run: ``make bench``.

Each figure comes from a process of its own on a fresh file; rounds of the sides alternate, so that
what the machine does meanwhile falls on all of them; medians are shown, and ratios are what counts.
"""
