"""The Atlassian Marketplace: its reporting API and its wire format."""
