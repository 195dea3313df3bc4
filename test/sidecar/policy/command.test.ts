import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Asset, Keypair, Operation } from '@stellar/stellar-sdk';
import { policyCommand } from '../../../sidecar/policy/offline/command.ts';
import { PASSPHRASE } from '../signer.ts';
import { buildTransaction, ISSUER, policyYaml, sendSwap, USDC } from '../transactions.ts';
import { ACCOUNT, RICH, USDC_ID } from './fixtures.ts';

const EXAMPLE = 'examples/signingpolicy-market-maker.yaml';

describe('signer policy @security', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'policy-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const run = async (...args: string[]) => {
    const written: Record<'out' | 'err', string[]> = { out: [], err: [] };
    const code = await policyCommand(args, {
      stdout: { write: (text) => written.out.push(text) },
      stderr: { write: (text) => written.err.push(text) },
    });
    return { code, out: written.out.join(''), err: written.err.join('') };
  };
  const policyFile = (spec: Record<string, unknown> = {}, name = 'trading') =>
    file(`${name}.yaml`, policyYaml(ACCOUNT, spec).replace('"name":"trading"', `"name":"${name}"`));

  const examples: [string, string, string][] = [
    [EXAMPLE, 'market-maker', 'spec\\.offers\\[0\\]\\.price'],
    ['examples/signingpolicy.yaml', 'swaps', 'spec\\.swaps\\[0\\]\\.price'],
    ['examples/signingpolicy-full.yaml', 'full', 'spec\\.swaps\\[0\\]\\.price'],
  ];
  for (const [policy, name, place] of examples)
    it(`runs the cases ${name} of the examples: all as expected`, async () => {
      const { code, out } = await run('test', '--policy', policy, '--cases', `examples/cases/${name}.yaml`);
      assert.equal(code, 0, out);
      assert.match(out, new RegExp(`^ok {3}[^:]+: refused by \\S+\\.yaml line \\d+ \\(${place}\\): `, 'm'));
      assert.match(out, /^(\d+) of \1 cases as expected$/m);
      assert.doesNotMatch(out, /FAIL/);
    });

  let cases = 0;
  /** A file of one case. */
  const oneCase = (more: string) =>
    file(`cases${cases++}.yaml`, `account: ${ACCOUNT}\ncases:\n  - name: it\n${more}`);
  const swapText = `{type: pathPaymentStrictSend, sendAsset: XLM, sendMax: "100", destAsset: "${USDC_ID}", destMin: "10"}`;

  it('fails with code 1 when a case comes out otherwise, and says how', async () => {
    const policy = policyFile();
    const wrong: [string, RegExp][] = [
      ['{refuse: memo-not-allowed}', /^FAIL it: allowed \(expected memo-not-allowed\)$/m],
      [
        'allow',
        /^FAIL it: refused by .*trading\.yaml line 1 \(spec\.fees\.perOperation\): fee-too-high at fee: .* \(expected allow\)$/m,
      ],
      [
        '{refuse: memo-not-allowed, field: fee}',
        /^FAIL it: refused .* \(expected memo-not-allowed at fee\)$/m,
      ],
      ['{refuse: fee-too-high, field: source}', /^FAIL it: refused .* \(expected fee-too-high at source\)$/m],
    ];
    for (const [i, [expect, message]] of wrong.entries()) {
      const fee = i === 0 ? '100' : '20001';
      const given = oneCase(
        `    transaction: {fee: "${fee}", operations: [${swapText}]}\n    expect: ${expect}\n`,
      );
      const { code, out } = await run('test', '--policy', policy, '--cases', given);
      assert.equal(code, 1);
      assert.match(out, message);
      assert.match(out, /^0 of 1 cases as expected$/m);
    }
  });

  it('takes an envelope, its time and what was signed before', async () => {
    const envelope = buildTransaction({ account: ACCOUNT }).toXDR();
    const text = `account: ${ACCOUNT}
networkPassphrase: ${PASSPHRASE}
cases:
  - {name: new, time: "${new Date().toISOString()}", envelope: ${envelope}, expect: allow}
  - name: again
    time: "${new Date().toISOString()}"
    envelope: ${envelope}
    earlier: [{ago: 1, envelope: ${envelope}}]
    expect: allow
  - {name: years ago, time: "2020-01-01T00:00:00+01:00", envelope: ${envelope}, expect: {refuse: time-bounds-too-far}}
  - name: spent
    time: "${new Date().toISOString()}"
    envelope: ${envelope}
    earlier: [{ago: 5, transaction: {fee: "50", operations: [${swapText}]}}]
    expect: {refuse: window-exhausted, field: fee}
  - name: too fast
    time: "${new Date().toISOString()}"
    envelope: ${envelope}
    earlier: [{ago: 0, times: 5, transaction: {fee: "0", operations: [${swapText}]}}]
    expect: {refuse: rate-exceeded}
`;
    const policy = policyFile({ signaturesPerSecond: 1, fees: { window: { amount: '149', seconds: 60 } } });
    const { code, out } = await run('test', '--policy', policy, '--cases', file('cases.yaml', text));
    assert.equal(code, 0, out);
  });

  it('bumps what was signed while it can still apply', async () => {
    const one = `transaction: {operations: [${swapText}]}`;
    const given = file(
      'bumps.yaml',
      `account: ${ACCOUNT}
cases:
  - {name: live, ${one}, feeBump: {fee: "300"}, earlier: [{ago: 90, ${one}}], expect: allow}
  - {name: dead, ${one}, feeBump: {fee: "300"}, earlier: [{ago: 91, ${one}}], expect: {refuse: inner-not-signed}}
`,
    );
    const { code, out } = await run('test', '--policy', policyFile(), '--cases', given);
    assert.equal(code, 0, out);
  });

  it('names file, line and field of what is wrong in either file', async () => {
    const given = oneCase('    expect: maybe\n');
    const bad: [string, string, RegExp][] = [
      [policyFile(), given, /cases\d+\.yaml: line 4: cases\[0\]\.expect: must be allow, or /],
      [
        policyFile(),
        oneCase(`    transaction: {fee: 100, operations: [{type: pay}]}\n    memo: x\n    expect: allow\n`),
        /line 4: \S+\.fee: must be a string: write it in quotes; line 4: \S+\.type: must be an operation .*; line 5: cases\[0\]\.memo: is no field/,
      ],
      [policyFile({ swaps: [{}] }, 'empty'), given, /line 1: spec\.swaps\[0\]\.pair: must be given/],
      [policyFile(), file('c.yaml', 'account: [\n'), /c\.yaml: not YAML: .*line 2/s],
      [policyFile({ swap: [] }, 'typo'), given, /typo\.yaml: line 1: spec\.swap: is no field/],
      [join(dir, 'none.yaml'), given, /none\.yaml/],
      [
        policyFile(),
        oneCase('    expect: allow\n'),
        /cases\d+\.yaml: case it: give either envelope or transaction/,
      ],
      [policyFile(), oneCase('    envelope: AAAA\n    expect: allow\n'), /networkPassphrase/],
      [
        policyFile(),
        oneCase('    envelope: AAAA\n    feeBump: {fee: "1"}\n    expect: allow\n'),
        /feeBump goes with transaction/,
      ],
    ];
    for (const [policy, text, message] of bad) {
      const { code, err } = await run('test', '--policy', policy, '--cases', text);
      assert.equal(code, 1);
      assert.match(err, message);
    }
    const twice = policyFile();
    assert.match(
      (await run('explain', '--policy', twice, '--policy', twice)).err,
      /two files hold a policy named trading/,
    );
  });

  it('says what several policies allow together, the worst case and what to look at again', async () => {
    const offers = [
      {
        pair: ['XLM', USDC_ID],
        price: { min: '0.10', max: '0.12' },
        maxAmount: { XLM: '10000000', [USDC_ID]: '10000000' },
        turnover: {
          XLM: { amount: '1000000000000', seconds: 86_400 },
          [USDC_ID]: { amount: '60000000000', seconds: 86_400 },
        },
      },
    ];
    const turned = [{ ...offers[0]!, pair: [USDC_ID, 'XLM'], price: { min: '8', max: '12.5' } }];
    const one = policyFile({ ...RICH, offers }, 'one');
    const two = policyFile(
      { ...RICH, offers: turned, signaturesPerSecond: 2, killSwitch: true, swaps: [] },
      'two',
    );
    const { code, out } = await run('explain', '--policy', one, '--policy', two);
    assert.equal(code, 0);
    assert.match(out, /^Kill switch on: only deletions of offers are signed: two\.$/m);
    assert.match(out, /^Signatures: 2 a second on average, 10 at once\.$/m);
    assert.match(
      out,
      new RegExp(`^Offers of XLM with ${USDC_ID}: 0\\.1 to 0\\.12 USDC for one XLM\\.$`, 'm'),
    );
    assert.match(
      out,
      /^ {2}XLM: at most 1 XLM sold by one, in all 100,000 XLM in 24 h and 100,000 XLM in 24 h\.$/m,
    );
    // Where the market is at 0.12 and all is sold at 0.10. The 6,000 USDC, 50,000 XLM at 0.12, can only lose less.
    assert.match(
      out,
      /in 24 h \(17280 slots\) at most 100,000 XLM and 6,000 USDC .* at most 2,000 USDC are lost .* \(band 0\.02 × 100,000 XLM\)\.$/m,
    );
    // 2 a second, five seconds of a slot and five that were saved up.
    assert.match(out, /filled after every change within it, up to 20 times that\.$/m);
    // 80 XLM an hour to a customer.
    assert.match(out, /in 24 h at most 1,920 XLM are paid to listed destinations\.$/m);
    assert.match(out, /in 24 h at most 50 XLM of fees, and 48\.48 XLM more for deletions/);
    // No window: 2 signatures a second, 100 operations each, 1,000 XLM in one.
    // 72,100,000 USDC hold 721,000,000 XLM of them at 0.1, all of them at 0.08; the band of that pool is 0.12.
    assert.match(
      out,
      /in 1 h at most 721,000,000 XLM and 72,100,000 USDC go into the pool; at most 86,520,000 USDC are lost/,
    );
    assert.match(out, /^Warning: swaps: one lists pairs that another policy does not/m);
    assert.match(out, /^Warning: pools: .* no window for XLM/m);
    assert.match(out, /^Warning: pools: .* a wide collar/m);
    assert.doesNotMatch(out, /^Swaps of/m);
  });

  it('warns of collars that do not meet and of accounts that are none', async () => {
    const apart = (price: { min: string; max: string }, name: string) =>
      policyFile({ offers: [{ ...RICH.offers[0], price }], channels: [`${ISSUER.slice(0, -1)}A`] }, name);
    const { out } = await run(
      ...['explain', '--policy', apart({ min: '1', max: '1.1' }, 'one')],
      ...['--policy', apart({ min: '1.2', max: '1.3' }, 'two')],
    );
    assert.match(out, /^Warning: offers: .* do not meet/m);
    assert.match(out, /^Warning: one: G\S+ is no account/m);
  });

  it('knows that one side alone can lose the band, and warns of what is made or destroyed', async () => {
    const offers = [
      {
        pair: ['XLM', USDC_ID],
        price: { min: '0.10', max: '0.12' },
        maxAmount: { XLM: '10000000', [USDC_ID]: '0' },
        turnover: { XLM: { amount: '1000000000', seconds: 3_600 } },
      },
    ];
    const payments = [
      {
        asset: USDC_ID,
        destinations: [ISSUER],
        maxAmount: '1',
        window: { amount: '1', seconds: 3_600 },
      },
    ];
    const accounts = [ACCOUNT, ISSUER];
    const policy = policyFile({ accounts, offers, payments });
    const { out } = await run('explain', '--policy', policy, '--account', ACCOUNT);
    assert.match(out, /in 1 h \(720 slots\) at most 100 XLM and 0 USDC .* at most 2 USDC are lost/);
    assert.match(out, /^Warning: trading: payments of USDC:G\S+ to its issuer destroy it\.$/m);
    assert.doesNotMatch(out, /out of nothing/);
    assert.match(
      (await run('explain', '--policy', policy, '--account', ISSUER)).out,
      /^Warning: G\S+ issues USDC:G\S+: what it sells or pays of it is made out of nothing\.$/m,
    );
  });

  it('says of an account that no policy names that nothing is signed', async () => {
    const { code, out } = await run('explain', '--policy', policyFile(), '--account', ISSUER);
    assert.equal(code, 1);
    assert.match(out, /nothing is signed for it/);
    const both = policyFile({ accounts: [ACCOUNT, ISSUER] });
    assert.match((await run('explain', '--policy', both)).err, /--account/);
    assert.equal((await run('explain', '--policy', both, '--account', ISSUER)).code, 0);
  });

  it('says which line refuses an envelope', async () => {
    const policy = file('p.yaml', `# one\n${policyYaml(ACCOUNT)}`);
    const ask = async (envelope: string, ...more: string[]) =>
      run('explain', '--policy', policy, '--envelope', envelope, '--network-passphrase', PASSPHRASE, ...more);
    const good = await ask(buildTransaction({ account: ACCOUNT }).toXDR());
    assert.equal(good.code, 0);
    assert.match(good.out, /^The envelope is allowed/m);
    const dear = sendSwap(ACCOUNT, { destMin: '0.5' });
    const bad = await ask(buildTransaction({ account: ACCOUNT, operations: [dear] }).toXDR());
    assert.equal(bad.code, 1);
    assert.match(
      bad.out,
      /refused by \S+p\.yaml line 2 \(spec\.swaps\[0\]\.price\): price-out-of-collar at operations\[0\]: /,
    );
    const never = Operation.createPassiveSellOffer({
      selling: Asset.native(),
      buying: USDC,
      amount: '1',
      price: '1',
    });
    const passive = await ask(buildTransaction({ account: ACCOUNT, operations: [never as never] }).toXDR());
    assert.match(
      passive.out,
      /p\.yaml \(what no policy can allow\): operation-not-allowed .*use manageSellOffer/,
    );
    const foreign = buildTransaction({ account: ACCOUNT });
    foreign.sign(Keypair.random());
    assert.match((await ask(foreign.toXDR())).out, /bad-signature at signatures\[0\]: /);
    assert.match((await ask('AAAA')).out, /refused before any policy: malformed-envelope/);
    const late = await ask(buildTransaction({ account: ACCOUNT }).toXDR(), '--time', '2100-01-01T00:00:00Z');
    assert.match(late.out, /expired at timeBounds\.maxTime/);
    assert.match((await ask('AAAA', '--time', 'noon')).err, /RFC 3339/);
  });

  it('shows how it is called', async () => {
    assert.equal((await run('--help')).code, 0);
    for (const args of [
      ...[[], ['explain'], ['test', '--policy', EXAMPLE], ['tast', '--policy', EXAMPLE]],
      ...[
        ['toString', '--policy', EXAMPLE],
        ['explain', '--policy', EXAMPLE, '--cases', 'x'],
      ],
      ['test', '--policy', EXAMPLE, '--cases', 'x', '--account', ACCOUNT],
    ]) {
      const { code, err } = await run(...args);
      assert.equal(code, 2);
      assert.match(err, /^usage: signer policy test/m);
    }
  });
});
