"""
The stock Hummingbot client, unmodified, on the strings of a test: a line of JSON on standard input calls a method of one
of the client's own objects, a line on standard output is the answer or an event of the client.

    {"id": 1, "on": "connector", "call": "get_quote_price",
     "args": {"trading_pair": "XLM-USDC", "is_buy": true, "amount": {"decimal": "10"}}}
    {"id": 1, "result": "0.12"}    {"id": 1, "error": "ValueError: ..."}    {"event": "OrderFilled", ...}

    python drive.py FOLDER CHAIN-NETWORK PAIR

FOLDER is what the client takes for its home: hummingbot/, conf/, certs/. It ends when its input ends.
"""

import asyncio
import dataclasses
import inspect
import json
import logging
import os
import sys
from decimal import Decimal
from enum import Enum

FOLDER, MARKET, PAIR = sys.argv[1:]
sys.path.insert(0, FOLDER)

from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger, store_password_verification  # noqa: E402
from hummingbot.client.config.config_helpers import load_client_config_map_from_file  # noqa: E402
from hummingbot.client.config.security import Security  # noqa: E402
from hummingbot.core.data_type.common import OrderType, TradeType  # noqa: E402
from hummingbot.core.event.event_forwarder import EventForwarder  # noqa: E402
from hummingbot.core.event.events import MarketEvent  # noqa: E402
from hummingbot.core.trading_core import TradingCore  # noqa: E402

# Arguments that JSON has no type for, written as an object with one of these keys.
TYPES = {"decimal": Decimal, "side": TradeType.__getitem__, "order_type": OrderType.__getitem__}


def typed(value):
    if isinstance(value, dict) and len(value) == 1 and (key := next(iter(value))) in TYPES:
        return TYPES[key](value[key])
    return value


def plain(value):
    """What json does not know, for its `default`."""
    if isinstance(value, Enum):
        return value.name
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if hasattr(value, "to_json"):
        return value.to_json()
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return str(value)


def say(line):
    print(json.dumps(line, default=plain), flush=True)


def forward(event, connector):
    """Says each of the connector's events of a kind; the caller keeps the result, since the client does not."""

    def told(value):
        fields = value._asdict() if hasattr(value, "_asdict") else plain(value)
        say({"event": event.name, **(fields if isinstance(fields, dict) else {"value": fields})})

    listener = EventForwarder(told)
    connector.add_listener(event, listener)
    return listener


async def answer(objects, request):
    try:
        member = getattr(objects[request["on"]], request["call"])
        if callable(member):
            member = member(**{name: typed(value) for name, value in request.get("args", {}).items()})
        say({"id": request["id"], "result": await member if inspect.isawaitable(member) else member})
    except Exception as error:
        say({"id": request["id"], "error": f"{type(error).__name__}: {error}"})


async def main():
    secrets = ETHKeyFileSecretManger(os.environ["CONFIG_PASSWORD"])
    if Security.new_password_required():
        store_password_verification(secrets)
    if not Security.login(secrets):
        raise SystemExit("the password is not that of this folder")
    core = TradingCore(load_client_config_map_from_file())
    # As the client's own start does: without it the core knows no chain of the gateway.
    await asyncio.wait_for(core.gateway_monitor.ready_event.wait(), 60)
    await core.initialize_markets([(MARKET, [PAIR])])
    connector = core.connectors[MARKET]
    listeners = [forward(event, connector) for event in MarketEvent]
    await core.start_clock()
    objects = {"connector": connector, "gateway": core.gateway_monitor, "core": core}
    say({"event": "Started", "listeners": len(listeners)})
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    running = set()
    while line := await lines.readline():
        task = asyncio.create_task(answer(objects, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    await core.stop_clock()


logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
asyncio.run(main())
