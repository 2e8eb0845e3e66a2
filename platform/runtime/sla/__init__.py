"""Service levels: clocks on records that run on working time, warn before they run out, and tell when they did."""
