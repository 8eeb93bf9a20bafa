"""Tables as text: every cell as a CSV, Excel or Parquet file has it, and the number that it means."""
