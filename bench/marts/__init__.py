"""The marts on a long history: what a night's build costs, whether it grows, how fast questions are answered."""
