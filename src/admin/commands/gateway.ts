import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ImpError } from '../../platform/errors.ts';
import { faultOfGateway, GATEWAY_TYPES, nameOfGateway } from '../../rpc/presence-engine/configuration.ts';
import { type AnyCommand, command } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { table } from '../table.ts';

/** Presence gateways: where the Presence Engine learns of phones and calendars (docs/services/presence-engine.md). */

const gatewaysShape = z.strictObject({
  gateways: z.array(
    z.strictObject({
      id: z.string(),
      type: z.enum(GATEWAY_TYPES),
      address: z.string().describe('Host name, address or SRV name; of an iCalendar gateway the server alone'),
      description: z.string(),
    }),
  ),
});
type Gateways = z.infer<typeof gatewaysShape>;

async function read({ ids }: Pick<AdminContext, 'ids'>): Promise<Gateways> {
  const rows = await ids.read
    .selectFrom('presencegateway')
    .selectAll()
    .orderBy('type')
    .orderBy('gateway')
    .orderBy('pkid')
    .execute();
  return {
    // URLs of calendars may hold secrets, and whoever may read need not know them.
    gateways: rows.map(({ pkid, type, gateway, description }) => {
      const address = nameOfGateway({ type, address: gateway }).slice(type.length + 1);
      return { id: pkid, type, address, description };
    }),
  };
}

function render({ gateways }: Gateways): string {
  if (gateways.length === 0) return 'there is no presence gateway';
  return table(
    ['ID', 'TYPE', 'ADDRESS', 'DESCRIPTION'],
    gateways.map(({ id, type, address, description }) => [id, type, address, description || '-']),
  );
}

export const gatewayCommands: readonly AnyCommand[] = [
  command({
    words: ['gateway', 'list'],
    summary: 'Shows the presence gateways.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: gatewaysShape,
    run: (context) => read(context),
    render,
  }),
  command({
    words: ['gateway', 'add'],
    summary: 'Adds a presence gateway; of type iCalendar there is one at most.',
    access: 'operate',
    arguments: z.strictObject({
      type: z.enum(GATEWAY_TYPES).describe('CUCM, Exchange, Office 365 or iCalendar'),
      address: z
        .string()
        .min(1)
        .describe(
          'Host name, address or SRV name; of type iCalendar the URL of calendars, with {user}, {mail} or {address}',
        ),
      description: z.string().default('').describe('For people'),
    }),
    positional: ['type', 'address'],
    unlogged: ['address'],
    result: gatewaysShape,
    async run(context, { type, address, description }) {
      const fault = faultOfGateway({ type, address });
      if (fault !== undefined) throw new ImpError('invalid', 'gateway.address', `the address cannot be used: ${fault}`);
      await context.ids.transaction('administrator', async (trx) => {
        const same = trx.selectFrom('presencegateway').select('pkid').where('type', '=', type);
        const found = await (type === 'iCalendar' ? same : same.where('gateway', '=', address)).executeTakeFirst();
        if (found !== undefined) {
          throw new ImpError('conflict', 'gateway.exists', `there is one already: remove ${found.pkid} first`);
        }
        const row = { pkid: randomUUID(), type, gateway: address, description };
        await trx.insertInto('presencegateway').values(row).execute();
      });
      return await read(context);
    },
    render,
  }),
  command({
    words: ['gateway', 'remove'],
    summary: 'Removes a presence gateway.',
    access: 'operate',
    arguments: z.strictObject({ id: z.string().min(1).describe('Its id, as the list shows it') }),
    positional: ['id'],
    result: gatewaysShape,
    async run(context, { id }) {
      await context.ids.transaction('administrator', async (trx) => {
        const { numDeletedRows } = await trx.deleteFrom('presencegateway').where('pkid', '=', id).executeTakeFirst();
        if (numDeletedRows === 0n) throw new ImpError('not-found', 'gateway.unknown', `there is no gateway ${id}`);
      });
      return await read(context);
    },
    render,
  }),
];
