"""Approvals: records wait for people. A pure machine says what follows; a store and one service make it last."""
