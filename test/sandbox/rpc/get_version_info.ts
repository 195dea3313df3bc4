import { method } from './method.ts';

export const getVersionInfo = method('getVersionInfo', {}, ({ network }) => ({
  version: 'sandbox',
  commitHash: '',
  buildTimestamp: '',
  captiveCoreVersion: 'sandbox',
  protocolVersion: network.latest.header.version,
}));
