"""Training runs: what each kind collects, learns and keeps; `frame` is what they share."""
