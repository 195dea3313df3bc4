import { type Crd, readCrds, type Schema, schemaOf } from '../../scripts/generate-crd-types.ts';

/** One place of a schema; `[]` in the path stands for any element of a list or map, the root is the empty path. */
export interface Place {
  kind: string;
  path: string;
  schema: Schema;
}

/** One CEL rule of one place. */
export interface Rule {
  kind: string;
  path: string;
  rule: string;
  message: string;
}

/** Every schema within the CRDs. */
export function places(crds: readonly Crd[] = readCrds()): Place[] {
  return crds.flatMap((crd) => within(crd.spec.names.kind, '', schemaOf(crd)));
}

function within(kind: string, path: string, schema: Schema): Place[] {
  const fields = Object.entries(schema.properties ?? {});
  const element = schema.items ?? schema.additionalProperties;
  return [
    { kind, path, schema },
    ...fields.flatMap(([field, of]) => within(kind, path === '' ? field : `${path}.${field}`, of)),
    ...(element === undefined ? [] : within(kind, `${path}[]`, element)),
  ];
}

/** Every CEL rule of these places. */
export function rulesOf(found: readonly Place[]): Rule[] {
  return found.flatMap(({ kind, path, schema }) =>
    (schema['x-kubernetes-validations'] ?? []).map(({ rule, message }) => ({ kind, path, rule, message })),
  );
}
