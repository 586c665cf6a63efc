import { z } from 'zod';
import { roleSchema } from './account.js';
import type { PrimaryConnection } from './primary-connection.js';

/** A person who may log in by PIN at one branch. */
export const branchPinSchema = z.object({
  accountId: z.string(),
  loginHash: z.string().meta({ description: 'SHA-256 of the log-in name in lower case, hex' }),
  role: roleSchema,
  pinHash: z.string().meta({ description: 'argon2id' }),
  idKey: z
    .string()
    .meta({ description: 'id keys, the present one first; 16 bytes each, hex: command ids are made from them' }),
});
export type BranchPin = z.infer<typeof branchPinSchema>;

/** The PINs of staff. Only the role `eco_pins` sees them, so no password of a branch or of a reader shows a hash. */
export class PinStore {
  readonly #primary: PrimaryConnection;

  /** `primary`: as `eco_pins`. */
  constructor(primary: PrimaryConnection) {
    this.#primary = primary;
  }

  /** Throws an `IdentityUnavailableError`. */
  ofBranch(branchId: string): Promise<BranchPin[]> {
    return this.#primary.ask<BranchPin>(
      `SELECT account_id AS "accountId", encode(login_hash, 'hex') AS "loginHash", role, pin_hash AS "pinHash",
         encode(pin_id_key, 'hex') AS "idKey"
       FROM identity.branch_pin WHERE branch_id = $1 ORDER BY account_id`,
      [branchId],
    );
  }
}
