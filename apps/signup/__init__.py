"""A sign-up service: a form, a mail with a link, reminders until the link is used, a welcome.

Written as any user of Perdure would write it, from its public names only. ``workflow`` is the whole
business in one file; the rest is what surrounds it: pages, mail, tokens, settings, and a demo that
starts everything in one process.
"""
