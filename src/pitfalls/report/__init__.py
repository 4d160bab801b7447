"""Reads run folders; writes figures, one HTML page and one PDF."""
