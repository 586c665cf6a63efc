import { GenericContainer, Wait } from 'testcontainers';
import { SMALL_DISK_MB } from '../description.js';
import { IMAGES, type Engine } from './engine.js';
import { runIn } from './server-container.js';

/**
 * A volume for each server. With faults it is a small disk in memory, which an engine drops when no container uses it.
 * So an idle container keeps all of them mounted, and fills them on request.
 */
export class ContainerDisks {
  #holderId = '';
  readonly #engine: Engine;
  readonly #prefix: string;
  readonly #labels: Record<string, string>;
  readonly #isSmall: boolean;

  constructor(engine: Engine, prefix: string, labels: Record<string, string>, isSmall: boolean) {
    this.#engine = engine;
    this.#prefix = prefix;
    this.#labels = labels;
    this.#isSmall = isSmall;
  }

  volumeOf(server: string): string {
    return `${this.#prefix}-${server}`;
  }

  async make(servers: readonly string[]): Promise<void> {
    for (const server of servers) await this.#makeVolume(server);
    if (!this.#isSmall) return;
    const holder = await new GenericContainer(IMAGES.database)
      .withLabels(this.#labels)
      .withAutoCleanup(false)
      .withNetworkMode('none')
      .withBindMounts(
        servers.map((server) => ({ source: this.volumeOf(server), target: dirOf(server), mode: 'rw' as const })),
      )
      .withEntrypoint(['sleep'])
      .withCommand(['infinity'])
      .withWaitStrategy(Wait.forSuccessfulCommand('true'))
      .start();
    this.#holderId = holder.getId();
  }

  async fill(server: string): Promise<void> {
    // The command writes until the disk is full, and that error ends it.
    await this.#run('sh', '-c', `cat /dev/zero > ${dirOf(server)}/filler 2>/dev/null || true`);
  }

  async free(server: string): Promise<void> {
    await this.#run('rm', '-f', `${dirOf(server)}/filler`);
  }

  /** Deletes everything on the disk. No container may use the disk, except the idle one. */
  async clear(server: string): Promise<void> {
    if (this.#isSmall) {
      await this.#run('find', dirOf(server), '-mindepth', '1', '-delete');
      return;
    }
    await this.#engine.getVolume(this.volumeOf(server)).remove();
    await this.#makeVolume(server);
  }

  async #makeVolume(server: string): Promise<void> {
    await this.#engine.createVolume({
      Name: this.volumeOf(server),
      Labels: this.#labels,
      ...(this.#isSmall && {
        Driver: 'local',
        DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: `size=${SMALL_DISK_MB}m` },
      }),
    });
  }

  async #run(...command: string[]): Promise<void> {
    await runIn(this.#engine, this.#holderId, command);
  }
}

const dirOf = (server: string) => `/disks/${server}`;
