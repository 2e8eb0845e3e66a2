"""Registry → tables: plan, explain, apply, versions, rollback (`service.SchemaService`)."""
