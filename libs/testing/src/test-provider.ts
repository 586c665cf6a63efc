/** As what the servers of a suite run. */
export type TestProvider = 'native' | 'containers';

/**
 * For suites that run unchanged on either, end to end and faults: what ECO_TEST_PROVIDER says (native, containers, auto);
 * auto, which is the default, takes containers where an engine has their images, else processes. Says which, and why,
 * on stderr: whoever reads a run's output has to know what it was a run of.
 */
export async function suiteProvider(): Promise<TestProvider> {
  const asked = process.env['ECO_TEST_PROVIDER'] ?? 'auto';
  if (asked === 'native' || asked === 'containers') return tell(asked, 'ECO_TEST_PROVIDER says so');
  if (asked !== 'auto') throw new Error(`ECO_TEST_PROVIDER is ${asked}: it must be native, containers or auto`);
  const { whyNoContainers } = await import('@eco/cluster/containers');
  const obstacle = await whyNoContainers();
  return obstacle === undefined
    ? tell('containers', 'an engine and the images are there')
    : tell('native', `containers can't be had: ${obstacle}`);
}

function tell(provider: TestProvider, reason: string): TestProvider {
  process.stderr.write(`servers of this suite: ${whats[provider]} (${reason})\n`);
  return provider;
}

const whats: Record<TestProvider, string> = { native: 'processes of this machine', containers: 'containers' };
