"""The join function: who may join, and the script that makes a new instance a backend."""
