"""What runs beside the student's code, and so cannot be trusted: probes, and how their answers travel."""
