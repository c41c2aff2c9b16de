"""What a letter costs."""

from postage.countries import COUNTRIES


def price(country, text):
    """Cents for a letter: the country's price for each ten signs begun."""
    _, cents = COUNTRIES[country]
    return cents * max(1, (len(text) + 9) // 10)


def stamp(country, text):
    """The stamp as it is printed."""
    return "%s-%03d" % (country.upper(), price(country, text))
