"""Channel shuffle."""
