"""Printed figures against each other: what the digits allow, and where they contradict themselves."""
