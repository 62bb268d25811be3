"""Random lives of a connection, by handlers that do whatever a handler may do; what must hold does so at every step."""

import asyncio
import random
from functools import partial

import pytest

from kong_federation.errors.codes import INTERNAL_SERVER_ERROR
from kong_federation.kong import Exit, HandleEvent, encode_call, frame
from kong_federation.kong.event import Proceed, Restart
from kong_federation.kong.pdk import Calls
from kong_federation.pluginserver.session import Session, State

from .kong import Kong


class Entry:
    """Counts how often it is told that it is over."""

    place = 3
    repeatable = True

    def __init__(self):
        self.told = []

    def over(self, *, answered):
        self.told.append(answered)


class Life:
    """One connection, what its handlers did, and what Kong may say next."""

    def __init__(self, chance, runtime, events):
        self.chance = chance
        self.events = events
        self.ledger = runtime.guard.pulse.ledger
        self.kong = Kong(Session(runtime, events))
        self.instance = self.kong.start()
        self.entries = []
        self.futures = []
        self.restarts = self.running = 0
        self.said = 0  # results
        self.asks = self.confused = False
        self.wrong = []

    async def decide(self, channel, tenant, runtime, replies):
        """A handler."""
        self.running += 1
        try:
            self.got(replies, len(tenant.conversation.opening))
            return await self.steps(channel)
        finally:
            self.running -= 1

    def got(self, results, expected):
        """Note what is wrong with results: they are numbered, none is left out, and the last one has just come."""
        numbers = [int(result) for result in results if result.isdigit()]
        if not self.confused and (len(results) != expected or numbers != [*range(numbers[0], numbers[0] + expected)]):
            self.wrong.append(results)

    async def steps(self, channel):
        for _ in range(self.chance.randrange(4)):
            match self.chance.randrange(5):
                case 0:
                    number = self.chance.randrange(1, 4)
                    promise = channel.call(Calls(*[("kong.request.get_path", b"")] * number))
                    self.asks = True
                    try:
                        self.got(await promise, number)
                    finally:
                        self.asks = False
                case 1:
                    future = asyncio.get_running_loop().create_future()
                    self.futures.append(future)
                    await future
                case 2:
                    await asyncio.sleep(0)
                case 3 if channel.entry is None:
                    entry = Entry()
                    self.entries.append(entry)
                    channel.enter(entry)
                    if self.ledger[0] != entry.place:
                        self.wrong.append("not marked")
                case _ if self.chance.random() < 0.1:
                    raise ValueError
        decision = self.chance.choices([Exit(200, (), b"x"), Proceed(), Restart()], [2, 4, 1])[0]
        # Whoever was about to go on when the event ended may decide what nobody wants to know.
        self.restarts += isinstance(decision, Restart) and not channel._over
        return decision

    def speak(self):
        """Reply to all calls that were made, and at times say what nobody has asked for."""
        frames = self.kong.transport.frames
        while frames[:1] == [b""]:  # an event has passed
            del frames[:2]
        stream = b""
        for _ in self.kong.new_calls():
            self.said += 1
            stream += frame(b"%d" % self.said)
        state = self.kong.session.state
        if state is State.IDLE or self.chance.random() < 0.3:
            # A next event may come in the same bytes; in mid-event it is a result that nobody asked for, or is one.
            stream += frame(encode_call(HandleEvent(7, self.instance, "access")))
            self.say(stream)
            self.confused = state is not State.IDLE and self.kong.session.state is State.EVENT
            assert self.kong.session.state is not State.IDLE, "an event was lost"
        else:
            self.say(stream)
            if len(self.kong.transport.frames) < 2 and self.kong.session.state is State.EVENT and not self.confused:
                assert not self.asks, "a result was lost"
                assert self.running, "a reply to the opening was lost"

    def say(self, stream):
        """Kong's bytes, cut anywhere."""
        at = 0
        while at < len(stream):
            size = self.chance.choice((len(stream), 1 + self.chance.randrange(9)))
            self.kong.session.data_received(stream[at : at + size])
            self.check()
            at += size

    def check(self):
        """What holds at every moment."""
        session = self.kong.session
        assert (session in self.events.running) == (session.state is State.EVENT)
        assert (session.deadline < float("inf")) == (session.state is State.EVENT)
        assert self.ledger[0] == 0
        assert all(len(entry.told) <= 1 for entry in self.entries)
        assert self.wrong == []

    def step(self):
        """Let something happen, if it can."""
        session, futures = self.kong.session, self.futures
        end = self.chance.choice((session.expire, session.give_up, partial(session.fail, INTERNAL_SERVER_ERROR)))
        match self.chance.choices(("speak", "future", "end", "hang up"), (8, 4, 2, 1))[0]:
            case "speak":
                self.speak()
            case "future" if futures and not futures[-1].done():
                futures.pop().set_result(None)
            case "end" if session.state is State.EVENT:
                end()
            case "hang up" if session.state is State.IDLE:
                session.hang_up()
        self.check()


@pytest.mark.parametrize("seed", range(300))
async def test_whatever_happens_to_a_connection_its_books_are_right(runtime, events, monkeypatch, seed):
    life = Life(random.Random(seed), runtime, events)
    monkeypatch.setattr("kong_federation.pluginserver.session.decide", life.decide)
    kong, session = life.kong, life.kong.session
    for _ in range(life.chance.randrange(1, 25)):
        if kong.transport.closed:
            break
        life.step()
        if life.chance.random() < 0.3:
            await asyncio.sleep(0)
    if session.state is State.ANSWERED:
        while kong.transport.frames[:1] == [b""]:
            del kong.transport.frames[:2]
        kong.new_calls()
        assert kong.exit() is not None
    assert kong.transport.closed == (session.state is State.CLOSED) == bool(life.restarts)
    assert kong.transport.hung_up == (session.state is State.LEAVING)
    kong.leave()
    for _ in range(4):
        await asyncio.sleep(0)
    life.check()
    assert session.state is State.CLOSED
    assert repr(events) == "<Events 0 running, 0 connections>"
    assert all(len(entry.told) == 1 for entry in life.entries)
    assert (life.wrong, life.running) == ([], 0)
