/** The demo's second act, inside the node's namespaces: install, swap, and what the pod can reach. */
import { command } from './command.ts';
import { gatewayEndpoint, install, NAME, NAMESPACE } from './install.ts';
import { kubectl } from './kubectl.ts';
import { breaches, reachTable } from './reach.ts';
import { quoteAndSwap } from './trade.ts';

/** When the demo began (milliseconds since 1970), so that its lines go on counting from there. */
const started = Number(process.argv[2] ?? Date.now());
const say = (line: string): void =>
  console.log(`[${((Date.now() - started) / 1000).toFixed(0).padStart(3)} s] ${line}`);

await command('demo', async () => {
  const { horizon, market } = await install(say);
  say('kubectl get slc, pods:');
  console.log(await kubectl(['get', 'slc,pods', '-n', NAMESPACE]));
  const { hash } = await quoteAndSwap(await gatewayEndpoint(), horizon, market, say);
  say("the transaction's hash:");
  console.log(hash);
  say(`what ${NAME}-0 reaches, beside a pod without a policy:`);
  const rows = await reachTable();
  console.log(`  ${''.padEnd(62)} ${'no policy'.padEnd(10)} ${'connector'.padEnd(14)} signer`);
  for (const { what, target, withoutPolicy, connector, signer } of rows) {
    console.log(
      `  ${`${what} (${target})`.padEnd(62)} ${withoutPolicy.padEnd(10)} ${connector.padEnd(14)} ${signer}`,
    );
  }
  const wrong = breaches(rows);
  if (wrong.length > 0) throw new Error(`the pod is not as pinned as it should be:\n  ${wrong.join('\n  ')}`);
  say('done. `make demo-down` stops it all. To look around:');
  console.log(
    '  node_modules/.bin/node test/cluster/main.ts --state .state/demo-cluster exec -- kubectl get all -A',
  );
});
