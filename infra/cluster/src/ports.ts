import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import net from 'node:net';
import { promisify } from 'node:util';
import { HOST } from './layout.js';

/**
 * The range of free ports is below 32768. Above that, systems assign ports to outgoing connections, so a free port
 * could be taken before its server listens. Ports are reserved in blocks by listening on a block's first port, so that
 * clusters that start at the same time choose different ones.
 */
const FREE_FROM = 26_000;
const FREE_TO = 32_000;
const BLOCK = 64;

export interface ReservedPorts {
  readonly ports: readonly number[];
  /** Releases the ports for other callers. */
  release(): void;
}

/** Different ports on which nothing listens, reserved until they are released or this process ends. */
export async function reserveFreePorts(count: number): Promise<ReservedPorts> {
  const blocks = Array.from(
    { length: Math.floor((FREE_TO - FREE_FROM) / BLOCK) },
    (_, index) => FREE_FROM + index * BLOCK,
  );
  const offset = Math.floor(Math.random() * blocks.length);
  for (const block of [...blocks.slice(offset), ...blocks.slice(0, offset)]) {
    const lock = await listen(block);
    if (!lock) continue;
    lock.unref();
    const candidates = Array.from({ length: BLOCK - 1 }, (_, index) => block + 1 + index);
    const free: number[] = [];
    for (const port of candidates) if (free.length < count && (await isFree(port))) free.push(port);
    if (free.length === count) return { ports: free, release: () => void lock.close() };
    lock.close();
  }
  throw new Error(`there are no ${count} free ports together from ${FREE_FROM} to ${FREE_TO}`);
}

/** Whether the port is free on the loopback address. */
export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (!server) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

function listen(port: number): Promise<net.Server | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}

/** Whether a process listens on the port. */
export function isListening(port: number, host: string = HOST): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    const done = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.setTimeout(1000, () => done(false));
  });
}

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/** The process that listens on a port, as far as this user may know. */
export async function holderOf(port: number): Promise<PortHolder | undefined> {
  try {
    return process.platform === 'linux' ? await holderByProc(port) : await holderByLsof(port);
  } catch {
    return undefined;
  }
}

async function holderByProc(port: number): Promise<PortHolder | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const sockets = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (sockets.has(target)) return { pid: Number(pid), command: await commandOf(pid) };
    }
  }
  return undefined;
}

const LISTEN = '0A';

/** Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6 (proc(5)). */
export function listeningInodes(table: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && local?.endsWith(`:${hexPort}`))
    .flatMap((fields) => fields[9] ?? []);
}

async function commandOf(pid: string): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return shortened(line.split('\0').join(' ').trim() || '?');
}

async function holderByLsof(port: number): Promise<PortHolder | undefined> {
  const { stdout } = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const pid = /^p(\d+)$/m.exec(stdout)?.[1];
  const command = /^c(.+)$/m.exec(stdout)?.[1];
  return pid === undefined ? undefined : { pid: Number(pid), command: shortened(command ?? '?') };
}

const COMMAND_LENGTH = 80;

function shortened(command: string): string {
  return command.length > COMMAND_LENGTH ? `${command.slice(0, COMMAND_LENGTH - 1)}…` : command;
}
