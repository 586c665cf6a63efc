// The library of certificates needs the metadata of decorators.
import 'reflect-metadata';
import { createPrivateKey, KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as x509 from '@peculiar/x509';
import { readIfPresent, secretsDir, writeSecretFile, type TlsSecrets } from './secrets.js';

/**
 * The cluster's own certificate authority (ADR 0078). It is made at the first start with TLS. Servers and services get a
 * certificate of it at each start, and from `eco secrets rotate certificates`.
 */
export interface Authority {
  /** The authority's certificate, in PEM. Clients know it. */
  readonly certificate: string;
  /** The authority's private key, in PEM. Only the start knows it. */
  readonly key: string;
}

/** Name of the file of a server with its certificate and key. */
export const CERTIFICATE_FILE = 'server.pem';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** A certificate is valid for a little more than a year, so that one start a year suffices. */
const CERTIFICATE_DAYS = 397;
/** Clocks of other machines may be behind, so a certificate is valid from a little before it is made. */
const CLOCK_SKEW_MS = DAY_MS;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * Returns the authority of a data folder. The first call makes it, and so does a call in the last year of an authority:
 * from then on it could sign no certificate that is valid for a year. Anybody may read the certificate in `ca.crt`.
 */
export async function openAuthority(dataDir: string): Promise<Authority> {
  await mkdir(secretsDir(dataDir), { recursive: true, mode: 0o700 });
  const known = await usableAuthority(dataDir);
  const authority = known ?? (await createAuthority());
  if (known === undefined) await writeSecretFile(authorityKeyFile(dataDir), authority.certificate + authority.key);
  await writeSecretFile(authorityFile(dataDir), authority.certificate, 0o644);
  return authority;
}

/** The authority that the processes of a data folder know. Undefined: there is none, or the next start makes another. */
export async function usableAuthority(dataDir: string): Promise<Authority | undefined> {
  const pem = await readIfPresent(authorityKeyFile(dataDir));
  if (pem === undefined) return undefined;
  const known = authorityOf(pem);
  return lastsFor(known.certificate, CERTIFICATE_DAYS) ? known : undefined;
}

function authorityKeyFile(dataDir: string): string {
  return path.join(secretsDir(dataDir), 'authority.pem');
}

/** The certificate in `ca.crt` of a data folder. */
export function readAuthority(dataDir: string): Promise<string> {
  return readFile(authorityFile(dataDir), 'utf8');
}

/** The certificate by which clients verify the cluster's servers. */
export function authorityFile(dataDir: string): string {
  return path.join(dataDir, 'ca.crt');
}

export async function createAuthority(name = 'EcoMarket', days = AUTHORITY_DAYS): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: algorithm,
    serialNumber: serialNumber(),
    ...validFor(days),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: keyPemOf(keys.privateKey) };
}

/** What a certificate proves. A service has none as a client, because it has a password (ADR 0078). */
interface CertificateUse {
  /** True: also as a client, of servers that ask for a certificate. */
  readonly isClient: boolean;
}

/**
 * Makes a key and a certificate for a server that clients reach by these host names and addresses. Returns both in one
 * text of PEM, so that they are replaced together.
 */
export async function certificateFor(
  authority: Authority,
  hosts: readonly string[],
  { isClient }: CertificateUse = { isClient: false },
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = createPrivateKey(authority.key).toCryptoKey(algorithm, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [hosts[0] ?? ''] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    serialNumber: serialNumber(),
    ...validFor(CERTIFICATE_DAYS),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        ...(isClient ? [x509.ExtendedKeyUsage.clientAuth] : []),
      ]),
      new x509.SubjectAlternativeNameExtension(
        [...new Set(hosts)].map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return pemOf(certificate) + keyPemOf(keys.privateKey);
}

/** Makes a new key and certificate for the hosts and the use of this certificate. */
export function renewedCertificate(authority: Authority, pem: string): Promise<string> {
  const known = new X509Certificate(pem);
  const names = known.subjectAltName?.split(', ') ?? [];
  return certificateFor(
    authority,
    // Such as "DNS:localhost" and "IP Address:127.0.0.1".
    names.map((name) => name.slice(name.indexOf(':') + 1)),
    // The purposes, by their numbers.
    { isClient: known.keyUsage?.includes(x509.ExtendedKeyUsage.clientAuth) === true },
  );
}

/** The secrets with which a service speaks TLS; `hosts` as for `certificateFor`. */
export async function tlsSecretsFor(authority: Authority, hosts: readonly string[]): Promise<TlsSecrets> {
  return { authority: authority.certificate, certificate: await certificateFor(authority, hosts) };
}

/** The names of a server of this machine: its address, and the ways to say this machine. */
export function serverHosts({ name, host }: { readonly name: string; readonly host: string }): string[] {
  return [name, host, 'localhost', '127.0.0.1', '::1'];
}

/** Whether the certificate is valid for at least this time from now on. */
function lastsFor(certificate: string, days: number): boolean {
  return new X509Certificate(certificate).validToDate.getTime() > Date.now() + days * DAY_MS;
}

function authorityOf(pem: string): Authority {
  return {
    certificate: `${new X509Certificate(pem).toString().trim()}\n`,
    key: createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function validFor(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - CLOCK_SKEW_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** A positive number of 127 random bits. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

function keyPemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}
