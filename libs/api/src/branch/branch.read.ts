import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Caller } from '@eco/access';
import {
  branchChangesPageSchema,
  changesQuerySchema,
  commandPathSchema,
  customerIdSchema,
  formatChangesCursor,
  groupIdSchema,
  instantSchema,
  productIdSchema,
  timestampSchema,
  topicSchema,
  uuidSchema,
} from '@eco/contracts';
import { branchPinSchema, PinStore } from '@eco/identity';
import { Input, operation, Operation, problem, respond, type HttpResponse, type InputOf } from '@eco/service';
import { ChangesReader, Reads, type CommandStatus } from '@eco/reads';
import { fromIdentity, STORE_PROBLEMS } from '../auth/auth-problems.js';
import { groupAsked, pageOf } from '../changes/changes.read.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS, retryAfter } from '../http/read-answer.js';
import { readHeadersSchema, readOptionsOf } from '../http/read-request.js';
import { branchLevelsQuery } from './branch-levels.query.js';
import { Owners, storedNouns } from './owners.js';

/*
 * What the API of a branch reads for itself, with its own token. The branch has no password of a database.
 */

/** Everything that a branch may know of the chain, such as the clock of a group. */
const forBranches = { branch: 'any' } as const;
const ofItsBranch = { branch: 'own branch' } as const;

export const groupsSchema = z.object({
  groups: z.array(
    z.object({
      group: groupIdSchema,
      buckets: z.int().nullable().meta({ description: 'Number of buckets; null: nothing is seen of the group' }),
      ownedBuckets: z.array(z.int()),
      nowMs: z
        .number()
        .nullable()
        .meta({ description: 'The group’s clock, ms since 1970. It may be late, never early' }),
      stillMs: z.number().nullable().meta({ description: 'Time for which the group has not moved; null: unknown' }),
    }),
  ),
});

const getGroups = operation({
  id: 'listGroups',
  summary: 'What is seen of each group',
  access: forBranches,
  answers: { 200: { description: 'In the order of the settings', body: groupsSchema } },
});

/** The reply of `GET /branch/commands/{commandId}`. */
export const commandStatusSchema: z.ZodType<CommandStatus> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('outcome'),
    bodyHash: z.string(),
    status: z.enum(['done', 'refused', 'expired', 'discarded']),
    result: z.record(z.string(), z.unknown()),
    position: z.string(),
  }),
  z.object({ type: z.literal('dead-letter'), reason: z.string(), position: z.string() }),
  z.object({ type: z.literal('never') }),
  z.object({ type: z.literal('open') }),
]);

const getCommandStatus = operation({
  id: 'getCommandStatus',
  summary: 'What is certain about a command that the branch has sent',
  description:
    'The result is shown only to a sender that knows the content: to others, `bodyHash` states the difference.',
  access: forBranches,
  path: commandPathSchema,
  query: z.strictObject({
    key: customerIdSchema.meta({ description: 'Customer or product that routes the command' }),
    notAfter: instantSchema.meta({ description: 'The `notAfter` of the command' }),
    bodyHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
      .meta({ description: 'SHA-256 of the canonical body of the command, hex' }),
  }),
  examples: {
    notAfter: '2026-11-24T12:00:00Z',
    bodyHash: '0000000000000000000000000000000000000000000000000000000000000000',
  },
  answers: { 200: { description: 'Decided, a dead letter, never, or open', body: commandStatusSchema } },
});

export const ownershipSchema = z.object({
  isForeign: z.boolean().meta({ description: 'False also for an id that nothing shows yet' }),
});

const getOwnership = operation({
  id: 'getOwnership',
  summary: 'Whether an object is of another branch',
  access: ofItsBranch,
  path: z.strictObject({ noun: z.enum(storedNouns).meta({ description: 'Kind of the object' }), id: uuidSchema }),
  answers: { 200: { description: 'By the owner that is stored', body: ownershipSchema } },
  problems: [...READ_PROBLEMS],
});

export const revokedSessionsSchema = z.object({
  sessions: z.array(z.object({ sessionId: z.string(), revokedMs: z.number() })),
});

const getRevokedSessions = operation({
  id: 'listRevokedSessions',
  summary: 'Sessions that were revoked',
  access: forBranches,
  query: z.strictObject({
    after: z
      .string()
      .regex(/^\d{1,15}$/, 'must be ms since 1970')
      .transform(Number)
      .meta({ description: 'ms since 1970; 0: all' }),
  }),
  examples: { after: '0' },
  answers: { 200: { description: 'Those revoked after that time', body: revokedSessionsSchema } },
  problems: ['no-node'],
});

export const branchPinsSchema = z.object({ pins: z.array(branchPinSchema) });

const getPins = operation({
  id: 'listPins',
  summary: 'The hashes of the PINs of the branch’s staff',
  access: ofItsBranch,
  answers: { 200: { description: 'By account', body: branchPinsSchema } },
  problems: [...STORE_PROBLEMS],
});

/** Topics that a branch follows. */
const branchTopicSchema = topicSchema.extract(['orders', 'products', 'quotas']);

const ofItsGroup = { group: changesQuerySchema.shape.group };

const listBranchChanges = operation({
  id: 'listBranchChanges',
  summary: 'Changes that concern the branch, in order',
  description:
    'As `GET /changes`, without what concerns others: at most `limit` changes of the topic are looked at, so a page may ' +
    'have no change while `more` is true. The catalogue concerns every branch.',
  access: ofItsBranch,
  query: changesQuerySchema.extend({ topic: branchTopicSchema.meta({ description: 'What the changes are about' }) }),
  headers: readHeadersSchema,
  examples: { after: '0' },
  answers: { 200: { description: 'One page', body: branchChangesPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: [...READ_PROBLEMS],
});

/** The reply of `GET /branch/levels`. */
export const branchLevelsSchema = z.object({
  group: groupIdSchema,
  incarnation: z.int().nullable().meta({ description: 'The last one that has reported; null: none' }),
  isFrozen: z.boolean(),
  homeEpoch: branchChangesPageSchema.shape.homeEpoch,
  cursor: z.string().meta({ description: 'The `after` of the changes of topic `quotas` that these levels lack' }),
  levels: z.array(z.object({ productId: productIdSchema, onHand: z.int() })),
  inTransit: z.array(
    z.object({
      transferId: uuidSchema,
      productId: productIdSchema,
      quantity: z.int(),
      at: timestampSchema,
      kind: z.enum(['granted', 'sent']).meta({ description: 'Sent goods are received by a person' }),
    }),
  ),
});
export type BranchLevels = z.infer<typeof branchLevelsSchema>;

const getBranchLevels = operation({
  id: 'getBranchLevels',
  summary: 'Units of the branch, as the head office has recorded them',
  description: 'All of them in one snapshot, in which `incarnation` is the last incarnation that has reported.',
  access: ofItsBranch,
  query: z.strictObject(ofItsGroup),
  headers: readHeadersSchema,
  answers: {
    200: { description: 'Levels and transfers to it', body: branchLevelsSchema, headers: READ_ANSWER_HEADERS },
  },
  problems: [...READ_PROBLEMS],
});

/** Reads revoked sessions, see `ReadRevoked` of @eco/identity. */
export abstract class RevokedReader {
  abstract revokedAfter(
    afterMs: number,
  ): Promise<readonly { readonly sessionId: string; readonly revokedMs: number }[]>;
}

@ApiTags('branch')
@Controller('branch')
export class BranchController {
  readonly #changes: ChangesReader;

  constructor(
    private readonly reads: Reads,
    private readonly owners: Owners,
    private readonly revoked: RevokedReader,
    private readonly pins: PinStore,
  ) {
    this.#changes = new ChangesReader(reads);
  }

  @Get('changes')
  @Operation(listBranchChanges)
  changes(@Input(listBranchChanges) { query, headers, caller }: InputOf<typeof listBranchChanges>) {
    const request = { ...query, group: groupAsked(this.reads, query.group), branchId: branchOf(caller) };
    return pageOf(this.#changes, request, readOptionsOf(headers));
  }

  @Get('levels')
  @Operation(getBranchLevels)
  async levels(
    @Input(getBranchLevels) { query, headers, caller }: InputOf<typeof getBranchLevels>,
  ): Promise<HttpResponse> {
    const group = groupAsked(this.reads, query.group);
    const options = readOptionsOf(headers);
    const read = answered(await this.reads.ofGroup(group, branchLevelsQuery, [branchOf(caller)], options));
    const { position = { term: 0, tag: '', seq: 0 } } = read.source;
    const { incarnation, is_frozen, home_epoch: homeEpoch } = read.extra;
    const body: BranchLevels = {
      group,
      incarnation,
      isFrozen: is_frozen ?? false,
      homeEpoch,
      cursor: formatChangesCursor({ leadership: { term: position.term, tag: position.tag }, seq: position.seq }),
      levels: read.rows.flatMap(({ on_hand: onHand, product_id: productId }) =>
        onHand === null ? [] : [{ productId, onHand }],
      ),
      inTransit: read.rows.flatMap(
        ({ transfer_id: transferId, product_id: productId, quantity, sent_at, is_granted }) =>
          transferId === null || quantity === null || sent_at === null
            ? []
            : [{ transferId, productId, quantity, at: sent_at.toISOString(), kind: is_granted ? 'granted' : 'sent' }],
      ),
    };
    return respond(200, body, headersOf([read.source], options));
  }

  @Get('groups')
  @Operation(getGroups)
  groups(): z.infer<typeof groupsSchema> {
    return {
      groups: this.reads.seenGroups.map(({ group, buckets, ownedBuckets, groupNowMs, stillMs }) => ({
        group,
        buckets: buckets ?? null,
        ownedBuckets: [...ownedBuckets],
        nowMs: groupNowMs ?? null,
        stillMs: Number.isFinite(stillMs) ? stillMs : null,
      })),
    };
  }

  @Get('commands/:commandId')
  @Operation(getCommandStatus)
  async commandStatus(
    @Input(getCommandStatus) { path, query }: InputOf<typeof getCommandStatus>,
  ): Promise<CommandStatus> {
    const status = await this.reads.commandStatus({ ...path, ...query });
    if (status.type !== 'outcome' || status.bodyHash === query.bodyHash) return status;
    return { ...status, result: {} };
  }

  @Get('ownership/:noun/:id')
  @Operation(getOwnership)
  async ownership(@Input(getOwnership) { path, caller }: InputOf<typeof getOwnership>) {
    return { isForeign: await this.owners.isForeign(path.noun, path.id, caller) };
  }

  @Get('revoked-sessions')
  @Operation(getRevokedSessions)
  async revokedSessions(@Input(getRevokedSessions) { query }: InputOf<typeof getRevokedSessions>) {
    try {
      return { sessions: await this.revoked.revokedAfter(query.after) };
    } catch (error) {
      throw problem('no-node', { detail: (error as Error).message, headers: retryAfter });
    }
  }

  @Get('pins')
  @Operation(getPins)
  async branchPins(@Input(getPins) { caller }: InputOf<typeof getPins>) {
    return { pins: await fromIdentity(this.pins.ofBranch(branchOf(caller))) };
  }
}

function branchOf({ principal }: Caller): string {
  return principal.branchId ?? '';
}
