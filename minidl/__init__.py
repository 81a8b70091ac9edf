"""minidl."""
