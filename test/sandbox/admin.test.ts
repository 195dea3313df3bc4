import assert from 'node:assert/strict';
import { useWorld } from './faults/testing.ts';
import { keyOf, trader } from './testing.ts';

describe('the control interface', function () {
  this.timeout(10_000);
  const world = useWorld();

  type Body = Record<string, unknown>;
  async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> {
    const answer = await fetch(world.sandbox.info.admin + path, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Body };
  }

  it('closes as many ledgers as it is told', async () => {
    const before = world.sandbox.network.latest.sequence;
    assert.equal((await ask('POST', '/close')).body.ledger, before + 1);
    assert.equal((await ask('POST', '/close?n=3')).body.ledger, before + 4);
  });

  it('changes what a ledger takes and costs, and names what it does not know', async () => {
    assert.equal((await ask('POST', '/upgrade?maxTxSetSize=70&baseFee=150')).status, 200);
    await ask('POST', '/close');
    const { maxTxSetSize, baseFee } = world.sandbox.network.state.header;
    assert.deepEqual([maxTxSetSize, baseFee], [70, 150n]);
    await ask('POST', '/upgrade?maxTxSetSize=1000&baseFee=100');
    await ask('POST', '/close');
    const refused: [query: string, field: string][] = [
      ['baseFee=0', 'baseFee'],
      ['maxTxSetSize=few', 'maxTxSetSize'],
      ['colour=1', 'colour'],
    ];
    for (const [query, field] of refused) {
      const { status, body } = await ask('POST', `/upgrade?${query}`);
      assert.deepEqual([status, body.field], [400, field]);
    }
  });

  it('stops and starts the timer, and tells the state', async () => {
    assert.equal((await ask('POST', '/pause')).body.paused, true);
    assert.equal((await ask('POST', '/resume')).body.paused, false);
    const { accounts } = (await ask('GET', '/state')).body as { accounts: { address: string }[] };
    assert.ok(accounts.some(({ address }) => address === trader.publicKey()));
  });

  it('gives lumens, as does Horizon', async () => {
    const [first, second] = [keyOf('first').publicKey(), keyOf('second').publicKey()];
    const { body } = await world.closing(ask('POST', `/friendbot?addr=${first}`));
    assert.equal(world.sandbox.network.transaction(body.hash as string)?.ledger, body.ledger);
    const answer = await world.closing(world.server().friendbot(second).call());
    assert.equal((answer as { successful?: boolean }).successful, true);
    const [native] = (await world.server('horizon-2').loadAccount(second)).balances;
    assert.equal(native?.balance, '10000.0000000');
    const again = await ask('POST', `/friendbot?addr=${second}`);
    assert.deepEqual([again.status, again.body.field], [400, 'addr']);
    const refused = await fetch(`${world.url('horizon')}/friendbot?addr=${second}`);
    assert.equal(refused.status, 400);
    assert.match(((await refused.json()) as { detail: string }).detail, /already funded/);
    assert.equal((await fetch(`${world.url('horizon')}/friendbot?addr=G`)).status, 400);
  });

  it('gives the network as a snapshot', async () => {
    const { body } = await ask('GET', '/snapshot');
    assert.equal(body.passphrase, world.sandbox.network.passphrase);
    assert.equal((body.entries as unknown[]).length, [...world.sandbox.network.state.entries()].length);
  });

  it('switches faults on, tells of them, and switches them off', async () => {
    const account = trader.publicKey();
    const lie = { kind: 'forge_account', account, balance: '1.5000000', asset: 'native', sequence: '7' };
    const { body } = await ask('POST', '/faults', { endpoint: 'horizon-2', fault: lie });
    const { id: everywhere } = (await ask('POST', '/faults', { fault: { kind: 'pause' } })).body;
    assert.equal(world.sandbox.network.paused, true);
    const list = (await ask('GET', '/faults')).body as unknown as Body[];
    assert.deepEqual(
      list.map(({ id, endpoint, fault }) => ({ id, endpoint, fault })),
      [
        { id: body.id, endpoint: 'horizon-2', fault: lie },
        { id: everywhere, endpoint: undefined, fault: { kind: 'pause' } },
      ],
    );
    assert.equal((await world.server('horizon-2').loadAccount(account)).sequence, '7');
    assert.equal((await ask('DELETE', `/faults/${body.id}`)).status, 200);
    assert.equal((await ask('DELETE', `/faults/${body.id}`)).status, 404);
    assert.notEqual((await world.server('horizon-2').loadAccount(account)).sequence, '7');
    assert.equal((await ask('DELETE', '/faults')).body.removed, true);
    assert.equal(world.sandbox.network.paused, false);
  });

  for (const [what, path, body, field] of [
    ['no number', '/close?n=x', undefined, 'n'],
    ['too many', '/close?n=100000', undefined, 'n'],
    ['no address', '/friendbot?addr=GABC', undefined, 'addr'],
    ['no JSON', '/faults', '{', 'body'],
    ['no fault', '/faults', {}, 'fault'],
    ['an unknown kind', '/faults', { fault: { kind: 'fire' } }, 'fault.kind'],
    ['an unknown endpoint', '/faults', { endpoint: 'x', fault: { kind: 'pause' } }, 'endpoint'],
    ['an unknown field', '/faults', { fault: { kind: 'pause', ms: 1 } }, 'fault.ms'],
    ['a bad pattern', '/faults', { fault: { kind: 'html', path: '^(' } }, 'fault.path'],
    [
      'a bad amount',
      '/faults',
      { fault: { kind: 'forge_account', account: trader.publicKey(), balance: 'x' } },
      'fault.balance',
    ],
  ] as const) {
    it(`names the field that is wrong: ${what}`, async () => {
      const answer = await ask('POST', path, body);
      assert.deepEqual([answer.status, answer.body.field], [400, field]);
    });
  }

  it('names what it has for what it does not know', async () => {
    const { status, body } = await ask('GET', '/close');
    assert.equal(status, 404);
    assert.match(String(body.error), /POST \/close/);
  });
});
