"""Durable workflows: states that wait for people, other systems and time, and carry on after any crash."""
