"""VAT ids and the like: which kinds we take, by country, and whether one can be right.

The check digits are those of python-stdnum (LGPL), which has them for every country; Stripe's names
of the kinds are of https://docs.stripe.com/billing/customer/tax-ids. Whether somebody holds the
number is Stripe's to find out, which asks the registers of the EU, Britain and Australia.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stdnum.au import abn
from stdnum.ca import bn
from stdnum.ch import vat as ch_vat
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.in_ import gstin
from stdnum.no import mva
from stdnum.nz import ird
from stdnum.us import ein

from master_template.server_shared.errors import InvalidError
from master_template.server_shared.validators import shown

# Member states whose numbers begin with other letters than their country's.
_EU_LETTERS = {"GR": "EL"}
_EU_CODES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_EU = tuple(_EU_CODES.split())
_ZA = re.compile(r"4\d{9}")  # https://www.sars.gov.za/types-of-tax/value-added-tax/


def _south_african(text: str) -> str:
    plain = re.sub(r"[\s-]", "", text).upper().removeprefix("ZA")
    if not _ZA.fullmatch(plain):
        raise ValueError("ten digits that begin with 4")
    return plain


# Country -> (Stripe's kind, what checks and normalises, an example)
_KINDS: dict[str, tuple[str, Callable[[str], str], str]] = {
    "AU": ("au_abn", abn.validate, "83 914 571 673"),
    "CA": ("ca_bn", bn.validate, "12302 6635"),
    "CH": ("ch_vat", ch_vat.validate, "CHE-107.787.577 MWST"),
    "GB": ("gb_vat", lambda text: "GB" + gb_vat.validate(text), "GB 980 7806 84"),
    "IN": ("in_gst", gstin.validate, "27AAPFU0939F1ZV"),
    "NO": ("no_vat", mva.validate, "NO 995 525 828 MVA"),
    "NZ": ("nz_gst", ird.validate, "49-091-850"),
    "US": ("us_ein", lambda text: ein.format(ein.validate(text)), "91-1144442"),
    "ZA": ("za_vat", _south_african, "4123456789"),
}


def read_tax_id(text: str | None, country: str) -> tuple[str, str] | None:
    """Stripe's kind and the number in its plain form; None where there is none.

    Raises :class:`InvalidError` (field ``tax_id``) where it cannot be one of the country.
    """
    if not text or not text.strip():
        return None
    if country in _EU:
        letters = _EU_LETTERS.get(country, country)
        kind, example = "eu_vat", f"{letters}… with its country's letters"
        check: Callable[[str], str] = lambda given: _european(given, letters)  # noqa: E731
    elif country in _KINDS:
        kind, check, example = _KINDS[country]
    else:
        raise InvalidError(
            f"The VAT id: numbers of {country} cannot be checked yet; please leave it empty.",
            field="tax_id",
        )
    try:
        return kind, check(text)
    except (ValidationError, ValueError) as error:
        raise InvalidError(
            f"The VAT id must be one of {country}, like {example}, not {shown(text)}.",
            field="tax_id",
        ) from error


def _european(text: str, letters: str) -> str:
    plain = re.sub(r"[\s.\-/]", "", text).upper()
    if not plain.startswith(letters):
        plain = letters + plain
    return str(eu_vat.validate(plain))
