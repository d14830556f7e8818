"""Marts to people: what is printed or published is read here, from `marts` alone, as the role `reporter`.

`python -m reports summary` tells on the terminal what the last night left behind. Nothing here computes a figure that a
mart already has, and whatever shows figures of a simulated registry carries its stamp.
"""
