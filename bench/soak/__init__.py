"""Many nights in a row through the real commands, with agencies and the machine failing at random: does it hold?"""
