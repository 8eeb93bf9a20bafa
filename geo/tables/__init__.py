"""Tables as text: every cell as it stands in a CSV, Excel or Parquet file, and what number it says."""
