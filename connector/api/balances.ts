import { formatAmount } from '../market/amount.ts';
import { NATIVE, type Token } from '../market/asset.ts';
import { type AccountState, available, type Balance, room } from '../market/balance.ts';

interface Reason {
  what: string;
  /** Stroops. */
  amount: bigint;
}

/**
 * What of each balance cannot be spent, and why: amounts locked in offers, and of native the reserve line by line (CAP-0033)
 * and the buffer for fees. The reasons add up to `locked` and `reserved`.
 */
export function explainBalances(
  state: AccountState,
  baseReserve: bigint,
  nativeBuffer: bigint,
  tokens: readonly Token[],
) {
  return {
    balances: state.balances.map((entry) => {
      const { asset, balance, sellingLiabilities, authorized } = entry;
      const reserve = asset === NATIVE ? reserveOf(state, baseReserve, nativeBuffer) : [];
      const reasons = [...locked(entry), ...reserve].filter(({ amount }) => amount !== 0n);
      const left = available(state, asset, baseReserve)! - (asset === NATIVE ? nativeBuffer : 0n);
      return {
        symbol: tokens.find(({ address }) => address === asset)?.symbol ?? asset,
        ...{ asset, total: formatAmount(balance), available: formatAmount(left > 0n ? left : 0n) },
        locked: formatAmount(sellingLiabilities),
        reserved: formatAmount(reserve.reduce((sum, { amount }) => sum + amount, 0n)),
        room: entry.limit === undefined ? null : formatAmount(room(state, asset)!),
        authorized,
        because: reasons.map(({ what, amount }) => ({ what, amount: formatAmount(amount) })),
      };
    }),
    pools: (state.poolShares ?? []).map(({ poolId, balance }) => ({ poolId, shares: formatAmount(balance) })),
  };
}

const locked = ({ sellingLiabilities }: Balance): Reason[] => [
  { what: 'offers that sell it', amount: sellingLiabilities },
];

function reserveOf(state: AccountState, baseReserve: bigint, nativeBuffer: bigint): Reason[] {
  const { subentries, sponsoring, sponsored, balances, poolShares = [] } = state;
  const lines = balances.filter(({ asset }) => asset !== NATIVE).length;
  const poolLines = 2 * poolShares.length;
  const others = subentries - lines - poolLines;
  const entries = (what: string, count: number): Reason => ({ what, amount: BigInt(count) * baseReserve });
  return [
    entries('reserve of the account', 2),
    entries(`reserve of ${lines} trust lines`, lines),
    entries(`reserve of ${poolShares.length} lines of pool shares, two each`, poolLines),
    entries(`reserve of ${others} offers, signers and data entries`, others),
    entries(`reserve for ${sponsoring} entries sponsored for others`, sponsoring),
    entries(`reserve that others pay for ${sponsored} entries`, -sponsored),
    { what: 'kept back for fees', amount: nativeBuffer },
  ];
}
