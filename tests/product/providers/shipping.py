"""Bob Go and Easyship."""

from __future__ import annotations

from tests.product.providers.server import Provider, Reply, Request


class BobGo(Provider):
    """https://api.bobgo.co.za/docs"""

    name = "bobgo"
    key = "5f1d8a7c3b2e49d0"

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("GET", "/v2/shipments")
        if request.bearer != self.key:
            return Reply(401, {"message": "Unauthorized"})
        return Reply(200, {"shipments": [], "count": 0})


class Easyship(Provider):
    """https://developers.easyship.com/reference/account_get"""

    name = "easyship"
    token = "sand_4e2b327e2ef5471885cd0bc50a0c9fe5"
    narrow_token = "sand_0000327e2ef5471885cd0bc50a0c9fe5"

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("GET", "/2024-09/account")
        if request.bearer == self.narrow_token:
            error = {"code": "permission_denied", "message": "The token lacks a scope."}
            return Reply(403, {"error": error})
        if request.bearer != self.token:
            error = {"code": "unauthorized", "message": "The access token is invalid."}
            return Reply(401, {"error": error})
        return Reply(200, {"account": {"easyship_company_id": "CZA1", "name": "Sunrise Yoga"}})
