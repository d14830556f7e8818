"""657 pretend agencies that speak the real protocols: for the demo, the tests and the benchmarks.

Deterministic by seed, calibrated by what is published of SP4N-LAPOR!, dirty at known rates, with the truth kept aside.
It plays the outside world: it imports nothing of ours and nothing of ours imports it, except tests. See README.md.
"""
