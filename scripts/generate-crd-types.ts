/**
 * What `make generate` makes from `crds/*.yaml`: TypeScript types whose doc comments are the descriptions, the schemas
 * as data (from which defaults are filled in where no API server does it), and the chart's copy of the CRDs.
 *
 * The types describe objects as the API server returns them: a field with a default is there.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The part of a structural schema that we use. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

export interface Crd {
  metadata: { name: string };
  spec: {
    names: { kind: string; plural: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

/** Every CRD of `crds/`, in the order of the file names. */
export function readCrds(): Crd[] {
  return crdFiles().map((path) => parse(readFileSync(path, 'utf8')) as Crd);
}

/** The generated files; paths are relative to the project's root, from which this runs. */
export function generate(): { path: string; content: string }[] {
  return [
    { path: 'operator/api/v1alpha1.gen.ts', content: types(readCrds()) },
    ...crdFiles().map((path) => ({
      path: `charts/stellar-connector-operator/files/${path}`,
      content: readFileSync(path, 'utf8'),
    })),
  ];
}

function crdFiles(): string[] {
  return readdirSync('crds')
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => `crds/${name}`);
}

/** The schema of the one version that a CRD has. */
export function schemaOf(crd: Crd): Schema {
  const [version] = crd.spec.versions;
  if (version === undefined) throw new Error(`${crd.metadata.name} has no version`);
  return version.schema.openAPIV3Schema;
}

/** The text of the file of types. */
function types(crds: readonly Crd[]): string {
  const head = [
    '// Generated from crds/*.yaml by scripts/generate-crd-types.ts. Do not edit; run `make generate`.',
    "import type { ObjectMeta } from '../kube/resource.ts';",
    "import type { Schema } from './schema.ts';",
  ];
  return `${[head.join('\n'), ...crds.flatMap(declarations)].join('\n\n')}\n`;
}

/** The types of one kind (named after the path to them) and its schema. */
function declarations(crd: Crd): string[] {
  const { kind } = crd.spec.names;
  const schema = schemaOf(crd);
  const found: string[] = [];
  const { spec, status } = schema.properties ?? {};
  if (spec === undefined || status === undefined) throw new Error(`${kind} needs spec and status`);
  const specType = typeOf(spec, `${kind}Spec`, found);
  const statusType = typeOf(status, `${kind}Status`, found);
  const top = [
    doc(schema.description, ''),
    `export interface ${kind} {`,
    "  apiVersion: 'stellar-connector.io/v1alpha1';",
    `  kind: '${kind}';`,
    '  metadata: ObjectMeta;',
    `${doc(spec.description, '  ')}\n  spec: ${specType};`,
    `${doc(status.description, '  ')}\n  status?: ${statusType};`,
    '}',
  ].join('\n');
  const data = `export const ${kind[0]?.toLowerCase()}${kind.slice(1)}Schema: Schema = ${JSON.stringify(slim(spec), null, 2)};`;
  return [top, ...found, `/** The shape and the defaults of \`${kind}.spec\`. */\n${data}`];
}

/** The TypeScript type of a schema; objects become interfaces called `name`, added to `found`. */
function typeOf(schema: Schema, name: string, found: string[]): string {
  if (schema['x-kubernetes-int-or-string']) return 'number | string';
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array': {
      const item = typeOf(schema.items ?? {}, singular(name), found);
      return /^\w+$/.test(item) ? `${item}[]` : `(${item})[]`;
    }
    case 'object':
      if (schema.additionalProperties)
        return `Record<string, ${typeOf(schema.additionalProperties, singular(name), found)}>`;
      if (schema['x-kubernetes-preserve-unknown-fields']) return 'Record<string, unknown>';
      if (schema.properties) return declare(schema, name, found);
      return 'Record<string, never>';
    default:
      throw new Error(`${name}: no type for ${JSON.stringify(schema)}`);
  }
}

/** Adds the interface of an object schema, before those of its fields, and returns its name. */
function declare(schema: Schema, name: string, found: string[]): string {
  const place = found.push('') - 1;
  const fields = Object.entries(schema.properties ?? {}).map(([field, of]) => {
    const present = schema.required?.includes(field) || of.default !== undefined;
    const type = typeOf(of, `${name}${field[0]?.toUpperCase()}${field.slice(1)}`, found);
    return `${doc(of.description, '  ')}\n  ${field}${present ? '' : '?'}: ${type};`;
  });
  found[place] = `${doc(schema.description, '')}\nexport interface ${name} {\n${fields.join('\n')}\n}`;
  return name;
}

/** The name of one element of a list or map. */
function singular(name: string): string {
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`;
  if (name.endsWith('sses')) return name.slice(0, -2);
  return name.endsWith('s') ? name.slice(0, -1) : `${name}Item`;
}

function doc(text: string | undefined, indent: string): string {
  return `${indent}/** ${text ?? ''} */`;
}

/** What filling in defaults and checking the shape needs: no descriptions, no bounds, no rules. */
function slim(schema: Schema): Schema {
  const { type, enum: values, required, properties, items, additionalProperties } = schema;
  return {
    ...(schema['x-kubernetes-int-or-string'] ? { 'x-kubernetes-int-or-string': true } : {}),
    ...(schema['x-kubernetes-preserve-unknown-fields']
      ? { 'x-kubernetes-preserve-unknown-fields': true }
      : {}),
    ...(type ? { type } : {}),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(values ? { enum: values } : {}),
    ...(required ? { required } : {}),
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([field, of]) => [field, slim(of)])) }
      : {}),
    ...(items ? { items: slim(items) } : {}),
    ...(additionalProperties ? { additionalProperties: slim(additionalProperties) } : {}),
  };
}
