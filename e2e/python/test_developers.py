"""Developer identities: a backend's own users, looked up, merged and unlinked."""

from broker import BARE, DEVELOPER_PROVIDER, OPEN
from scene import Case, claims

_CONFLICT = "Logins are already linked to another account."


class Developers(Case):
    def token_for(self, user, logins=None, **members):
        return self.backend.get_open_id_token_for_developer_identity(
            IdentityPoolId=OPEN, Logins={DEVELOPER_PROVIDER: user, **(logins or {})}, **members)

    def merge(self, source, destination):
        return self.backend.merge_developer_identities(
            IdentityPoolId=OPEN, DeveloperProviderName=DEVELOPER_PROVIDER, SourceUserIdentifier=source, DestinationUserIdentifier=destination)

    def test_token_buys_credentials(self):
        got = self.token_for("backend-user", TokenDuration=60, PrincipalTags={"tier": "gold"})
        told = claims(got["Token"])
        self.assertEqual((told["sub"], told["exp"] - told["iat"]), (got["IdentityId"], 60))
        self.assertEqual(told["amr"], ["authenticated", DEVELOPER_PROVIDER, f"{DEVELOPER_PROVIDER}:{OPEN}:backend-user"])
        self.assertEqual(told["https://aws.amazon.com/tags"], {"principal_tags": {"tier": ["gold"]}})
        logins = {"cognito-identity.amazonaws.com": got["Token"]}
        answer = self.app.get_credentials_for_identity(IdentityId=got["IdentityId"], Logins=logins)
        self.assertRegex(self.who_am_i(answer["Credentials"]), "assumed-role/user/CognitoIdentityCredentials$")
        other = self.token_for("another-user")
        self.refused("NotAuthorizedException", None, self.app.get_credentials_for_identity, IdentityId=other["IdentityId"], Logins=logins)
        self.refused("DeveloperUserAlreadyRegisteredException", None, self.token_for, "backend-user", IdentityId=other["IdentityId"])
        self.refused("InvalidParameterException", "This identity pool does not support the specified developer provider",
                     self.backend.get_open_id_token_for_developer_identity, IdentityPoolId=BARE, Logins={"stray.example": "x"})

    def test_looked_up(self):
        identity = self.token_for("page-1")["IdentityId"]
        for user in ("page-2", "page-3"):
            self.token_for(user)
            self.assertEqual(self.merge(user, "page-1")["IdentityId"], identity)
        found = self.pages(self.backend.lookup_developer_identity, "DeveloperUserIdentifierList", IdentityPoolId=OPEN, IdentityId=identity, MaxResults=1)
        self.assertEqual(sorted(found), ["page-1", "page-2", "page-3"])
        for ask in ({}, {"IdentityId": identity}):
            one = self.backend.lookup_developer_identity(IdentityPoolId=OPEN, DeveloperUserIdentifier="page-2", **ask)
            self.assertEqual((one["IdentityId"], one["DeveloperUserIdentifierList"]), (identity, ["page-2"]))
        lookup = self.backend.lookup_developer_identity
        self.refused("ResourceNotFoundException", None, lookup, IdentityPoolId=OPEN, DeveloperUserIdentifier="nobody")
        self.refused("ResourceConflictException", None, lookup, IdentityPoolId=OPEN, IdentityId=identity, DeveloperUserIdentifier="nobody")
        self.refused("InvalidParameterException", None, lookup, IdentityPoolId=OPEN)

    def test_merged(self):
        source, destination = self.token_for("from")["IdentityId"], self.token_for("to")["IdentityId"]
        self.assertEqual(self.merge("from", "to")["IdentityId"], destination)
        self.assertEqual(self.token_for("from")["IdentityId"], destination)
        self.refused("NotAuthorizedException", f"Access to Identity '{source}' is forbidden.", self.app.get_open_id_token, IdentityId=source)
        self.refused("ResourceNotFoundException", None, self.merge, "nobody", "to")

    def test_never_two_users_of_one_provider(self):
        left, right = (self.token_for(user, self.logins("public-" + user))["IdentityId"] for user in ("left", "right"))
        self.assertNotEqual(left, right)
        self.refused("ResourceConflictException", _CONFLICT, self.merge, "left", "right")
        self.refused("ResourceConflictException", _CONFLICT, self.token_for, "left", self.logins("public-right"))
        self.assertEqual(self.token_for("left")["IdentityId"], left)

    def test_unlinked(self):
        got = self.token_for("leaver")
        link = {"IdentityPoolId": OPEN, "IdentityId": got["IdentityId"], "DeveloperProviderName": DEVELOPER_PROVIDER, "DeveloperUserIdentifier": "leaver"}
        self.backend.unlink_developer_identity(**link)
        self.refused("NotAuthorizedException", None, self.app.get_credentials_for_identity,
                     IdentityId=got["IdentityId"], Logins={"cognito-identity.amazonaws.com": got["Token"]})
        self.assertNotEqual(self.token_for("leaver")["IdentityId"], got["IdentityId"])
        self.refused("ResourceConflictException", None, self.backend.unlink_developer_identity, **link)
