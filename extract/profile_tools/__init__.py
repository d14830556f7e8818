"""For whoever writes a profile: check one against a sample, draft one from a sample, print what can stand in one.

Nothing here runs at night.
"""
