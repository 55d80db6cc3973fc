"""The token endpoints of Google and Microsoft (RFC 6749 sections 4.1.3, 4.4 and 5.2)."""

from __future__ import annotations

from tests.product.providers.server import Provider, Reply, Request


class Google(Provider):
    """https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code"""

    name = "google"
    client_id = "123456789-abcdef.apps.googleusercontent.com"
    secret = "GOCSPX-YogaStudioSecret0001"

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("POST", "/token")
        form = request.form
        assert form["grant_type"] == "authorization_code"
        assert form["code"] and form["redirect_uri"]
        if (form["client_id"], form["client_secret"]) != (self.client_id, self.secret):
            return Reply(401, {"error": "invalid_client", "error_description": "Unauthorized"})
        return Reply(400, {"error": "invalid_grant", "error_description": "Malformed auth code."})


class Outlook(Provider):
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow"""

    name = "outlook"
    tenant_id = "8f1c2d3e-1111-4222-8333-444455556666"
    client_id = "9a0b1c2d-1111-4222-8333-444455556666"
    secret = "abc8Q~YogaStudioSecretValue0001"

    def answer(self, request: Request) -> Reply:
        assert request.method == "POST"
        tenant, rest = request.path.strip("/").split("/", 1)
        assert rest == "oauth2/v2.0/token"
        form = request.form
        assert form["grant_type"] == "client_credentials"
        assert form["scope"] == "https://graph.microsoft.com/.default"
        if tenant != self.tenant_id:
            return self._error(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")
        if form["client_id"] != self.client_id:
            text = f"AADSTS700016: Application with identifier '{form['client_id']}' was not found"
            return self._error(400, "unauthorized_client", text)
        if form["client_secret"] != self.secret:
            text = "AADSTS7000215: Invalid client secret provided."
            return self._error(401, "invalid_client", text)
        token = {"token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ0eXAiOiJKV1Qi"}
        return Reply(200, token)

    def _error(self, status: int, error: str, description: str) -> Reply:
        return Reply(status, {"error": error, "error_description": description})
