"""What a model says of years, provinces and pairs that its fit has not used."""
