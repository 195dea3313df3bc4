import * as z from 'zod';

/** What the document says of a route: the same schemas that check its input. */
export interface DescribedRoute {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Express' form: `/tokens/:symbolOrAddress`. */
  path: string;
  /** One line. */
  summary?: string | undefined;
  params?: z.ZodType | undefined;
  query?: z.ZodType | undefined;
  body?: z.ZodType | undefined;
  /** JSON of the answer with status 200. */
  result?: z.ZodType | undefined;
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  required?: string[];
  [keyword: string]: unknown;
}

/**
 * The OpenAPI 3.1 document of a route table. `error` is the schema of every other answer. Schemas are written as the
 * input is sent (before any transformation).
 */
export function openApi(
  info: { title: string; version: string; description?: string },
  routes: readonly DescribedRoute[],
  error: z.ZodType,
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([A-Za-z]+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info,
    paths,
    components: { schemas: { Error: jsonSchema(error) } },
  };
}

function operation({ method, path, summary, params, query, body, result }: DescribedRoute): object {
  return {
    operationId: `${method}${path.replace(/[^A-Za-z]+(.)?/g, (_all, next = '') => next.toUpperCase())}`,
    ...(summary === undefined ? {} : { summary }),
    parameters: [...parameters('path', params), ...parameters('query', query)],
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(jsonSchema(body)) } }),
    responses: {
      200: {
        description: 'Done',
        ...(result === undefined ? {} : { content: json(jsonSchema(result)) }),
      },
      default: {
        description: 'Refused or failed',
        content: json({ $ref: '#/components/schemas/Error' }),
      },
    },
  };
}

function parameters(place: 'path' | 'query', schema: z.ZodType | undefined): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema);
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

const json = (schema: object): object => ({ 'application/json': { schema } });

function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest as JsonSchema;
}
