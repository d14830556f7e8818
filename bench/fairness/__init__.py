"""Whether the comparison of agencies is fair: its models, run on nations whose truth is known."""
