/** The way in which the servers of a suite run. */
export type TestProvider = 'native' | 'containers';

/**
 * Provider of the suites that run on either one, end to end and faults: the value of ECO_TEST_PROVIDER (native,
 * containers, auto). The default auto uses containers if an engine has their images, and processes otherwise. The
 * choice and its reason are printed on stderr, so that the output of a run shows what was tested.
 */
export async function suiteProvider(): Promise<TestProvider> {
  const asked = process.env['ECO_TEST_PROVIDER'] ?? 'auto';
  if (asked === 'native' || asked === 'containers') return reported(asked, 'ECO_TEST_PROVIDER says so');
  if (asked !== 'auto') throw new Error(`ECO_TEST_PROVIDER is ${asked}: it must be native, containers or auto`);
  const { whyNoContainers } = await import('@eco/cluster/containers');
  const obstacle = await whyNoContainers();
  return obstacle === undefined
    ? reported('containers', 'an engine and the images are there')
    : reported('native', `containers can't be had: ${obstacle}`);
}

/** Provider of the integration specs: processes, unless ECO_TEST_PROVIDER is `containers`. */
export function specProvider(): TestProvider {
  const asked = process.env['ECO_TEST_PROVIDER'];
  return asked === 'containers' ? reported(asked, 'ECO_TEST_PROVIDER says so') : 'native';
}

function reported(provider: TestProvider, reason: string): TestProvider {
  process.stderr.write(`servers of this suite: ${whats[provider]} (${reason})\n`);
  return provider;
}

const whats: Record<TestProvider, string> = { native: 'processes of this machine', containers: 'containers' };
