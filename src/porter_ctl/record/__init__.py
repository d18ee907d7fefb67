"""What outlives this process on its node: the last-good file."""
