"""Stripe, Paystack and PayPal, as far as their keys are asked about."""

from __future__ import annotations

from tests.product.providers.server import Provider, Reply, Request


class Stripe(Provider):
    """https://docs.stripe.com/api/balance/balance_retrieve, https://docs.stripe.com/api/errors"""

    name = "stripe"
    test_key = "sk_test_51Hx9aKeyOfTheYogaStudio0001"
    live_key = "sk_live_51Hx9aKeyOfTheYogaStudio0002"
    restricted_key = "rk_test_51Hx9aKeyOfTheYogaStudio0003"

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("GET", "/v1/balance")
        key = request.bearer or request.basic[0]
        if key == self.restricted_key:
            error = {"type": "invalid_request_error", "message": "The provided key has no access."}
            return Reply(403, {"error": error})
        if key not in (self.test_key, self.live_key):
            message = f"Invalid API Key provided: {key}"
            return Reply(401, {"error": {"type": "invalid_request_error", "message": message}})
        is_live = key == self.live_key
        amounts = [{"amount": 0, "currency": "zar", "source_types": {"card": 0}}]
        return Reply(
            200,
            {"object": "balance", "available": amounts, "pending": amounts, "livemode": is_live},
        )


class Paystack(Provider):
    """https://paystack.com/docs/api/transfer-control/#balance"""

    name = "paystack"
    key = "sk_test_7f3a90c1d2e4b5a69788"

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("GET", "/balance")
        if request.bearer != self.key:
            return Reply(401, {"status": False, "message": "Invalid key"})
        balances = [{"currency": "ZAR", "balance": 1_700_000}]
        return Reply(200, {"status": True, "message": "Balances retrieved", "data": balances})


class PayPal(Provider):
    """https://developer.paypal.com/api/rest/authentication/"""

    name = "paypal"
    client_id = "AYSq3RDGsmBLJE-otTkBtM-jBRd1TCQwFf9RGfwddNXWz0uFU9ztymylOhRS"
    secret = "EGnHDxD_qRPdaLdZz8iCr8N7_MzF-YHPTkjs6NKYQvQSBngp4PTTVWkPZRbL"

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("POST", "/v1/oauth2/token")
        assert request.form == {"grant_type": "client_credentials"}
        if request.basic != (self.client_id, self.secret):
            description = "Client Authentication failed"
            return Reply(401, {"error": "invalid_client", "error_description": description})
        return Reply(
            200,
            {
                "scope": "https://uri.paypal.com/services/invoicing",
                "access_token": "A21AAFEpH4PsADK7qSS7pSRsgz",
                "token_type": "Bearer",
                "app_id": "APP-80W284485P519543T",
                "expires_in": 31_668,
            },
        )
