import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  authorityFile,
  certificateFor,
  createAuthority,
  openAuthority,
  renewedCertificate,
  serverHosts,
} from './authority.js';

const folders: string[] = [];
function folder(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-authority-'));
  folders.push(dir);
  return dir;
}
afterAll(() => folders.forEach((dir) => rmSync(dir, { recursive: true })));

const DAY_MS = 86_400_000;
const daysLeft = (pem: string) => (new X509Certificate(pem).validToDate.getTime() - Date.now()) / DAY_MS;

describe('the authority of a data folder', () => {
  it('is made once; its key is in one file of mode 0600, and everybody may read its certificate', async () => {
    const dir = folder();
    const authority = await openAuthority(dir);
    expect(await openAuthority(dir)).toEqual(authority);
    const secret = path.join(dir, 'secrets', 'authority.pem');
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    expect(createPrivateKey(readFileSync(secret)).asymmetricKeyType).toBe('ec');
    expect(statSync(authorityFile(dir)).mode & 0o777).toBe(0o644);
    expect(readFileSync(authorityFile(dir), 'utf8')).toBe(authority.certificate);
    expect(authority.certificate).not.toContain('PRIVATE');
    expect(new X509Certificate(authority.certificate).ca).toBe(true);
  });

  it.each([
    [396, false],
    [399, true],
  ])('with %i days left is kept: %s', async (days, isKept) => {
    const dir = folder();
    const old = await createAuthority('Old', days);
    mkdirSync(path.join(dir, 'secrets'));
    writeFileSync(path.join(dir, 'secrets', 'authority.pem'), old.certificate + old.key);
    const opened = await openAuthority(dir);
    expect(opened.certificate === old.certificate).toBe(isKept);
    expect(daysLeft(opened.certificate)).toBeGreaterThan(398);
  });
});

describe('a certificate', () => {
  // ASVS 5.0: 12.3.4
  it('is signed by the authority, names its hosts and belongs to its key', async () => {
    const authority = await createAuthority();
    const pem = await certificateFor(authority, serverHosts({ name: 'g1-1', host: '10.1.2.3' }));
    const certificate = new X509Certificate(pem);
    const issuer = new X509Certificate(authority.certificate);
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(pem))).toBe(true);
    expect(certificate.ca).toBe(false);
    for (const name of ['g1-1', 'localhost']) expect(certificate.checkHost(name)).toBe(name);
    for (const address of ['10.1.2.3', '127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.checkHost('g1-2')).toBeUndefined();
    expect(certificate.checkIP('10.1.2.4')).toBeUndefined();
    expect(daysLeft(pem)).toBeGreaterThan(396);
    expect(daysLeft(pem)).toBeLessThan(398);
  });

  it('has a key and a number of its own each time', async () => {
    const authority = await createAuthority();
    const [one, other] = [await certificateFor(authority, ['a']), await certificateFor(authority, ['a'])];
    expect(new X509Certificate(one).serialNumber).not.toBe(new X509Certificate(other).serialNumber);
    expect(createPrivateKey(one).equals(createPrivateKey(other))).toBe(false);
  });

  const SERVER = '1.3.6.1.5.5.7.3.1';
  const CLIENT = '1.3.6.1.5.5.7.3.2';

  it.each([
    [false, [SERVER]],
    [true, [SERVER, CLIENT]],
  ])('is for a client only if that is asked for (%s), also when it is renewed', async (isClient, uses) => {
    const authority = await createAuthority();
    const pem = await certificateFor(authority, ['a'], { isClient });
    const renewed = await renewedCertificate(authority, pem);
    expect([pem, renewed].map((each) => new X509Certificate(each).keyUsage)).toEqual([uses, uses]);
    expect(new X509Certificate(renewed).subjectAltName).toBe('DNS:a');
  });
});
