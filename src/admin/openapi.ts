import { z } from 'zod';
import { type AnyCommand, isStream } from './command.ts';
import { commands } from './commands.ts';

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly description?: string;
}

const ERRORS = {
  '400': 'An argument is missing or not valid',
  '401': 'Who are you?',
  '403': 'You may not do this',
  '404': 'There is no such thing',
  '409': 'Not now, as things stand',
  '413': 'The body is larger than 64 KiB',
  '429': 'Too many wrong passwords: wait a minute',
  '500': 'Our fault; nothing is told of it',
  '503': 'Something that is needed is away',
} as const;

/** The JSON API as OpenAPI 3.1, out of the declarations: a path per command. */
export function openApiDocument(version: string): object {
  return {
    openapi: '3.1.1',
    info: {
      title: 'imp-gateway administration',
      version,
      description:
        'What an administrator can see or do on a node. Commands that show are GET, those that change are POST. The same commands are `imp …` on the command line.',
    },
    servers: [{ url: '/admin/api' }],
    security: [{ token: [] }, { password: [] }, { session: [], csrf: [] }],
    paths: Object.fromEntries(commands.map((each) => [`/${each.words.join('/')}`, pathOf(each)])),
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'The admin token of the data folder' },
        password: {
          type: 'http',
          scheme: 'basic',
          description: 'An application user of CUCM who administers the node',
        },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-imp-admin', description: 'A session of the console' },
        csrf: {
          type: 'apiKey',
          in: 'header',
          name: 'x-csrf-token',
          description: 'With a session, to change something',
        },
      },
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          additionalProperties: false,
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              additionalProperties: false,
              properties: {
                code: { type: 'string', description: 'Stable, dotted: `service.unknown`' },
                message: { type: 'string', description: 'For people' },
              },
            },
          },
        },
      },
      responses: Object.fromEntries(
        Object.entries(ERRORS).map(([status, description]) => [
          `Error${status}`,
          { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
        ]),
      ),
    },
  };
}

function pathOf(each: AnyCommand): object {
  const given = z.toJSONSchema(each.arguments, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const result = withoutDialect(z.toJSONSchema(each.result, { unrepresentable: 'any' }));
  const type = isStream(each) ? 'application/x-ndjson' : 'application/json';
  const operation = {
    operationId: each.words.join('-'),
    summary: each.summary,
    tags: [each.words[0]],
    ...(each.access === 'read'
      ? { parameters: parametersOf(given) }
      : {
          requestBody: {
            required: (given.required ?? []).length > 0,
            content: { 'application/json': { schema: withoutDialect(given) } },
          },
        }),
    responses: {
      '200': {
        description: isStream(each)
          ? 'A line an object; an error in the middle is a last line {"type":"error"}'
          : 'The answer',
        headers: {
          'x-request-id': { description: 'Found again in the logs and the change feed', schema: { type: 'string' } },
        },
        content: { [type]: { schema: result } },
      },
      ...Object.fromEntries(
        Object.keys(ERRORS).map((status) => [status, { $ref: `#/components/responses/Error${status}` }]),
      ),
    },
  };
  return { [each.access === 'read' ? 'get' : 'post']: operation };
}

function parametersOf({ properties = {}, required = [] }: JsonSchema): object[] {
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }));
}

/** OpenAPI 3.1 names the dialect once for all. */
function withoutDialect(schema: object): object {
  const { $schema: _, ...rest } = schema as { readonly $schema?: string };
  return rest;
}
