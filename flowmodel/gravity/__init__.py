"""Who is drawn where: pull, distance and borders make a kernel over pairs of zones."""
