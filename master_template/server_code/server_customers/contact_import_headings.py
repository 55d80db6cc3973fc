"""Which column of an uploaded table is which field of a contact: what there is, and a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..server_shared.validators import fold
from .contact_fields import SOURCES, STATUSES

# Field -> (how a person reads it, how other programs call its column: spellings of English, German,
# French, Spanish, Portuguese, Italian, Dutch, Afrikaans, Polish, Czech, Russian and Greek, without
# case, accents, spaces and punctuation).
FIELDS: dict[str, tuple[str, str]] = {
    "first_name": (
        "First name",
        "firstname first givenname forename name1 vorname prenom nombre nombres primeiro "
        "primeironome nome voornaam imie jmeno имя όνομα ονομα",
    ),
    "last_name": (
        "Last name",
        "lastname last surname familyname name2 nachname familienname nomdefamille apellido "
        "apellidos sobrenome ultimonome cognome achternaam van nazwisko prijmeni фамилия επωνυμο",
    ),
    "full_name": (
        "Full name",
        "name fullname displayname contactname contact customername customer client guest "
        "guestname member kunde nom nomcomplet nombrecompleto nomecompleto nominativo naam "
        "volledigenaam imieinazwisko",
    ),
    "email": (
        "E-mail",
        "email emailaddress mail emailaddress1 email1value email1 primaryemail epos eposadres "
        "correo correoelectronico adressemail adresseemail courriel mailadresse emailadresse "
        "emailadres posta indirizzoemail adresemail электроннаяпочта почта ηλεκτρονικο",
    ),
    "phone": (
        "Phone",
        "phone phonenumber telephone telephonenumber tel mobile mobilephone mobilenumber cell "
        "cellphone cellnumber phone1value phone1 telefon telefonnummer mobiltelefon handy "
        "telefono celular movil telefone telemovel cellulare telefoon telefoonnommer selfoon "
        "telefoonnummer mobiel portable whatsapp whatsappnumber contactnumber komorka телефон "
        "τηλεφωνο",
    ),
    "company": (
        "Company",
        "company companyname organisation organization organizationname organization1name "
        "business firma firmenname unternehmen entreprise societe empresa azienda societa "
        "bedrijf maatskappy employer компания εταιρεια",
    ),
    "birthday": (
        "Birthday",
        "birthday birthdate dateofbirth dob born geburtstag geburtsdatum datedenaissance "
        "fechadenacimiento cumpleanos datadenascimento datadinascita geboortedatum verjaardag "
        "dataurodzenia datumnarozeni датарождения",
    ),
    "address.line1": (
        "Street and number",
        "address addressline1 address1 street streetaddress homestreet strasse adresse anschrift "
        "rue direccion calle endereco rua morada indirizzo via straat adres adressline1 ulica "
        "adresa адрес διευθυνση",
    ),
    "address.line2": ("Second line", "addressline2 address2 suburb street2 unit complement"),
    "address.city": (
        "City",
        "city town homecity ort stadt wohnort stad ville ciudad cidade citta plaats miasto mesto "
        "город πολη",
    ),
    "address.region": (
        "Province or state",
        "region state province county homestate bundesland provincia estado provincie",
    ),
    "address.postal_code": (
        "Postal code",
        "postalcode postcode zip zipcode homepostalcode plz postleitzahl codepostal codigopostal "
        "cep cap poskode kodpocztowy psc индекс",
    ),
    "address.country": (
        "Country",
        "country homecountry land pays pais paese countryregion kraj zeme страна χωρα",
    ),
    "status": ("Status", "status contactstatus type"),
    "source": ("Source", "source leadsource origin herkunft"),
    "tags": (
        "Tags",
        "tags tag labels label groups groupmembership categories category etiketten etiquettes "
        "etiquetas schlagworte gruppen",
    ),
    "internal_notes": (
        "Internal notes",
        "notes note comments comment internalnotes remarks notizen notiz bemerkung bemerkungen "
        "remarques notas observaciones notities opmerkings uwagi",
    ),
    "date_added": (
        "Customer since",
        "dateadded created createdat customersince membersince since added createddate joined "
        "kundeseit datejoined signupdate optintime",
    ),
    "language": ("Language", "language sprache langue idioma lingua taal jezyk"),
    "marketing_opt_in": (
        "Agreed to marketing",
        "marketingoptin optin subscribed newsletter marketing acceptsmarketing consent "
        "acceptsemailmarketing emailmarketing einwilligung abonne suscrito nieuwsbrief nuusbrief",
    ),
}
YES = {"yes", "y", "true", "1", "ja", "oui", "si", "sim", "tak", "ano", "subscribed", "x", "on"}
NO = {"no", "n", "false", "0", "nein", "nee", "non", "nao", "nie", "ne", "unsubscribed", "off"}
_KNOWN_WORDS = {"status": {*STATUSES}, "source": {*SOURCES}, "marketing_opt_in": YES | NO}
_PHONE_LIKE = re.compile(r"[+(\d][\d\s().\-/]{6,}")


def guess_mapping(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A field (or '') for each column, by its heading and, where that says nothing, by what stands
    in it. No field comes twice."""
    mapping = [""] * len(header)
    for index, name in enumerate(header):
        field = _FIELD_OF.get(_plain(name), "")
        if field and field not in mapping and _fits(field, _column(rows, index)):
            mapping[index] = field
    for index in range(len(header)):
        cells = _column(rows, index)
        if mapping[index] or not cells:
            continue
        if "email" not in mapping and _share("@" in cell for cell in cells) > 0.6:
            mapping[index] = "email"
        elif "phone" not in mapping and _share(map(_PHONE_LIKE.fullmatch, cells)) > 0.6:
            mapping[index] = "phone"
    has_parts = "first_name" in mapping or "last_name" in mapping
    if has_parts and "full_name" in mapping:
        # "Name" beside "Vorname" is the family name; beside both of them it says nothing new.
        mapping[mapping.index("full_name")] = "" if "last_name" in mapping else "last_name"
    return mapping


def _fits(field: str, cells: list[str]) -> bool:
    """Whether what stands in a column may be this field: other programs have words of their own."""
    words = _KNOWN_WORDS.get(field)
    return words is None or not cells or _share(as_word(cell) in words for cell in cells) >= 0.5


def as_word(cell: str) -> str:
    """A cell as the words of STATUSES, YES and NO are written."""
    return re.sub(r"[\s-]+", "_", fold(cell))


def _column(rows: Sequence[Sequence[str]], index: int) -> list[str]:
    cells = [row[index].strip() for row in rows if index < len(row)]
    return [cell for cell in cells if cell]


def _share(found: object) -> float:
    answers = [bool(item) for item in found]  # type: ignore[attr-defined]
    return sum(answers) / len(answers) if answers else 0.0


def _plain(name: str) -> str:
    return "".join(c for c in fold(name) if c.isalnum())


# By their own headings too: those of an export.
_FIELD_OF = {
    word: field
    for field, (label, words) in FIELDS.items()
    for word in (_plain(label), *words.split())
}
