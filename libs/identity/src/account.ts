import { createHash } from 'node:crypto';
import { z } from 'zod';
import { roles, type Role, type Scope } from '@eco/access';
import { commandKinds, emailSchema, servedBranchIdSchema, type CommandKind, type Violation } from '@eco/contracts';
import { guessableAs, PASSWORD_CHARS_MIN } from './guessable.js';

/** A person or a program that can log in. */
export interface Account {
  /** UUID. It is the `sub` of the account's tokens and the actor of its commands. */
  readonly accountId: string;
  /** Log-in name. Null for a customer, whose e-mail address is stored as a hash only. */
  readonly login: string | null;
  readonly role: Role;
  /** Set for a branch manager and a cashier. */
  readonly branchId: string | null;
  /** Set for a customer. */
  readonly customerId: string | null;
  /** Set for an integration. */
  readonly scopes: readonly Scope[];
  readonly isDisabled: boolean;
  /** ms since 1970. */
  readonly createdAtMs: number;
}

/** Programs get tokens by client credentials; people log in. */
const programRoles: readonly Role[] = ['integration', 'operator'];

export function isProgram({ role }: Pick<Account, 'role'>): boolean {
  return programRoles.includes(role);
}

export const roleSchema = z.enum(roles).meta({ description: 'Role of an account', examples: ['cashier'] });

/** Name by which staff and programs log in. An e-mail address may be a log-in name. Case is ignored. */
export const loginNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{1,127}$/, 'must be 2 to 128 letters, digits, ".", "_", "@", "+" or "-"')
  .meta({ description: 'Name by which the account logs in; case is ignored', examples: ['lucia'] });

/** A name or an e-mail address, as a client sends it. */
export const loginSchema = z
  .union([loginNameSchema, emailSchema])
  .meta({ description: 'Log-in name, or the e-mail address of a customer', examples: ['lucia'] });

/**
 * At least 12 characters, without rules about their kinds: length makes a password hard to guess (NIST SP 800-63B,
 * 3.1.1). Common passwords are refused. More than 256 characters would only cost time.
 */
export const newPasswordSchema = z
  .string()
  .min(PASSWORD_CHARS_MIN, `must have at least ${PASSWORD_CHARS_MIN} characters`)
  .max(256, 'must have at most 256 characters')
  .superRefine((password, context) => {
    const violation = guessableAs(password);
    if (violation !== undefined) context.addIssue(violation);
  })
  .meta({ description: 'Password, 12 to 256 characters', examples: ['correct horse battery staple'] });

/** A PIN is short, because a cashier types it at a till many times a day. */
export const newPinSchema = z
  .string()
  .regex(/^[0-9]{6,12}$/, 'must be 6 to 12 digits')
  .refine((pin) => !/^(.)\1*$/.test(pin), 'must not be one digit repeated')
  .meta({ description: 'PIN, 6 to 12 digits', examples: ['493817'] });

/** Hash by which an account is found. The case of `login` does not matter. */
export function loginHashOf(login: string): Buffer {
  return createHash('sha256').update(login.trim().toLowerCase()).digest();
}

/** Role and limits of an account, as its tokens state them. */
export type Standing = Pick<Account, 'role' | 'branchId' | 'customerId' | 'scopes'>;

/** Reasons why no account may have this combination of role, branch, customer and scopes. Empty: it is allowed. */
export function standingViolations({ role, branchId, customerId, scopes }: Standing): Violation[] {
  const isOfBranch = role === 'branch-manager' || role === 'cashier';
  const isCustomer = role === 'customer';
  const violations: Violation[] = [];
  const must = (holds: boolean, at: string, message: string) => void (holds || violations.push({ at, message }));
  must(isOfBranch === (branchId !== null), '/branchId', `${isOfBranch ? 'must' : 'must not'} be set for a ${role}`);
  must(isCustomer === (customerId !== null), '/customerId', `${isCustomer ? 'must' : 'must not'} be set for a ${role}`);
  must(role === 'integration' || scopes.length === 0, '/scopes', `must be empty for a ${role}`);
  return violations;
}

const commandKindNames = Object.keys(commandKinds) as CommandKind[];

const scopeSchema = z
  .enum(['events', 'read', ...commandKindNames])
  .meta({ description: 'Permission of an integration: to receive events, to read, or to send one kind of command' });

/** Fields that an administrator sets for an account of staff or a program. */
export const standingSchema = {
  role: roleSchema.exclude(['customer']),
  branchId: servedBranchIdSchema.nullable().default(null),
  scopes: z.array(scopeSchema).max(64).default([]),
};
