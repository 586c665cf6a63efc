import { Controller, Get, Patch, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { fromIdentity, STORE_PROBLEMS } from '@eco/api/auth';
import { z } from 'zod';
import { pageQuerySchema, timestampSchema, uuidSchema } from '@eco/contracts';
import { Identity, loginNameSchema, newPasswordSchema, standingSchema, type Account } from '@eco/identity';
import { Input, operation, Operation, problem, respond, type HttpResponse, type InputOf } from '@eco/service';

const ADMINISTRATOR = { administrator: 'any' } as const;

const accountSchema = z.object({
  accountId: uuidSchema,
  login: z.string().nullable().meta({ description: 'Null for a customer, whose e-mail address is not shown' }),
  role: z.string(),
  branchId: z.string().nullable(),
  customerId: z.string().nullable(),
  scopes: z.array(z.string()),
  isDisabled: z.boolean(),
  createdAt: timestampSchema,
});
const generatedSchema = z.object({
  accountId: uuidSchema,
  password: z.string().meta({ description: 'Generated; it is shown here once and stored as a hash only' }),
});
const accountPathSchema = z.strictObject({ accountId: uuidSchema });

const listAccounts = operation({
  id: 'listAccounts',
  summary: 'Accounts of staff and programs, by log-in name',
  access: ADMINISTRATOR,
  query: pageQuerySchema,
  examples: { after: 'ana' },
  answers: {
    200: {
      description: 'One page of accounts',
      body: z.object({ items: z.array(accountSchema), next: z.string().nullable() }),
    },
  },
  problems: STORE_PROBLEMS,
});

const addAccount = operation({
  id: 'addAccount',
  summary: 'Add an account of staff or a program',
  description: 'Without a password one is generated. A customer signs up instead.',
  access: ADMINISTRATOR,
  body: z.strictObject({ login: loginNameSchema, password: newPasswordSchema.optional(), ...standingSchema }),
  answers: {
    201: { description: 'Added', body: accountSchema.extend({ password: z.string() }), headers: ['Location'] },
  },
  problems: ['account-exists', ...STORE_PROBLEMS],
});

const changeAccount = operation({
  id: 'changeAccount',
  summary: 'Change role, branch or scopes of an account, or disable it',
  description: 'A field that the request omits stays as it is. All sessions of the account end.',
  access: ADMINISTRATOR,
  path: accountPathSchema,
  body: z
    .strictObject({
      role: standingSchema.role,
      branchId: standingSchema.branchId.unwrap(),
      scopes: standingSchema.scopes.unwrap(),
      isDisabled: z.boolean(),
    })
    .partial(),
  answers: { 200: { description: 'The changed account', body: accountSchema } },
  problems: ['account-unknown', ...STORE_PROBLEMS],
});

const resetPassword = operation({
  id: 'resetAccountPassword',
  summary: 'Set a generated password',
  description: 'All sessions of the account end.',
  access: ADMINISTRATOR,
  path: accountPathSchema,
  answers: { 200: { description: 'The password', body: generatedSchema } },
  problems: ['account-unknown', ...STORE_PROBLEMS],
});

@ApiTags('accounts')
@Controller('accounts')
export class AccountsController {
  constructor(private readonly identity: Identity) {}

  @Get()
  @Operation(listAccounts)
  async list(@Input(listAccounts) { query }: InputOf<typeof listAccounts>): Promise<HttpResponse> {
    const { after = '', limit } = query;
    const found = await fromIdentity(this.identity.staff(after, limit + 1));
    const items = found.slice(0, limit);
    return respond(200, { items: items.map(shown), next: found.length > limit ? (items.at(-1)?.login ?? null) : null });
  }

  @Post()
  @Operation(addAccount)
  async add(@Input(addAccount) { body, caller }: InputOf<typeof addAccount>): Promise<HttpResponse> {
    const added = await fromIdentity(this.identity.addAccount({ ...body, customerId: null }, caller.principal.id));
    switch (added.type) {
      case 'added': {
        const { account, password } = added;
        return respond(201, { ...shown(account), password }, { Location: `/accounts/${account.accountId}` });
      }
      case 'bad-standing':
        throw problem('bad-input', { faults: added.violations });
      case 'taken':
        throw problem('account-exists');
    }
  }

  @Patch(':accountId')
  @Operation(changeAccount)
  async change(@Input(changeAccount) { path, body, caller }: InputOf<typeof changeAccount>): Promise<HttpResponse> {
    const changed = await fromIdentity(this.identity.changeAccount(path.accountId, body, caller.principal.id));
    switch (changed.type) {
      case 'changed':
        return respond(200, shown(changed.account));
      case 'bad-standing':
        throw problem('bad-input', { faults: changed.violations });
      case 'unknown':
        throw problem('account-unknown');
    }
  }

  @Post(':accountId/password')
  @Operation(resetPassword)
  async reset(@Input(resetPassword) { path, caller }: InputOf<typeof resetPassword>): Promise<HttpResponse> {
    const password = await fromIdentity(this.identity.resetPassword(path.accountId, caller.principal.id));
    if (password === undefined) throw problem('account-unknown');
    return respond(200, { accountId: path.accountId, password });
  }
}

function shown({ accountId, login, role, branchId, customerId, scopes, isDisabled, createdAtMs }: Account) {
  const createdAt = new Date(createdAtMs).toISOString();
  return { accountId, login, role, branchId, customerId, scopes, isDisabled, createdAt };
}
