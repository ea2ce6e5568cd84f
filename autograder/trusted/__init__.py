"""What decides: judges and what runs them, in a process that the student's code cannot reach."""
