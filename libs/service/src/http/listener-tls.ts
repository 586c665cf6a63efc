import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls';
import type { ServerOptions } from 'node:https';
import { TLS_VERSION_MIN, type Log } from '@eco/base';
import type { TlsFile } from '../config/tls.js';
import { connectionOptions } from './connections.js';

/** Interval at which the secrets file is read for a renewed certificate, ms. */
const LOOK_EVERY_MS = 2_000;

/** Options of an HTTPS server. */
export function httpsOptions({ certificate }: TlsFile): ServerOptions {
  // A client that does not finish its handshake is disconnected like one that does not finish its request.
  return { ...connectionOptions, handshakeTimeout: connectionOptions.requestTimeout, ...contextOf(certificate) };
}

/**
 * Gives the listeners the certificate of the secrets file whenever it has changed, so that a renewal needs no restart.
 * While the file can't be read, or has no certificate with its key, the known one stays in use. Ends when `stopping` is
 * aborted.
 */
export function followCertificate(
  file: TlsFile,
  servers: readonly Pick<Server, 'setSecureContext'>[],
  { log, stopping }: { readonly log: Log; readonly stopping: AbortSignal },
): void {
  let known = file.certificate;
  const look = () => {
    try {
      const certificate = file.readCertificate();
      if (certificate === known) return;
      // This throws if the certificate and the key do not belong together.
      createSecureContext(contextOf(certificate));
      for (const server of servers) server.setSecureContext(contextOf(certificate));
      known = certificate;
      log.info({}, 'the certificate of this process was renewed');
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the certificate could not be read; the known one stays in use');
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function contextOf(certificate: string): SecureContextOptions {
  return { cert: certificate, key: certificate, minVersion: TLS_VERSION_MIN };
}
