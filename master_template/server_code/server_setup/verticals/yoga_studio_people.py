"""Believable people for a yoga studio in Cape Town.

Names from many places, short and very long, so that every screen is seen with both.
"""

from __future__ import annotations

from .shape import Person

PEOPLE = (
    Person("Nomvula", "Dlamini", "", "Cape Town", "+27 82 555 0101", ("vinyasa", "morning")),
    Person(
        "Thabo", "Mokoena", "Mokoena Architects", "Cape Town", "+27 82 555 0102", ("corporate",)
    ),
    Person("Élodie", "Moreau", "", "Paris", "+33 6 39 98 00 01", ("retreat",)),
    Person("Siyabonga", "Khumalo", "", "Cape Town", "+27 82 555 0103", ("beginner",)),
    Person("Anna-Liisa", "Virtanen", "", "Helsinki", "", ("retreat", "vegetarian")),
    Person("Jürgen", "Großmann", "Großmann & Söhne GmbH", "Stellenbosch", "", ("corporate",)),
    Person("Priya", "Venkataraman", "", "Cape Town", "+27 82 555 0104", ("ashtanga", "vip")),
    Person("Aoife", "Ní Bhriain", "", "Galway", "", ("retreat",)),
    Person("Lerato", "Molefe", "", "Cape Town", "+27 82 555 0105", ("prenatal",)),
    Person(
        "José María", "de la Fuente y Rodríguez-Santamaría", "", "Sevilla", "", ("retreat", "vip")
    ),
    Person("Wei", "Ng", "", "Cape Town", "+27 82 555 0106", ("morning",)),
    Person("Zanele", "Nkosi", "Nkosi Wellness", "Cape Town", "+27 82 555 0107", ("teacher",)),
    Person("Oluwaseun", "Adebayo-Okonkwo", "", "Lagos", "", ("teacher training",)),
    Person("Hanneke", "van der Westhuizen", "", "Paarl", "+27 82 555 0108", ("yin", "evening")),
    Person("Yuki", "Tanaka", "", "Cape Town", "+27 82 555 0109", ("meditation",)),
    Person("Mohammed", "Patel", "Patel Pharmacies", "Cape Town", "+27 82 555 0110", ("corporate",)),
    Person("Ingrid", "Sørensen", "", "Bergen", "", ("retreat",)),
    Person("Ayanda", "Zulu", "", "Cape Town", "+27 82 555 0111", ("beginner", "evening")),
    Person("Chloé", "Lefèvre", "", "Lyon", "", ("retreat", "vegetarian")),
    Person("Kagiso", "Motaung", "", "Cape Town", "+27 82 555 0112", ("vinyasa",)),
    Person("Björn", "Lindqvist", "", "Cape Town", "", ("morning",)),
    Person("Fatima", "Abrahams", "", "Cape Town", "+27 82 555 0113", ("prenatal", "vip")),
    Person("Dimitrios", "Papadopoulos", "", "Cape Town", "+27 82 555 0114", ("ashtanga",)),
    Person("Sibongile", "Mthembu", "", "Durban", "+27 82 555 0115", ("teacher training",)),
    Person("Ludwig", "Maximilian von Hohenstein-Wallerberg", "", "München", "", ("retreat",)),
    Person("Amahle", "Ndlovu", "", "Cape Town", "+27 82 555 0116", ("beginner",)),
    Person(
        "Rachel", "Goldberg", "Goldberg Attorneys", "Cape Town", "+27 82 555 0117", ("corporate",)
    ),
    Person("Tariq", "Davids", "", "Cape Town", "+27 82 555 0118", ("evening",)),
    Person("Marija", "Kovačević", "", "Zagreb", "", ("retreat",)),
    Person(
        "Pieter", "Joubert", "Joubert Wine Estate", "Franschhoek", "+27 82 555 0119", ("corporate",)
    ),
    Person("Naledi", "Mabaso", "", "Cape Town", "+27 82 555 0120", ("vinyasa", "vip")),
    Person("Søren", "Ågård", "", "Cape Town", "", ("yin",)),
    Person("Grace", "Wanjiru Kamau", "", "Nairobi", "", ("teacher training",)),
    Person("Lindiwe", "Sithole", "", "Cape Town", "+27 82 555 0121", ("morning", "meditation")),
    Person("Tomás", "O'Sullivan", "", "Cape Town", "+27 82 555 0122", ("evening",)),
    Person("Xin Yi", "Chen", "", "Cape Town", "+27 82 555 0123", ("ashtanga",)),
    Person("Bongani", "Radebe", "Radebe Logistics", "Cape Town", "+27 82 555 0124", ("corporate",)),
    Person("Małgorzata", "Wiśniewska", "", "Kraków", "", ("retreat", "vegetarian")),
    Person("Imran", "Khan", "", "Cape Town", "+27 82 555 0125", ("beginner",)),
    Person("Carla", "Esposito", "", "Napoli", "", ("retreat",)),
    Person("Refilwe", "Tshabalala", "", "Cape Town", "+27 82 555 0126", ("prenatal",)),
    Person("Anoushka", "Naidoo", "Naidoo Dance", "Cape Town", "+27 82 555 0127", ("teacher",)),
    Person("Noah", "Williams", "", "Cape Town", "+27 82 555 0128", ("vinyasa", "evening")),
    Person("Thi Ngoc Anh", "Nguyen", "", "Cape Town", "", ("meditation",)),
    Person("Mpho", "Seabi", "", "Cape Town", "+27 82 555 0129", ("beginner", "morning")),
    Person(
        "Charlotte", "Featherstonehaugh", "", "Somerset West", "+27 82 555 0130", ("yin", "vip")
    ),
    Person("Luca", "Bianchi", "", "Cape Town", "+27 82 555 0131", ("ashtanga",)),
    Person("Nosipho", "Gumede", "", "Cape Town", "+27 82 555 0132", ("vinyasa",)),
    Person("Ahmed", "El-Sayed", "", "Cairo", "", ("retreat",)),
    Person("Jessica", "Botha", "", "Cape Town", "+27 82 555 0133", ("prenatal", "evening")),
    Person("Kwame", "Asante", "Asante Coffee", "Cape Town", "+27 82 555 0134", ("corporate",)),
    Person("Isabella", "Ferreira da Silva", "", "Lisboa", "", ("retreat",)),
    Person("Unathi", "Qwabe", "", "Cape Town", "+27 82 555 0135", ("beginner",)),
    Person("Harriet", "Lowe", "", "Cape Town", "+27 82 555 0136", ("meditation", "yin")),
    Person("Olga", "Shevchenko", "", "Kyiv", "", ("teacher training",)),
    Person("Sipho", "Maseko", "", "Cape Town", "+27 82 555 0137", ("morning",)),
    Person("Ruth", "Ben-Ami", "", "Cape Town", "+27 82 555 0138", ("evening", "vegetarian")),
    Person("Dineo", "Phiri", "", "Cape Town", "+27 82 555 0139", ("vinyasa",)),
    Person("Alejandro", "Gutiérrez", "", "Bogotá", "", ("retreat",)),
    Person(
        "Megan",
        "Jacobs",
        "Jacobs Physiotherapy",
        "Cape Town",
        "+27 82 555 0140",
        ("corporate", "vip"),
    ),
)
