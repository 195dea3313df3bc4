import { method } from './method.ts';

export const getNetwork = method('getNetwork', {}, ({ network }) => ({
  passphrase: network.passphrase,
  protocolVersion: network.latest.header.version,
}));
