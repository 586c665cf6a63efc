import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { presentPasswords } from '@eco/base';
import { ConfigError, readConfig } from './config.js';
import { secretsSetting } from './secrets.js';

const secrets = secretsSetting(['eco_reader', 'eco_central']);
let folder: string;
beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'eco-secrets-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function read(content: string, mode = 0o600) {
  const file = path.join(folder, 'central-api.json');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return readConfig({ secrets }, { ECO_SECRETS_FILE: file });
}

function errorOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

const good = {
  amqp: { user: 'central', password: 'p1' },
  database: { eco_reader: 'p2', eco_central: 'p3' },
};

/** The passwords that the process would use now. */
function passwordsIn({ secrets: { amqp, database } }: ReturnType<typeof read>) {
  return {
    amqp: { user: amqp.user, passwords: presentPasswords(amqp.password) },
    reader: presentPasswords(database.eco_reader),
    central: presentPasswords(database.eco_central),
  };
}

it('reads the passwords of a process', () => {
  expect(passwordsIn(read(JSON.stringify(good)))).toEqual({
    amqp: { user: 'central', passwords: ['p1'] },
    reader: ['p2'],
    central: ['p3'],
  });
});

it('uses the passwords that are in the file now, two of them during a rotation, and the known ones while it is broken', () => {
  const config = read(JSON.stringify(good));
  read(
    JSON.stringify({
      amqp: { user: 'central', password: 'p4' },
      database: { ...good.database, eco_reader: ['p5', 'p2'] },
    }),
  );
  const rotated = { amqp: { user: 'central', passwords: ['p4'] }, reader: ['p5', 'p2'], central: ['p3'] };
  expect(passwordsIn(config)).toEqual(rotated);
  expect(() => read('{')).toThrow();
  expect(passwordsIn(config)).toEqual(rotated);
});

it.each([0o604, 0o644, 0o610, 0o660, 0o444, 0o404])('refuses a file that others can read: mode %o', (mode) => {
  expect(errorOf(() => read(JSON.stringify(good), mode))).toContain('chmod 600');
});

// Kubernetes gives a secret to the group of the pod: root:fsGroup, mode 0440.
describe('a file that its group can read', () => {
  const FOREIGN_GROUP = 54_321;
  function readOf(group: number, mode: number): () => unknown {
    const file = path.join(folder, `of-group-${group}-${mode}.json`);
    writeFileSync(file, JSON.stringify(good));
    chownSync(file, process.getuid?.() ?? 0, group);
    chmodSync(file, mode);
    return () => readConfig({ secrets }, { ECO_SECRETS_FILE: file });
  }

  it.each([0o440, 0o640])('is accepted with the group of the process: mode %o', (mode) => {
    expect(errorOf(readOf(process.getegid?.() ?? 0, mode))).toBe('');
  });

  it('is accepted with a supplementary group of the process', () => {
    const groups = jest.spyOn(process, 'getgroups').mockReturnValue([7, process.getegid?.() ?? 0]);
    const group = jest.spyOn(process, 'getegid').mockReturnValue(99);
    const refused = errorOf(readOf(process.getgid?.() ?? 0, 0o440));
    groups.mockRestore();
    group.mockRestore();
    expect(refused).toBe('');
  });

  it('is refused with another group', () => {
    const group = jest.spyOn(process, 'getegid').mockReturnValue(FOREIGN_GROUP);
    const groups = jest.spyOn(process, 'getgroups').mockReturnValue([FOREIGN_GROUP]);
    const refused = errorOf(readOf(process.getgid?.() ?? 0, 0o440));
    group.mockRestore();
    groups.mockRestore();
    expect(refused).toMatch(/which the group \d+ can read \(mode 0440\), and this process is not in it: chmod 600/);
  });
});

it('names each secret that is missing, and quotes none', () => {
  const error = errorOf(() => read(JSON.stringify({ amqp: { user: 'central', password: 12345 }, database: {} })));
  expect(error).toContain('"amqp.password"');
  expect(error).toContain('"database.eco_reader"');
  expect(error).toContain('"database.eco_central"');
  expect(error).not.toContain('12345');
});

it('quotes nothing from a file that is no JSON', () => {
  const error = errorOf(() => read('password=12345'));
  expect(error).toContain('is not JSON');
  expect(error).not.toContain('12345');
});

it('states why a file cannot be read', () => {
  const environment = { ECO_SECRETS_FILE: path.join(folder, 'nowhere.json') };
  expect(errorOf(() => readConfig({ secrets }, environment))).toContain('ENOENT');
});
