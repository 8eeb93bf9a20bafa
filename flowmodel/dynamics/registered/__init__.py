"""Residents by place of registration: rates, the initial stock, and two ways to compute the years."""
