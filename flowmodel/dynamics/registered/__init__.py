"""Residents by place of registration: rates, the initial stock, and two paths that compute the years."""
