"""Believable people for the sample data of a yoga studio in Cape Town.

Names from many places, short and very long, so that every screen is seen with both.
"""

from __future__ import annotations

# First name, last name, company, city, telephone number (or none), tags.
# Telephone numbers are from ranges that regulators keep for fiction, or not allotted.
PEOPLE: tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...] = (
    ("Nomvula", "Dlamini", "", "Cape Town", "+27 82 555 0101", ("vinyasa", "morning")),
    ("Thabo", "Mokoena", "Mokoena Architects", "Cape Town", "+27 82 555 0102", ("corporate",)),
    ("Élodie", "Moreau", "", "Paris", "+33 6 39 98 00 01", ("retreat",)),
    ("Siyabonga", "Khumalo", "", "Cape Town", "+27 82 555 0103", ("beginner",)),
    ("Anna-Liisa", "Virtanen", "", "Helsinki", "", ("retreat", "vegetarian")),
    ("Jürgen", "Großmann", "Großmann & Söhne GmbH", "Stellenbosch", "", ("corporate",)),
    ("Priya", "Venkataraman", "", "Cape Town", "+27 82 555 0104", ("ashtanga", "vip")),
    ("Aoife", "Ní Bhriain", "", "Galway", "", ("retreat",)),
    ("Lerato", "Molefe", "", "Cape Town", "+27 82 555 0105", ("prenatal",)),
    ("José María", "de la Fuente y Rodríguez-Santamaría", "", "Sevilla", "", ("retreat", "vip")),
    ("Wei", "Ng", "", "Cape Town", "+27 82 555 0106", ("morning",)),
    ("Zanele", "Nkosi", "Nkosi Wellness", "Cape Town", "+27 82 555 0107", ("teacher",)),
    ("Oluwaseun", "Adebayo-Okonkwo", "", "Lagos", "", ("teacher training",)),
    ("Hanneke", "van der Westhuizen", "", "Paarl", "+27 82 555 0108", ("yin", "evening")),
    ("Yuki", "Tanaka", "", "Cape Town", "+27 82 555 0109", ("meditation",)),
    ("Mohammed", "Patel", "Patel Pharmacies", "Cape Town", "+27 82 555 0110", ("corporate",)),
    ("Ingrid", "Sørensen", "", "Bergen", "", ("retreat",)),
    ("Ayanda", "Zulu", "", "Cape Town", "+27 82 555 0111", ("beginner", "evening")),
    ("Chloé", "Lefèvre", "", "Lyon", "", ("retreat", "vegetarian")),
    ("Kagiso", "Motaung", "", "Cape Town", "+27 82 555 0112", ("vinyasa",)),
    ("Björn", "Lindqvist", "", "Cape Town", "", ("morning",)),
    ("Fatima", "Abrahams", "", "Cape Town", "+27 82 555 0113", ("prenatal", "vip")),
    ("Dimitrios", "Papadopoulos", "", "Cape Town", "+27 82 555 0114", ("ashtanga",)),
    ("Sibongile", "Mthembu", "", "Durban", "+27 82 555 0115", ("teacher training",)),
    ("Ludwig", "Maximilian von Hohenstein-Wallerberg", "", "München", "", ("retreat",)),
    ("Amahle", "Ndlovu", "", "Cape Town", "+27 82 555 0116", ("beginner",)),
    ("Rachel", "Goldberg", "Goldberg Attorneys", "Cape Town", "+27 82 555 0117", ("corporate",)),
    ("Tariq", "Davids", "", "Cape Town", "+27 82 555 0118", ("evening",)),
    ("Marija", "Kovačević", "", "Zagreb", "", ("retreat",)),
    ("Pieter", "Joubert", "Joubert Wine Estate", "Franschhoek", "+27 82 555 0119", ("corporate",)),
    ("Naledi", "Mabaso", "", "Cape Town", "+27 82 555 0120", ("vinyasa", "vip")),
    ("Søren", "Ågård", "", "Cape Town", "", ("yin",)),
    ("Grace", "Wanjiru Kamau", "", "Nairobi", "", ("teacher training",)),
    ("Lindiwe", "Sithole", "", "Cape Town", "+27 82 555 0121", ("morning", "meditation")),
    ("Tomás", "O'Sullivan", "", "Cape Town", "+27 82 555 0122", ("evening",)),
    ("Xin Yi", "Chen", "", "Cape Town", "+27 82 555 0123", ("ashtanga",)),
    ("Bongani", "Radebe", "Radebe Logistics", "Cape Town", "+27 82 555 0124", ("corporate",)),
    ("Małgorzata", "Wiśniewska", "", "Kraków", "", ("retreat", "vegetarian")),
    ("Imran", "Khan", "", "Cape Town", "+27 82 555 0125", ("beginner",)),
    ("Carla", "Esposito", "", "Napoli", "", ("retreat",)),
    ("Refilwe", "Tshabalala", "", "Cape Town", "+27 82 555 0126", ("prenatal",)),
    ("Anoushka", "Naidoo", "Naidoo Dance", "Cape Town", "+27 82 555 0127", ("teacher",)),
    ("Noah", "Williams", "", "Cape Town", "+27 82 555 0128", ("vinyasa", "evening")),
    ("Thi Ngoc Anh", "Nguyen", "", "Cape Town", "", ("meditation",)),
    ("Mpho", "Seabi", "", "Cape Town", "+27 82 555 0129", ("beginner", "morning")),
    ("Charlotte", "Featherstonehaugh", "", "Somerset West", "+27 82 555 0130", ("yin", "vip")),
    ("Luca", "Bianchi", "", "Cape Town", "+27 82 555 0131", ("ashtanga",)),
    ("Nosipho", "Gumede", "", "Cape Town", "+27 82 555 0132", ("vinyasa",)),
    ("Ahmed", "El-Sayed", "", "Cairo", "", ("retreat",)),
    ("Jessica", "Botha", "", "Cape Town", "+27 82 555 0133", ("prenatal", "evening")),
    ("Kwame", "Asante", "Asante Coffee", "Cape Town", "+27 82 555 0134", ("corporate",)),
    ("Isabella", "Ferreira da Silva", "", "Lisboa", "", ("retreat",)),
    ("Unathi", "Qwabe", "", "Cape Town", "+27 82 555 0135", ("beginner",)),
    ("Harriet", "Lowe", "", "Cape Town", "+27 82 555 0136", ("meditation", "yin")),
    ("Olga", "Shevchenko", "", "Kyiv", "", ("teacher training",)),
    ("Sipho", "Maseko", "", "Cape Town", "+27 82 555 0137", ("morning",)),
    ("Ruth", "Ben-Ami", "", "Cape Town", "+27 82 555 0138", ("evening", "vegetarian")),
    ("Dineo", "Phiri", "", "Cape Town", "+27 82 555 0139", ("vinyasa",)),
    ("Alejandro", "Gutiérrez", "", "Bogotá", "", ("retreat",)),
    (
        "Megan",
        "Jacobs",
        "Jacobs Physiotherapy",
        "Cape Town",
        "+27 82 555 0140",
        ("corporate", "vip"),
    ),
)

NOTES = (
    "Prefers the front row, close to the window.",
    "Old injury in the left knee: offer a bolster in kneeling poses.",
    "Asked for an invoice with the company's VAT number.",
    "Would like to bring a friend to a trial class next week.",
    "Travels until the end of the month, back for the workshop.",
    "Interested in the teacher training in spring; send the programme when it is out.",
)
CALLS = (
    "Called about parking. Explained the entrance in the side street.",
    "Called to ask which class suits a beginner; suggested Tuesday evening.",
)
VISITS = (
    "Vinyasa flow with Mia",
    "Slow flow with Sam",
    "Yin and meditation",
    "Ashtanga, Mysore style",
    "Gentle morning stretch",
)
EMAILS = ("Welcome message", "Timetable for the new term", "Invitation to the winter retreat")
