"""WhatsApp (Meta's Graph API) and Twilio."""

from __future__ import annotations

from tests.product.providers.server import Provider, Reply, Request


class WhatsApp(Provider):
    """https://developers.facebook.com/docs/whatsapp/business-management-api/manage-phone-numbers,
    errors: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes"""

    name = "whatsapp"
    token = "EAAJB9aWhatsAppTokenOfTheYogaStudio0001"
    phone_number_id = "106540352242922"

    def answer(self, request: Request) -> Reply:
        assert request.method == "GET"
        version, number = request.path.strip("/").split("/")
        assert version.startswith("v") and float(version[1:]) >= 18
        assert "display_phone_number" in request.query["fields"]
        if request.bearer != self.token:
            message = "Invalid OAuth access token - Cannot parse access token"
            return Reply(
                401, {"error": {"message": message, "type": "OAuthException", "code": 190}}
            )
        if number != self.phone_number_id:
            message = f"Unsupported get request. Object with ID '{number}' does not exist"
            error = {"message": message, "type": "GraphMethodException", "code": 100}
            return Reply(400, {"error": {**error, "error_subcode": 33}})
        shown = {"verified_name": "Sunrise Yoga", "display_phone_number": "+27 21 555 0100"}
        return Reply(200, {**shown, "quality_rating": "GREEN", "id": number})


class Twilio(Provider):
    """https://www.twilio.com/docs/iam/api/account#fetch-an-account-resource"""

    name = "twilio"
    sid = "AC" + "0123456789abcdef" * 2
    token = "fedcba9876543210" * 2
    account_type = "Full"

    def answer(self, request: Request) -> Reply:
        assert request.method == "GET"
        assert request.path.startswith("/2010-04-01/Accounts/AC")
        assert request.path.endswith(".json")
        if request.basic != (self.sid, self.token):
            body = {"code": 20003, "message": "Authenticate", "status": 401}
            return Reply(401, {**body, "more_info": "https://www.twilio.com/docs/errors/20003"})
        assert request.path == f"/2010-04-01/Accounts/{self.sid}.json"
        account = {"sid": self.sid, "friendly_name": "Sunrise Yoga", "status": "active"}
        return Reply(200, {**account, "type": self.account_type})
