import { accountMerge } from './account_merge.ts';
import { allowTrust } from './allow_trust.ts';
import { bumpSequence } from './bump_sequence.ts';
import { changeTrust } from './change_trust.ts';
import { createAccount } from './create_account.ts';
import { createPassiveSellOffer } from './create_passive_sell_offer.ts';
import { liquidityPoolDeposit } from './liquidity_pool_deposit.ts';
import { liquidityPoolWithdraw } from './liquidity_pool_withdraw.ts';
import { manageBuyOffer } from './manage_buy_offer.ts';
import { manageData } from './manage_data.ts';
import { manageSellOffer } from './manage_sell_offer.ts';
import type { OperationModule } from './operation.ts';
import { pathPaymentStrictReceive } from './path_payment_strict_receive.ts';
import { pathPaymentStrictSend } from './path_payment_strict_send.ts';
import { payment } from './payment.ts';
import { setOptions } from './set_options.ts';
import { setTrustLineFlags } from './set_trust_line_flags.ts';

/** By the name on the wire. */
const modules = {
  account_merge: accountMerge,
  allow_trust: allowTrust,
  bump_sequence: bumpSequence,
  change_trust: changeTrust,
  create_account: createAccount,
  create_passive_sell_offer: createPassiveSellOffer,
  liquidity_pool_deposit: liquidityPoolDeposit,
  liquidity_pool_withdraw: liquidityPoolWithdraw,
  manage_buy_offer: manageBuyOffer,
  manage_data: manageData,
  manage_sell_offer: manageSellOffer,
  path_payment_strict_receive: pathPaymentStrictReceive,
  path_payment_strict_send: pathPaymentStrictSend,
  payment,
  set_options: setOptions,
  set_trust_line_flags: setTrustLineFlags,
};

/** Inflation is refused by the protocol itself; every other operation that is not here is refused by its name. */
export type OperationName = keyof typeof modules | 'inflation';

export const isServed = (name: string): name is OperationName =>
  name === 'inflation' || Object.hasOwn(modules, name);

/** Undefined for what the protocol no longer supports. */
export const operationModule = (name: OperationName): OperationModule<unknown> | undefined =>
  name === 'inflation' ? undefined : (modules[name] as OperationModule<unknown>);
