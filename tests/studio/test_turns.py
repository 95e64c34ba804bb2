"""Who is next: one turn for each client, a few clients at once, the others in the order in which they came."""

import asyncio

import pytest

from lmn_music.studio.turns import BusyError, Turns


def test_turns_are_had_in_order_and_one_for_each_client():
    async def day():
        turns, order, most = Turns(at_once=2, waiting=9), [], 0

        async def work(client, number):
            nonlocal most
            async with turns.turn(client):
                order.append((client, number))
                most = max(most, len(turns._served))
                assert len(turns._served) <= 2
                for _ in range(3):
                    await asyncio.sleep(0)

        await asyncio.gather(*(work(client, number) for number in range(3) for client in "aabc"))
        return order, most

    order, most = asyncio.run(day())
    assert most == 2
    assert len(order) == 12
    assert [number for client, number in order if client == "b"] == [0, 1, 2]
    assert order[0][0] == "a"
    assert order[1][0] == "b"  # the second piece of work of a waits for its first


def test_a_place_that_is_given_up_makes_room():
    async def day():
        turns = Turns(at_once=1, waiting=2)
        first, second, third = (turns.stand(client) for client in "abc")
        assert first.called.is_set()
        assert (turns.ahead(second), turns.ahead(third)) == (1, 2)
        turns.leave(second)
        assert turns.ahead(third) == 1
        turns.leave(first)
        assert third.called.is_set()
        turns.leave(third)
        assert turns.stand("d").called.is_set()

    asyncio.run(day())


def test_nobody_has_more_than_their_places():
    async def day():
        turns = Turns(at_once=1, waiting=2)
        for _ in range(3):
            turns.stand("a")
        with pytest.raises(BusyError, match="2 more are waiting already"):
            turns.stand("a")
        turns.stand("b")

    asyncio.run(day())
