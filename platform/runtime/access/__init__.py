"""Who may do what: actors, grants of their roles, row rules as predicates, the gate every operand passes."""
