import { createKubectl } from '../cluster/kubectl.ts';

export { apply } from '../cluster/kubectl.ts';

/** kubectl on the test cluster; gives its standard output, an error carries its standard error. */
export const kubectl = createKubectl();

/** One object, or a list, as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: plain JSON of the API, asserted on by its readers
export const get = async (...args: string[]): Promise<any> =>
  JSON.parse(await kubectl(['get', ...args, '-o', 'json']));
