/**
 * What the API server does with a structural schema and `render` must do without one: refuse unknown fields and wrong
 * types, and fill in defaults. CEL rules are the API server's alone.
 */

/** The part of a structural schema that this needs; `v1alpha1.gen.ts` holds one for each kind. */
export interface Schema {
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** A copy of `value` with every default of `schema` filled in, in the order of the API server: parents first. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    return schema.items === undefined
      ? value
      : value.map((item) => withDefaults(schema.items as Schema, item));
  }
  if (!isObject(value)) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [field, of] of Object.entries(schema.properties ?? {})) {
    const given = filled[field] ?? structuredClone(of.default);
    if (given === undefined || given === null) delete filled[field];
    else filled[field] = withDefaults(of, given);
  }
  if (schema.additionalProperties !== undefined) {
    for (const field of Object.keys(filled))
      filled[field] = withDefaults(schema.additionalProperties, filled[field]);
  }
  return filled;
}

/** What is wrong with the shape of `value`, one sentence for each fault; each names the field by its path. */
export function faultsOf(schema: Schema, value: unknown, path: string): string[] {
  if (schema['x-kubernetes-int-or-string']) {
    return typeof value === 'string' || Number.isInteger(value)
      ? []
      : [`${path} must be an integer or a string`];
  }
  if (!hasType(schema.type, value)) return [`${path} must be of type ${schema.type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) {
    return [`${path} must be one of ${schema.enum.join(', ')}`];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, at) => faultsOf(schema.items ?? {}, item, `${path}[${at}]`));
  }
  if (!isObject(value) || schema['x-kubernetes-preserve-unknown-fields']) return [];
  const missing = (schema.required ?? []).filter((field) => value[field] === undefined);
  return [
    ...missing.map((field) => `${path}.${field} is required`),
    ...Object.entries(value).flatMap(([field, given]) => {
      const of = schema.properties?.[field] ?? schema.additionalProperties;
      return of === undefined
        ? [`${path}.${field} is not a field of this API`]
        : faultsOf(of, given, `${path}.${field}`);
    }),
  ];
}

function hasType(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === type;
    default:
      return true;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
