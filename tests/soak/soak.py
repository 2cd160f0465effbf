"""Rounds of work for four processes, and what is looked at between two of them."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

from tests.kills.facts import Facts
from tests.soak.day import HOME, STORE, WORD, Day
from tests.soak.deeds import DEEDS
from tests.soak.eyes import Seen, agree, look, marks_in
from tests.soak.facts_seen import compare
from tests.soak.figures import Figures, Watched
from tests.soak.ledger import Ledger
from tests.soak.letters import Postman
from tests.soak.meter import Meter
from tests.soak.servers import Server

IMAPBOX: Final = str(Path(sys.executable).with_name("imapbox"))
USERS: Final = [f"user{number}" for number in range(8)]
PASSWORDS: Final = dict.fromkeys(USERS, WORD)
CLIENTS: Final = 16


@dataclass(frozen=True)
class Round:
    """How much is done in one round.

    Attributes:
        commands: Of IMAP.
        deliveries: Copies of messages that somebody gets over LMTP.
        kills: How many processes are killed meanwhile.
        seconds: It takes so long at least.
    """

    commands: int
    deliveries: int
    kills: int
    seconds: float


class Soak:
    """Four servers, their clients, and what is known of them.

    Args:
        servers: All but the last one are killed now and then.
        store: Where their mail lies.
        seed: Decides all.

    Attributes:
        ledger: What was answered.
        facts: What was answered of what is noted.
        figures: Of the last server.
        counts: How often each command was said, and deliveries.
        kills: How many processes were killed.
    """

    def __init__(self, servers: list[Server], store: Path, seed: int) -> None:
        self.ledger = Ledger()
        self.facts = Facts()
        self.figures = Figures()
        self.counts: Counter[str] = Counter()
        self.kills = 0
        self._servers = servers
        self._store = store
        self._chance = random.Random(seed)
        self._days = [
            Day(
                f"c{number}",
                servers[number % 4].imap,
                # The two clients of a user have different servers.
                USERS[(number + number // 8) % 8],
                self.ledger,
                self._new_chance(),
            )
            for number in range(CLIENTS)
        ]
        self._postmen = [
            Postman(f"d{number}", server.lmtp, USERS, self.ledger, self._new_chance())
            for number, server in enumerate(servers)
        ]
        for each in (*self._days[3::4], self._postmen[3]):
            each.lasting = True
        for number, day in enumerate(self._days):
            day.facts = self.facts
            day.guest = USERS[(USERS.index(day.user) + 1 + number // 8) % 8]
            (day.twin,) = (
                other
                for other in self._days
                if other.user == day.user and other is not day
            )
            day.keyed = (HOME, STORE)[number // 8]

    @property
    def lost(self) -> int:
        """Return how many connections were lost."""
        return sum(day.lost for day in self._days)

    @property
    def again(self) -> int:
        """Return how many letters were sent again."""
        return sum(postman.again for postman in self._postmen)

    def summary(self, seconds: float) -> Iterator[str]:
        """Say what was done."""
        deliveries = self.counts["delivery"]
        verbs = ", ".join(
            f"{verb} {count}"
            for verb, count in self.counts.most_common()
            if verb != "delivery"
        )
        yield (
            f"{self.counts.total() - deliveries} commands and {deliveries} deliveries"
            f" in {seconds:.0f} s; {self.kills} processes killed,"
            f" {self.lost} sessions lost, {self.again} letters sent again;"
            f" {self.ledger.added} messages added, {self.ledger.gone} removed;"
            f" {self.facts.count} facts changed"
        )
        yield verbs
        yield f"more than half-way: {self.figures.grown()}"

    def begin(self) -> None:
        """Have all accounts made, and all servers open their mailboxes."""
        for server in self._servers:
            self.look(server)

    def round(self, plan: Round) -> None:
        """Let all work; then see that all is well, and what the last one holds."""
        imap = Meter(plan.commands, plan.seconds)
        lmtp = Meter(plan.deliveries, plan.seconds)
        with (
            Watched(self._servers[3], self.figures),
            ThreadPoolExecutor(CLIENTS + 6) as pool,  # its end waits for the work
        ):
            work = [
                *(pool.submit(day.work, imap, DEEDS) for day in self._days),
                *(pool.submit(postman.work, lmtp) for postman in self._postmen),
                pool.submit(self._kill_some, plan.kills, imap),
                pool.submit(self._limit_one),
            ]
            for each in work:
                each.add_done_callback(
                    lambda done: done.exception() and (imap.stop(), lmtp.stop())
                )
        for each in work:
            each.result()
        self.counts += imap.counts + lmtp.counts
        seen = self.look(self._chance.choice(self._servers))
        self.ledger.compare(marks_in(seen))
        for day in self._days:
            day.be_there()
            agree(day, seen)
            day.client.together(b"LOGOUT")
            day.client.close()
        self.figures.rest(self._servers[3])
        # Who waits for an hour wants to see something.
        with self._store.with_name("figures").open("a") as file:
            file.write(f"{self.figures.last()}; {self.figures.rests[-1][1].rest}\n")

    def look(self, server: Server) -> Seen:
        """Return what fresh sessions of a server see."""
        seen = look(server.imap, USERS)
        compare(self.facts, seen.facts)
        return seen

    def clean(self, grace: float) -> None:
        """Do what cron does each night."""
        self._run("compact", "--grace", str(grace / 3600))

    def _limit_one(self) -> None:
        """Give somebody another quota, as an administrator does."""
        user = self._chance.choice(USERS)
        most = 10_000_000 + self._chance.randrange(1_000_000)
        self.facts.tries(f"quota.{user}", str(most))
        self._run("quota", "--storage", f"{most}K", "--messages", str(most), user)
        self.facts.has(f"quota.{user}")

    def _run(self, verb: str, *words: str) -> None:
        subprocess.run(
            [IMAPBOX, verb, "--store", str(self._store), *words],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _kill_some(self, count: int, meter: Meter) -> None:
        """Kill servers somewhere in the round, and start them again."""
        moments = sorted(self._chance.uniform(0.05, 0.9) for _ in range(count))
        for moment in moments:
            while meter.progress < moment:
                Event().wait(0.01)
            server = self._chance.choice(self._servers[:3])
            server.kill()
            self.kills += 1
            server.start()
            server.wait()

    def _new_chance(self) -> random.Random:
        return random.Random(self._chance.getrandbits(64))
