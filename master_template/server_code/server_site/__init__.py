"""The addresses of the business: public pages as plain HTML, and the app behind /app."""
