"""Models on rows made by hand, and the guards."""
