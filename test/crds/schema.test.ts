import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { faultsOf } from '../../operator/api/schema.ts';
import { signingPolicySchema, stellarConnectorSchema } from '../../operator/api/v1alpha1.gen.ts';
import { generate } from '../../scripts/generate-crd-types.ts';
import { badExamples } from './bad.ts';
import { good } from './good.ts';
import { places, rulesOf } from './rules.ts';

/** A path of the API server in the notation of `rules`: any index or key becomes `[]`. */
const general = (at: string) => at.replaceAll(/\[[^\]]*\]/g, '[]');

const everywhere = places();
const rules = rulesOf(everywhere);

describe('the CRDs', () => {
  it('have a description on every field', () => {
    // The API server forbids a description of metadata, which it describes itself.
    const bare = everywhere.filter(
      ({ path, schema }) => path !== 'metadata' && !/\w.*\.$/.test(schema.description ?? ''),
    );
    assert.deepEqual(
      bare.map(({ kind, path }) => `${kind} ${path}`),
      [],
    );
  });

  it('bound every string, list and map, on which the cost of the rules depends', () => {
    type Bounds = { maxLength?: number; maxItems?: number; maxProperties?: number };
    const unbounded = everywhere.filter(({ path, schema }) => {
      const bounds: Bounds = schema as Bounds;
      if (path === 'apiVersion' || path === 'kind') return false;
      if (schema.type === 'string') return schema.enum === undefined && bounds.maxLength === undefined;
      if (schema.type === 'array') return bounds.maxItems === undefined;
      return schema.additionalProperties !== undefined && bounds.maxProperties === undefined;
    });
    assert.deepEqual(
      unbounded.map(({ kind, path }) => `${kind} ${path}`),
      [],
    );
  });

  it('have a bad example for every CEL rule', () => {
    const uncovered = rules.filter(
      ({ kind, path, message }) =>
        !badExamples.some(
          ({ object, at, says }) => object.kind === kind && general(at) === path && message.includes(says),
        ),
    );
    assert.deepEqual(
      uncovered.map(({ kind, path, message }) => `${kind} ${path}: ${message}`),
      [],
    );
  });

  it('have a rule for every bad example', () => {
    const stray = badExamples.filter(
      ({ object, at, says }) =>
        rules.filter(
          ({ kind, path, message }) => kind === object.kind && path === general(at) && message.includes(says),
        ).length !== 1,
    );
    assert.deepEqual(
      stray.map(({ title }) => title),
      [],
    );
  });

  it('are what the generated files say', () => {
    for (const { path, content } of generate()) {
      assert.ok(
        existsSync(path) && readFileSync(path, 'utf8') === content,
        `${path} is out of date: run make generate`,
      );
    }
  });
});

describe('the shape check that render does without an API server', () => {
  for (const [title, object] of Object.entries(good)) {
    it(`accepts ${title}`, () => {
      const schema = object.kind === 'StellarConnector' ? stellarConnectorSchema : signingPolicySchema;
      assert.deepEqual(faultsOf(schema, object.spec, 'spec'), []);
    });
  }
});
