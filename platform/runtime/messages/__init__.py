"""Messages: notices to people inside, e-mail, SMS and WeCom out, e-mail in, consent and the cap on marketing."""
