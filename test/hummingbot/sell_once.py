import os
from decimal import Decimal

from hummingbot.client.settings import GATEWAY_CHAINS
from hummingbot.core.data_type.common import MarketDict, OrderType
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase


# Without this a client that starts headless looks for no gateway before it makes its markets.
GATEWAY_CHAINS.append("stellar")


class SellOnceConfig(StrategyV2ConfigBase):
    script_file_name: str = os.path.basename(__file__)
    connector: str = "stellar-mainnet"
    trading_pair: str = "XLM-USDC"
    amount: Decimal = Decimal("10")

    def update_markets(self, markets: MarketDict) -> MarketDict:
        return markets.add_or_update(self.connector, self.trading_pair)


class SellOnce(StrategyV2Base):
    """Sells an amount once, at the market."""

    order = None

    def on_tick(self):
        if self.order is None and self.ready_to_trade:
            config = self.config
            self.order = self.sell(config.connector, config.trading_pair, config.amount, OrderType.MARKET)

    def did_fill_order(self, event):
        self.logger().info(f"SOLD {event.amount} {event.trading_pair} at {event.price}, {event.exchange_trade_id}")
