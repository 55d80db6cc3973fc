"""The public pages of reviews: writing one by the link of a mail, and reading them all."""

from __future__ import annotations

import json
from typing import Any

import anvil.server
from markupsafe import Markup

from ..server_shared import rate_limits
from ..server_shared.config import Business
from ..server_shared.errors import AppError, InvalidError
from ..server_shared.formatting import format_day, format_number
from ..server_shared.outbox import delivering_afterwards
from ..server_shared.rate_limits import Limit
from ..server_site.answers import public_answer
from ..server_site.public_pages import render_page
from . import review_service
from .lead_endpoints import message_page
from .lead_intake import origin
from .lead_pages import REVIEW, REVIEWS
from .review_requests import ANSWERED, find_request

PAGE = 20
MAX_PAGES = 500
BY_VISITOR = Limit("review", 30, 3_600)
STARS = (("5", "Excellent"), ("4", "Good"), ("3", "All right"), ("2", "Poor"), ("1", "Bad"))
THANKS = "Thank you for your review. It appears on our website once we have read it."
FIELDS = (
    {"name": "text", "label": "In your words", "type": "textarea", "required": False},
    {
        "name": "author_name",
        "label": "Your name, as others shall see it",
        "type": "text",
        "autocomplete": "name",
        "required": True,
    },
)


@anvil.server.route("/review/:token", methods=["GET", "HEAD", "POST"])
def review_page(token: str, **_query: str) -> Any:
    """Where someone who was asked writes; only the button sends anything."""
    request = find_request(token)
    contact = request and request["contact"]
    if contact is None:
        return message_page("This link is no longer good", "There is nothing to review here.", 404)
    if request["status"] == ANSWERED:
        return message_page("Thank you", THANKS)
    if anvil.server.request.method != "POST":
        values = {"author_name": review_service.shown_name(contact)}
        return _write(token, request, values, {}, "")
    given = dict(anvil.server.request.form_params or {})
    ip = anvil.server.request.remote_address or ""
    try:
        rate_limits.take(BY_VISITOR, ip)
        with delivering_afterwards():
            review_service.submit_review(request, review_service.read_form(given), ip)
    except InvalidError as error:
        return _write(token, request, given, error.fields, "", 422)
    except AppError as error:
        return _write(token, request, given, {}, error.message, 409)
    return message_page("Thank you", THANKS)


def _write(
    token: str,
    request: Any,
    values: dict[str, Any],
    faults: dict[str, str],
    problem: str,
    status: int = 200,
) -> Any:
    return public_answer(
        lambda business, **look: render_page(
            REVIEW,
            business,
            f"/review/{token}",
            heading="Your review",
            subject_title=request["subject_title"],
            stars=STARS,
            fields=FIELDS,
            values=values,
            faults=faults,
            problem=problem,
            is_private=True,
            **look,
        ),
        "no-store",
        status,
    )


@anvil.server.route("/reviews", methods=["GET", "HEAD"])
def reviews_page(page: Any = "1", **_query: str) -> Any:
    """Every published review, with the average."""
    is_number = isinstance(page, str) and page.isdecimal() and len(page) < 4
    number = min(max(1, int(page)), MAX_PAGES) if is_number else 1
    return public_answer(lambda business, **look: render_reviews(business, number, **look))


def render_reviews(business: Business, number: int, **look: Any) -> str:
    """A page of the published reviews; ``number`` from 1."""
    summary = review_service.summarise()
    rows = review_service.published((number - 1) * PAGE, PAGE)
    reviews = [
        {
            "rating": int(row["rating"]),
            "text": row["text"],
            "author_name": row["author_name"],
            "reply": row["reply"],
            "day": format_day(row["submitted_at"], business),
            "date": row["submitted_at"].date().isoformat(),
        }
        for row in rows
    ]
    average = summary["average"] or 0
    count = summary["count"]
    return render_page(
        REVIEWS,
        business,
        "/reviews",
        figures=summary,
        average=f"{average:.1f}",
        whole=round(average),
        count_text=f"{format_number(count, business)} review{'' if count == 1 else 's'}",
        reviews=reviews,
        newer=f"/reviews?page={number - 1}" if number > 1 else "",
        older=f"/reviews?page={number + 1}" if number * PAGE < count else "",
        structured=Markup(_structured(business, summary, reviews)) if count else "",
        **look,
    )


def _structured(business: Business, summary: dict[str, Any], reviews: list[dict[str, Any]]) -> str:
    """schema.org LocalBusiness with its AggregateRating and Review, safe inside a script."""
    data = {
        "@context": "https://schema.org",
        "@type": "LocalBusiness",
        "name": business.business_name,
        "url": origin(),
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": summary["average"],
            "reviewCount": summary["count"],
            "bestRating": 5,
            "worstRating": 1,
        },
        "review": [
            {
                "@type": "Review",
                "author": {"@type": "Person", "name": review["author_name"]},
                "datePublished": review["date"],
                "reviewBody": review["text"] or "",
                "reviewRating": {"@type": "Rating", "ratingValue": review["rating"]},
            }
            for review in reviews
        ],
    }
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")
