import { startTestCluster, suiteProvider, type TestCluster } from '@eco/testing';

declare global {
  var ecoSystem: TestCluster | undefined;
}

/** Starts the whole system as `npm start` does, on free ports. A service that a test kills is restarted. */
export default async function start(): Promise<void> {
  const system = await startTestCluster({}, { provider: await suiteProvider() });
  system.supervise(() => undefined);
  globalThis.ecoSystem = system;
  process.env['E2E_DATA_DIR'] = system.dataDir;
}
