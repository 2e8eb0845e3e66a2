"""The screens: Flask-Admin views over the record service."""
