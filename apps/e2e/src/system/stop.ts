export default async function stop(): Promise<void> {
  await globalThis.ecoSystem?.destroy();
  await globalThis.ecoCollector?.stop();
}
