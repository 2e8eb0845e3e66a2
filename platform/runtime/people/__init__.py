"""People: who a user is when acting, log-in, passwords, second factors, tokens, sessions, the organisation.

Users, teams, roles, absences and delegations themselves are ordinary records. Secrets live in the platform's own tables
and never in a field.
"""

from .absences import Absences, Delegated
from .actors import ActorLoader
from .credentials import Account, Credentials
from .organisation import Organisation, Person, Team
from .tokens import Tokens

__all__ = [
    "Absences",
    "Account",
    "ActorLoader",
    "Credentials",
    "Delegated",
    "Organisation",
    "Person",
    "Team",
    "Tokens",
]
