"""The parts of differential.py: what to send, how to send it to both, and what may differ."""
