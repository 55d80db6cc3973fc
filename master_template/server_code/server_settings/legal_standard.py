"""The texts that stand until an owner publishes their own: a start, not legal advice.

What they have to say comes from GDPR articles 13 and 14 and POPIA section 18.
"""

from __future__ import annotations

# Change it with any change of the words below: who agreed to them agreed to this version.
STANDARD_VERSION = "standard-1"

PRIVACY_POLICY = """\
This page says what {{business_name}} does with what you tell us about yourself, and what you may \
ask of us.

## Who is responsible

{{business_name}}, {{address}}. You reach us at {{email}} or {{phone}}.

## What we keep, and why

- **Your account and your contact details:** name, e-mail address, telephone number and address, \
so that we can serve you and reach you. Basis: our contract with you.
- **What you book and buy:** so that you get it, and because the law obliges us to keep accounts. \
Basis: our contract with you, and the law.
- **What you write to us and what we agree on:** so that we remember it. Basis: our legitimate \
interest in looking after you well.
- **News and offers:** only if you have said yes. You can take that back at any time in your \
account or by a word to us. Basis: your consent.
- **Technical records:** the IP address and time of log-ins and changes, so that nobody misuses \
your account. Basis: our legitimate interest in safety.

We do not keep card numbers. Payments are handled by the payment provider that you choose when you \
pay.

## Who else sees it

Only those who work for us and need it, and the providers that we use to send messages, take \
payments and run this website. They may use it for nothing else. We do not sell it.

## For how long

- Bookings, orders, payments and invoices: seven years, as tax law demands.
- Records of log-ins and changes: two years.
- Messages that this system has sent: 90 days.
- Everything else: until you ask us to erase it.

## Cookies

This website needs one cookie to keep you logged in, and one to remember what you decided about \
cookies. Others are set only if you agree. You can change your mind on the \
[cookie page](/cookies).

## What you may ask of us

You may see what we keep about you, have it corrected, take it with you as a file, object to its \
use, and have it erased. Your account has a page for this; or write to {{email}}. If you think \
that we do wrong, you may complain to the data protection authority of your country.
"""

TERMS = """\
These terms hold between you and {{business_name}}, {{address}}, when you use this website, book \
or buy.

## Your account

What you tell us has to be true. Keep your password to yourself, and tell us if you think that \
someone else knows it.

## Bookings and orders

A booking or order is made when we confirm it. Prices are in {{currency}} and include taxes where \
the law demands that.

### Cancelling

{{cancellation_policy}}

### Not coming

{{no_show_policy}}

### Moving a booking

{{rescheduling_policy}}

### Refunds

{{refund_policy}}

## What we answer for

We do our work with care. We answer for damage as far as the law says so; nothing in these terms \
takes away rights that the law gives you as a consumer.

## Your data

What we do with it is on the page [Privacy policy](/privacy).

## Changes

We may change these terms for the future. What you have booked or bought keeps the terms that held \
then.

## Which law

The law of {{country}} applies, and the consumer protection of the country in which you live.

You reach us at {{email}} or {{phone}}.
"""
