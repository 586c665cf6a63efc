import type { GroupLayout } from '../layout.js';
import type { DatabaseLogin } from '../secrets.js';

/** The files and servers of an installation that know its secrets, whether it runs as processes or in containers. */
export interface Installation {
  /** Folder with the `secrets` folder, which has all secrets. */
  readonly dir: string;
  /** The secrets file of each service. */
  readonly serviceFiles: readonly string[];
  /** Files with a role's password for a server or program, in the form that libpq reads. */
  readonly passwordFiles: readonly { readonly role: DatabaseLogin; readonly file: string }[];
  /** The certificate and key of each server; they exist only with TLS. */
  readonly certificateFiles: readonly string[];
  readonly groups: readonly GroupLayout[];
  readonly managementUrls: readonly string[];
}
