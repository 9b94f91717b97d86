"""Erasing people, keeping them away, and handing out what is held about one."""
