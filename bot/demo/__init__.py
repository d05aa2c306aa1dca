"""The other side, small and on loopback: a Slack workspace, a Marketplace, a mailbox. The bot does not know
about it.
"""
