"""Marketing: mails to many, campaigns, lead capture, referrals, reviews and tasks."""
