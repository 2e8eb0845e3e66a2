"""People: who a user is when acting, passwords, tokens. Users, teams and roles themselves are ordinary records.

Secrets live in the platform's own tables (`gx_credentials`, `gx_tokens`) and never in a field.
"""

from .actors import ActorLoader
from .credentials import Credentials
from .tokens import Tokens

__all__ = ["ActorLoader", "Credentials", "Tokens"]
