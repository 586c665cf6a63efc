import { getContainerRuntimeClient, type ContainerRuntimeClient } from 'testcontainers';

/** Images of the servers. Any later release of these series will do; see README. */
export const IMAGES = { broker: 'rabbitmq:4.0-management', database: 'postgres:17.12' } as const;

export type Engine = ContainerRuntimeClient['container']['dockerode'];

/** Throws when no engine answers. */
export async function openEngine(): Promise<Engine> {
  return (await getContainerRuntimeClient()).container.dockerode;
}

/** The reason why containers are not available, in a few words. Undefined: they are available at once. */
export async function whyNoContainers(): Promise<string | undefined> {
  let engine: Engine;
  try {
    engine = await openEngine();
  } catch {
    return 'no Docker engine answers';
  }
  const isThere = async (image: string) =>
    engine
      .getImage(image)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  const images = Object.values(IMAGES);
  const there = await Promise.all(images.map(isThere));
  const missing = images.filter((_, index) => !there[index]);
  return missing.length === 0 ? undefined : `the engine has no ${missing.join(', ')} (docker pull gets it)`;
}
