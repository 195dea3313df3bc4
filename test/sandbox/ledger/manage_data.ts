import { addSubentries, removeSubentries } from './balances.ts';
import { DONE, type OperationModule } from './operation.ts';
import { isPrintable } from './set_options.ts';

/** ManageDataOp of Stellar-transaction.x in SEP-51 JSON: the name escaped, the value in hex. */
interface Body {
  data_name: string;
  data_value: string | null;
}

export const manageData: OperationModule<Body> = {
  level: () => 'medium',

  check: ({ data_name }) => (data_name !== '' && isPrintable(data_name) ? undefined : 'invalid_name'),

  apply(state, source, { data_name: name, data_value: value }) {
    const data = state.data(source, name);
    if (value === null) {
      if (!data) return { code: 'name_not_found' };
      removeSubentries(state, source, 1);
      state.remove(data);
      return DONE;
    }
    if (!data) {
      const refusal = addSubentries(state, state.account(source)!, 1);
      if (refusal) return { code: refusal };
    }
    state.put({ modified: 0, ...data, type: 'data', owner: source, name, value });
    return DONE;
  },
};
