"""What is believed of a table and a layer: codes, people, totals, gaps; the panel, and what every source hands on."""
