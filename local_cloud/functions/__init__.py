"""Runs Lambda functions: their real zips, under awslambdaric, in warm child processes."""
