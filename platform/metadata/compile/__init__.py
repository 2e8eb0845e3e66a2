"""Stage 5: each judged document becomes one frozen value of the Registry; one module per kind or part of an object."""
