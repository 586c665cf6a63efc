import type { Access } from '@eco/access';

/*
 * Policies of what the branch does by itself. They need no head office: a token from a log-in by PIN is enough.
 */

const ofBranch = { cashier: 'own branch', 'branch-manager': 'own branch' } as const satisfies Access;

/** Sells, and takes back. A till whose token has expired goes on selling for a time. */
export const sells = { ...ofBranch, graceful: true } as const satisfies Access;

export const worksAtTill = ofBranch;

export const readsBranch = { ...ofBranch, manager: 'any' } as const satisfies Access;

export const managesBranch = { 'branch-manager': 'own branch' } as const satisfies Access;

export const readsBranchFigures = { 'branch-manager': 'own branch', manager: 'any' } as const satisfies Access;

export const readsBranchStatus = { ...readsBranch, operator: 'any' } as const satisfies Access;
