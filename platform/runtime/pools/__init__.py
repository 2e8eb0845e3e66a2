"""Pools, assignment and the gate through which every change of an owner passes."""
