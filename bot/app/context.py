"""What the parts of the running bot are built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from bot.app.components import Components
from bot.app.leader import TIMING, LeaderTiming
from bot.app.mail import build_links
from bot.concurrency.heartbeats import Heartbeats
from bot.config.settings import Settings
from bot.domain.app_signal import EarlyCardPolicy, EarlyCards
from bot.domain.outbox import ApiMethod
from bot.security.keyring import Keyring
from bot.services.dnc import DoNotContact
from bot.services.inbound.app_signals import SignalWorker
from bot.services.inbound.feedback import FeedbackDesk
from bot.services.mail.links import LinkKind
from bot.services.operations.clock_watch import since_boot
from bot.services.operations.health import Health
from bot.services.slack_delivery.cards import Cards
from bot.services.slack_delivery.outages import SlackOutages
from bot.services.slack_delivery.rate_limits import SLACK_LIMITS, Limits
from bot.services.slack_identity import BotIdentity
from bot.services.team.follow_up import FollowUp
from bot.services.team.home import HomeTabs
from bot.services.team.lists import Lists
from bot.services.team.owner_directory import OwnerDirectory
from bot.services.team.permissions import Permissions
from bot.services.team.rotation import OwnerRotation
from bot.services.team.team_file import TeamFileEditor
from bot.slack.client.socket_mode import SOCKET_TIMEOUTS, SocketTimeouts
from bot.slack.client.users import SlackUsers
from bot.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Limits and timeouts that a test may tighten. `elapsed` returns the seconds of a clock that nobody sets."""

    limits: Mapping[ApiMethod, Limits] = field(default_factory=lambda: SLACK_LIMITS)
    socket: SocketTimeouts = SOCKET_TIMEOUTS
    leader: LeaderTiming = TIMING
    elapsed: Callable[[], float] = since_boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The settings, the opened components, and the use cases that several parts share."""

    settings: Settings
    components: Components
    identity: BotIdentity
    clock: Callable[[], datetime]
    permissions: Permissions
    owner_directory: OwnerDirectory
    outages: SlackOutages
    cards: Cards
    dnc: DoNotContact
    follow_up: FollowUp
    lists: Lists
    home: HomeTabs
    team_file: TeamFileEditor
    health: Health
    heartbeats: Heartbeats
    rotation: OwnerRotation
    signals: SignalWorker
    feedback: FeedbackDesk

    @classmethod
    def build(
        cls,
        settings: Settings,
        components: Components,
        identity: BotIdentity,
        *,
        heartbeats: Heartbeats,
        clock: Callable[[], datetime],
    ) -> Self:
        """Build the shared use cases. What Slack says about a person is cached for five minutes, for all alike."""
        store, channel, admins = components.store, settings.slack_channel, settings.slack_admins
        named = settings.slack_actors
        health = Health(store, poll_every=settings.poll_every, clock=clock)
        health.problems = identity.problems
        users = SlackUsers(components.client)
        permissions = Permissions(users, team=identity.team, named=named, admins=admins, clock=clock)
        lists = Lists(store, zone=settings.timezone, slack_user=permissions.slack_user, clock=clock)
        return cls(
            settings=settings,
            components=components,
            identity=identity,
            clock=clock,
            permissions=permissions,
            owner_directory=OwnerDirectory(
                store, slack_user=permissions.slack_user, workspace_url=identity.url, clock=clock
            ),
            outages=SlackOutages(store, admins=admins, channel=channel, clock=clock),
            cards=Cards(store, clock=clock),
            dnc=DoNotContact(store, clock=clock, admins=admins),
            follow_up=FollowUp(store, zone_of=permissions.zone, zone=settings.timezone, clock=clock),
            lists=lists,
            home=HomeTabs(
                store,
                components.slack,
                lists,
                own_sites=settings.own_sites,
                admins=admins,
                workspace_url=identity.url,
                clock=clock,
            ),
            team_file=TeamFileEditor(store, channel=channel, admins=admins, clock=clock),
            health=health,
            heartbeats=heartbeats,
            rotation=OwnerRotation(store, components.slack, permissions, clock=clock),
            signals=_build_signals(settings, store, clock),
            feedback=_build_feedback(settings, components, clock),
        )


def _build_signals(settings: Settings, store: Store, clock: Callable[[], datetime]) -> SignalWorker:
    policy = EarlyCardPolicy(
        mode=EarlyCards(settings.early_cards), channel=settings.slack_channel, own_sites=settings.own_sites
    )
    return SignalWorker(store, policy, wait=settings.early_cards_wait, clock=clock)


def _build_feedback(settings: Settings, components: Components, clock: Callable[[], datetime]) -> FeedbackDesk:
    desk = FeedbackDesk(
        components.store.feedback,
        Keyring(settings.secret_key),
        links=build_links(settings, LinkKind.FEEDBACK),
        channel=settings.slack_channel,
        clock=clock,
    )
    desk.meter = components.meter
    return desk
