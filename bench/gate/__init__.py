"""What the gate catches of the dirt the simulator hid, and what judging a large night costs."""
