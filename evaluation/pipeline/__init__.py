"""The task graph and the run: staging, lock, manifest."""
