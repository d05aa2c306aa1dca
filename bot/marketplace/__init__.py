"""The Atlassian Marketplace: its wire format, its reporting API."""
