import assert from 'node:assert/strict';
import fc from 'fast-check';
import { covers, isForbidden, judgedAddress } from '../../../operator/egress/ip.ts';

describe('judging an address', () => {
  const embedded = {
    '::ffff:10.0.0.1': '10.0.0.1',
    '::ffff:a00:1': '10.0.0.1',
    '64:ff9b::a9fe:a9fe': '169.254.169.254',
    '64:ff9b::169.254.169.254': '169.254.169.254',
    '2002:a9fe:a9fe::1': '169.254.169.254',
    '2002:7f00:1::': '127.0.0.1',
  };
  for (const [ip, expected] of Object.entries(embedded)) {
    it(`takes ${ip} for ${expected} @security`, () => assert.equal(judgedAddress(ip), expected));
  }

  it('takes any other address for itself', () => {
    for (const ip of ['10.0.0.1', '2001:db8::1', '64:ff9b:1::1', '::1', 'fe80::1'])
      assert.equal(judgedAddress(ip), ip);
  });

  it('finds every IPv4 address in each of the prefixes, however written', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.boolean(), (ip, dotted) => {
        const bytes = ip.split('.').map(Number);
        const hex = (at: number) => ((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)).toString(16);
        const tail = dotted ? ip : `${hex(0)}:${hex(2)}`;
        assert.equal(judgedAddress(`::ffff:${tail}`), ip);
        assert.equal(judgedAddress(`64:ff9b::${tail}`), ip);
        assert.equal(judgedAddress(`2002:${hex(0)}:${hex(2)}::5`), ip);
      }),
    );
  });
});

describe('forbidden addresses @security', () => {
  for (const ip of [
    '127.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '100.100.100.200',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'ff02::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '192.0.0.192',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:a9fe:a9fe::',
  ]) {
    it(`include ${ip}`, () => assert.ok(isForbidden(ip)));
  }

  it('do not include private or public ones, which a policy decides', () => {
    for (const ip of ['10.0.0.1', '192.168.1.1', '203.0.113.7', '2001:db8::1', 'fd12::1'])
      assert.ok(!isForbidden(ip));
  });
});

describe('a range', () => {
  const cases: [range: string, ip: string, held: boolean][] = [
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['0.0.0.0/0', '10.0.0.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::1', '2001:db8:0:0::1', true],
    ['horizon.example.org', '10.0.0.1', false],
  ];
  for (const [range, ip, held] of cases) {
    it(`${range} ${held ? 'holds' : 'does not hold'} ${ip}`, () => assert.equal(covers(range, ip), held));
  }
});
