/**
 * `npm run test:compose`: builds and starts what compose.yaml describes, without a container engine, cuts a link inside the demo,
 * and waits for the page at the pager; then plays the demo's own scenario in a container of that image. Needs root, and npm's
 * registry for the image.
 */
import { ensure } from '../../src/lab/ensure.ts';
import { EngineContainer } from '../container/engine.ts';
import { enterOwnNetwork, until } from '../system/harness.ts';
import { readCompose } from './file.ts';
import { Stack } from './stack.ts';

const started = performance.now();
const say = (text: string) => console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);

/** Cuts or plugs eth1's cable in the network that the demo has made inside its container. */
function cable(demo: EngineContainer, state: 'up' | 'down'): void {
  const lab = /fl-\d+-\d+/.exec(demo.exec('ip', 'netns').output)?.[0];
  const { status, output } = demo.exec('ip', '-n', `${lab}-tor1`, 'link', 'set', 'lb', state);
  if (status !== 0) throw new Error(`no link to cut in the demo: ${output}\n${demo.output}`);
}

async function main(): Promise<void> {
  ensure(['iproute2', 'nftables', 'prometheus', 'prometheus-alertmanager', 'wget']);
  const { services } = readCompose();
  const stack = new Stack(services);
  try {
    stack.build();
    say('image built');
    enterOwnNetwork();
    await stack.up();
    say(
      `healthy: ${stack.names.join(', ')}; left out: ${Object.keys(services)
        .filter((s) => !stack.names.includes(s))
        .join(', ')}`,
    );
    const [demo, pager] = [stack.container('demo'), stack.container('pager')];
    const scraped = 'http://127.0.0.1:9090/api/v1/query?query=fourlane_build_info';
    await until('Prometheus has scraped the demo', 30_000, () =>
      stack.container('prometheus').exec('wget', '-qO-', scraped).output.includes('"lab-lb"'),
    );
    say('scraped');
    cable(demo, 'down');
    say('link of eth1 cut');
    const page = await until('a page', 90_000, () => /^PAGE FourlaneNicFault: .*$/m.exec(pager.output)?.[0]);
    say(page);
    cable(demo, 'up');
    const scenario = new EngineContainer(
      stack.options('demo', ['node', 'src/cli/fourlane.mjs', 'demo', '--scenario', 'link-cut', '--quiet']),
    );
    const status = await scenario.end();
    await scenario.kill();
    if (status !== 0 || !scenario.output.endsWith('As expected.\n')) throw new Error(`the scenario failed:\n${scenario.output}`);
    say(`scenario link-cut: ${/^verdict +(.*)$/m.exec(scenario.output)![1]}; as expected`);
  } finally {
    await stack.down();
  }
}

await main();
console.log('compose: 1 passed, 0 failed');
