import type { ApiRoute } from '../route.ts';
import { balances } from './balances.ts';
import { book } from './book.ts';
import { fees } from './fees.ts';
import { fills } from './fills.ts';
import { markets } from './markets.ts';
import { order } from './order.ts';
import { orderAmend } from './order-amend.ts';
import { orderCancel } from './order-cancel.ts';
import { ordersCancelAll } from './orders-cancel-all.ts';
import { ordersList } from './orders-list.ts';
import { ordersPlace } from './orders-place.ts';
import { rules } from './rules.ts';
import { status } from './status.ts';
import { trades } from './trades.ts';

/** Every route of `/v1`, before keys are put to the writes (`createApi`). */
export const apiRoutes: readonly ApiRoute[] = [
  markets,
  rules,
  book,
  trades,
  ordersPlace,
  ordersList,
  ordersCancelAll,
  order,
  orderAmend,
  orderCancel,
  fills,
  balances,
  fees,
  status,
];
