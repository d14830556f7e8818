"""The speeds we claim, measured. `make bench` prints them; nothing here asserts a time."""
