"""Modules, layers and initialisation."""
