"""WEKA's management API."""
