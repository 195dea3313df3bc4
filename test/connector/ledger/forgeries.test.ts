import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { isCoded } from '../../../common/errors.ts';
import { strictSend } from '../../sandbox/testing.ts';
import {
  type Fate,
  FORGERIES,
  type Forgery,
  type Hashes,
  renderForgeries,
  SETUPS,
  type Setup,
} from '../forgeries.ts';
import { type SourcesWorld, startSourcesWorld, TRADER } from './sources-world.ts';

const { signal } = new AbortController();
/** So often an answer is asked for after the lie began, with a ledger between: some lies show on the second look. */
const LOOKS = 4;

describe('connector/ledger: forgeries', () => {
  let world: SourcesWorld;
  let hashes: Hashes;
  const send = (operation?: ReturnType<typeof strictSend>): string => {
    const { envelopeXdr, hash } = world.envelope(operation);
    assert.equal(world.sandbox.network.submit(envelopeXdr).status, 'PENDING');
    world.advance(5_000);
    return hash;
  };
  before(async () => {
    world = await startSourcesWorld();
    hashes = {
      good: send(strictSend({ sendAmount: '1' })),
      failed: send(strictSend({ destMin: '999' })),
      late: '',
    };
  });
  after(() => world.stop());
  afterEach(() => void world.sandbox.faults.remove());

  /** What becomes of a lie, seen from outside alone. */
  async function fateOf({ tell, question, fromTheStart }: Forgery, setup: Setup): Promise<Fate> {
    const { servers, quorum } = SETUPS[setup];
    world.advance(5_000);
    const { ledger, isOut } = world.over(servers, quorum);
    const honest = world.over(['horizon-2'], 1).ledger;
    if (!fromTheStart) {
      await ledger.head(signal);
      await ledger.transaction(hashes.good, signal);
      await ledger.account(TRADER, signal);
    }
    tell(world, hashes);
    hashes.late = send(strictSend({ sendAmount: '0.01' }));
    let fate: 'believed' | 'refused' | 'right' = 'refused';
    for (let look = 0; look < LOOKS; look += 1) {
      const truth = await question.ask(honest, hashes, signal);
      const answer = await question.ask(ledger, hashes, signal).catch((error: unknown) => {
        if (!isCoded(error, 'ledger-untrusted', 'ledger-stale', 'network-mismatch', 'ledger-unreachable'))
          throw error;
        return undefined;
      });
      await world.settled();
      const isTrue = answer === truth || (answer !== undefined && question.isTrue?.(answer, world, hashes));
      fate = answer === undefined ? 'refused' : isTrue ? 'right' : 'believed';
      if (fate === 'believed') break;
      if (look < LOOKS - 1) world.advance(4_000);
    }
    await ledger.close();
    return isOut('horizon') && fate !== 'believed' ? `${fate}+` : fate;
  }

  for (const forgery of FORGERIES) {
    for (const setup of Object.keys(SETUPS) as Setup[]) {
      const expected = forgery.expected[setup];
      it(`@security ${forgery.fault}: ${forgery.lie}: ${expected} with ${SETUPS[setup].title}`, async () => {
        assert.equal(await fateOf(forgery, setup), expected);
      });
    }
  }

  it('the page has the table that the tests prove', async () => {
    const page = await readFile(new URL('../../../docs/connector/verification.md', import.meta.url), 'utf8');
    const generated = page.split('<!-- begin generated -->\n')[1]?.split('\n<!-- end generated -->')[0];
    assert.equal(generated?.trim(), renderForgeries());
  });
});
