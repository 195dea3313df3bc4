import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type * as z from 'zod';
import {
  connectorFile,
  environment,
  limits,
  loadEnvironment,
  parseConnectorFile,
  requireAddresses,
} from '../../connector/config.ts';
import { connectorError, ERROR_CODES, errorRow } from '../../connector/errors.ts';
import { createMetrics } from '../../connector/metrics.ts';
import { render } from '../../operator/render.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const CONFIGURATION = read('docs/connector/configuration.md');
const METRICS = read('docs/metrics-and-events.md');

/** Each fenced block of that language. */
const blocks = (page: string, language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text]) => text!);

/** The cells of each row of all tables below that heading. */
function rowsOf(page: string, heading: string): string[][] {
  const section = page.split(/^(?=#+ )/m).find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section, `no heading ${heading}`);
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .slice(1)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

const names = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, it]) => it!);

// biome-ignore lint/suspicious/noExplicitAny: zod's own description of a schema
type Def = any;

/** Every field that may be written, as `horizon.endpoints[].url`, and whether it must be. */
function fieldsOf(schema: z.ZodType, path = '', optional = false): [string, boolean][] {
  const def = schema.def as Def;
  if (def.innerType) return fieldsOf(def.innerType, path, true);
  if (def.type === 'pipe') return fieldsOf(def.in, path, optional);
  if (def.type === 'array') {
    const inner = fieldsOf(def.element, `${path}[]`, optional);
    return inner.length > 1 ? inner : [[path, optional]];
  }
  if (def.type !== 'object') return [[path, optional]];
  return Object.entries(def.shape as Record<string, z.ZodType>).flatMap(([name, field]) =>
    fieldsOf(field, path === '' ? name : `${path}.${name}`),
  );
}

describe('connector: its pages', () => {
  const yaml = blocks(CONFIGURATION, 'yaml');
  const [whole] = yaml;

  it('show a file that is taken as it stands, with an address for every server', () => {
    const file = parseConnectorFile(whole!, 'configuration.md');
    requireAddresses({ ADDRESSES_FILE: undefined }, file);
    assert.equal(file.horizon.quorum, 2);
    assert.ok(file.rpc && file.channelAccounts.length > 0 && file.gateway.clients.length > 0);
  });

  it('show an environment that is taken as it stands', () => {
    const [shell] = blocks(CONFIGURATION, 'sh');
    const variables = [...shell!.matchAll(/^\s*(STELLAR_\w+)=(\S+)/gm)].map(([, name, value]) => [
      name!,
      value!,
    ]);
    assert.ok(loadEnvironment(Object.fromEntries(variables)).CONFIG_FILE);
  });

  it('name every variable, and no other', () => {
    const rows = rowsOf(CONFIGURATION, '## Variables');
    const documented = rows.map(([name, given]) => [names(name)[0], given !== 'must be given']);
    const shape = Object.entries(environment.shape as Record<string, z.ZodType>);
    const real = shape.map(([name, field]) => [`STELLAR_${name}`, field.safeParse(undefined).success]);
    assert.deepEqual(documented.sort(), real.sort());
  });

  it('name every field of the file and no other, and those that must be given', () => {
    const documented = rowsOf(CONFIGURATION, '## The file').map(([name, given]) => [
      names(name)[0]!,
      given !== 'must be given',
    ]);
    const real = fieldsOf(connectorFile);
    assert.deepEqual(documented.sort(), real.sort());
  });

  it('give the defaults that are in force', () => {
    const least = `network: testnet
networkPassphrase: Test SDF Network ; September 2015
account: GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H
horizon: {endpoints: [{url: https://h.test}]}
markets: [{base: XLM, quote: "USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB"}]`;
    const file = parseConnectorFile(least, 'least');
    const at = (path: string): unknown => path.split('.').reduce((it: Def, key) => it?.[key], file);
    for (const [name, given] of rowsOf(CONFIGURATION, '## The file')) {
      const field = names(name)[0]!;
      if (given === 'must be given' || field.includes('[]')) continue;
      const value = at(field);
      const shown = Array.isArray(value) || value === undefined ? 'none' : String(value);
      assert.equal(given, shown, field);
    }
  });

  it('have every error with its codes and its status, and no other', () => {
    const documented = rowsOf(read('docs/connector.md'), '## Errors').map(([codes, gateway, status]) => [
      names(codes)[0],
      names(gateway)[0],
      Number(status),
    ]);
    const real = ERROR_CODES.map((code) => {
      const { gatewayCode, status } = errorRow(connectorError(code, ''));
      return [code, gatewayCode, status];
    });
    assert.deepEqual(documented.sort(), real.sort());
  });

  it('have every metric and no other', async () => {
    const real = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
    const own = real.filter((name) => name.startsWith('stellar_connector_'));
    assert.deepEqual([...new Set(METRICS.match(/stellar_connector_\w+/g))].sort(), own.sort());
  });

  it('have every event of the log and no other', () => {
    const sources = globSync('connector/**/*.ts').map(read).join('\n');
    const logged = [...sources.matchAll(/log\.\w+\(\s*\{[^;]*?event: '([a-z-]+)'/g)].map(
      ([, event]) => event!,
    );
    const documented = rowsOf(METRICS, '### Of the connector').flatMap(([event]) => names(event));
    assert.ok(logged.length > 15);
    // By the name of the observation (connector/rooms.ts).
    logged.push('submitted', 'looked-up');
    assert.deepEqual([...new Set(documented)].sort(), [...new Set(logged)].sort());
  });

  for (const name of ['', '-full']) {
    it(`take what the operator makes of examples/stellarconnector${name}.yaml`, async () => {
      let [out, err] = ['', ''];
      const files = [`examples/signingpolicy${name}.yaml`, `examples/stellarconnector${name}.yaml`];
      const code = await render(
        files.flatMap((file) => ['-f', file]),
        {
          stdout: { write: (text) => (out += text) },
          stderr: { write: (text) => (err += text) },
          env: { STELLAR_CONNECTOR_IMAGE: 'connector:1', STELLAR_SIGNER_IMAGE: 'signer:1' },
        },
      );
      assert.deepEqual([code, err], [0, '']);
      const children = parseAllDocuments(out).map((document) => document.toJS());
      const data = (map: string): Record<string, string> =>
        children.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === `market-maker-${map}`)
          .data;
      const file = parseConnectorFile(data('config')['connector.yaml']!, name);
      const { hosts } = JSON.parse(data('addresses')['addresses.json']!);
      const servers = [...file.horizon.endpoints, ...(file.rpc?.endpoints ?? [])];
      assert.deepEqual(Object.keys(hosts).sort(), servers.map(({ url }) => new URL(url).hostname).sort());
      assert.ok(limits.parse(JSON.parse(data('addresses')['limits.json']!)).window);
    });
  }
});
