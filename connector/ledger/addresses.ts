import { isIP } from 'node:net';
import * as z from 'zod';
import { parseJsonFile } from '../config.ts';

const addressesFile = z.strictObject({
  hosts: z.record(
    z.string(),
    z.array(z.string().refine((text) => isIP(text) !== 0, 'must be an IP address')).min(1),
  ),
});

/** Host names to the addresses that the operator resolved for them. The pod itself never resolves a name. */
export type Addresses = Readonly<Record<string, readonly string[]>>;

/**
 * Parses the addresses file, `{"hosts": {"<host>": ["<ip>", …]}}`.
 * @throws `config-invalid`
 */
export const parseAddresses = (text: string): Addresses =>
  parseJsonFile(addressesFile, text, 'the addresses file').hosts;
