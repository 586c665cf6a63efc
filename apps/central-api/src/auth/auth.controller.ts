import { Controller, Get, Ip, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { EVERYBODY, fromIdentity, PASSWORD_PROBLEMS, refusalProblem, STORE_PROBLEMS } from '@eco/api/auth';
import { z } from 'zod';
import { timestampSchema, uuidSchema } from '@eco/contracts';
import { Identity, loginSchema, newPasswordSchema, newPinSchema, type SessionTokens } from '@eco/identity';
import { Input, operation, Operation, problem, respond, type HttpResponse, type InputOf } from '@eco/service';

/** Callers of operations about the caller's own account and sessions: every person. */
const PERSON = {
  customer: 'any',
  cashier: 'any',
  'branch-manager': 'any',
  manager: 'any',
  administrator: 'any',
} as const;

/** Schema of a present password. The rules for new passwords do not apply, because it may be older than they are. */
const passwordSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(256, 'must have at most 256 characters')
  .meta({ description: 'Password', examples: ['correct horse battery staple'] });

const refreshTokenSchema = z
  .string()
  .max(128, 'must have at most 128 characters')
  .meta({ description: 'The newest refresh token of the session', examples: ['0h5fJqkG2xVt9Zc1'] });

const sessionTokensSchema = z.object({
  accessToken: z.string().meta({ description: 'Access token, sent as `Authorization: Bearer …`' }),
  accessTokenSeconds: z
    .number()
    .int()
    .meta({ description: 'Validity of the access token, s', examples: [900] }),
  refreshToken: z
    .string()
    .meta({ description: 'Refresh token, used once to get the next tokens; see POST /auth/refresh' }),
  sessionId: uuidSchema,
});

const logIn = operation({
  id: 'logIn',
  summary: 'Log in',
  description:
    'The response is the same, after the same time, for an unknown account, a disabled one and a wrong password. After ' +
    '10 failures of one account, or 100 from one address, within 15 minutes, further log-ins are refused.',
  access: EVERYBODY,
  body: z.strictObject({ login: loginSchema, password: passwordSchema }),
  answers: { 200: { description: 'Logged in', body: sessionTokensSchema } },
  problems: PASSWORD_PROBLEMS,
});

const refresh = operation({
  id: 'refreshSession',
  summary: 'Get the next tokens of a session',
  description:
    'A refresh token can be used once. Within 10 s it gets the same successor again, so two tabs of a browser, or a repeat ' +
    'after a lost response, do no harm. Later it means that two holders have it, and the session ends.',
  access: EVERYBODY,
  body: z.strictObject({ refreshToken: refreshTokenSchema }),
  answers: { 200: { description: 'The next tokens', body: sessionTokensSchema } },
  problems: ['session-ended', ...STORE_PROBLEMS],
});

const logOut = operation({
  id: 'logOut',
  summary: 'Log out',
  description:
    'Ends the session of the refresh token. Every process refuses its access tokens within 2 s. An unknown token changes ' +
    'nothing.',
  access: EVERYBODY,
  body: z.strictObject({
    refreshToken: refreshTokenSchema,
    everywhere: z.boolean().default(false).meta({ description: 'End all sessions of the account' }),
  }),
  answers: { 204: { description: 'Logged out' } },
  problems: STORE_PROBLEMS,
});

const token = operation({
  id: 'issueToken',
  summary: 'Get an access token for a program (client credentials)',
  description:
    'The fields are those of RFC 6749, sections 4.4 and 5.1, as JSON. There is no refresh token: ask again when the token ' +
    'has expired.',
  access: EVERYBODY,
  body: z.strictObject({
    grant_type: z.literal('client_credentials', { error: 'must be client_credentials' }),
    client_id: loginSchema,
    client_secret: passwordSchema,
  }),
  answers: {
    200: {
      description: 'The access token',
      body: z.object({ access_token: z.string(), token_type: z.literal('Bearer'), expires_in: z.number().int() }),
    },
  },
  problems: PASSWORD_PROBLEMS,
});

const changePassword = operation({
  id: 'changePassword',
  summary: 'Change the own password',
  description: 'All other sessions of the account end.',
  access: PERSON,
  body: z.strictObject({ password: passwordSchema, newPassword: newPasswordSchema }),
  answers: { 204: { description: 'Changed' } },
  problems: PASSWORD_PROBLEMS,
});

const setPin = operation({
  id: 'setPin',
  summary: 'Set the own PIN for the log-in at the own branch',
  description:
    'The branch gets a hash of it within some 5 s while it can reach the database. From then on POST /auth/pin works there, ' +
    'also without a line to Central.',
  access: { cashier: 'any', 'branch-manager': 'any' },
  body: z.strictObject({ password: passwordSchema, pin: newPinSchema }),
  answers: { 204: { description: 'Set' } },
  problems: PASSWORD_PROBLEMS,
});

const listSessions = operation({
  id: 'listSessions',
  summary: 'The own sessions, the newest first',
  access: PERSON,
  answers: {
    200: {
      description: 'Sessions that have not ended, at most 100',
      body: z.object({
        items: z.array(
          z.object({
            sessionId: uuidSchema,
            isCurrent: z
              .boolean()
              .meta({ description: 'Whether the access token of the request belongs to this session' }),
            createdAt: timestampSchema,
            usedAt: timestampSchema.nullable().meta({ description: 'Last use of a refresh token' }),
            endsAt: timestampSchema.meta({ description: 'End of the session if its refresh token is not used again' }),
          }),
        ),
      }),
    },
  },
  problems: STORE_PROBLEMS,
});

const endSession = operation({
  id: 'endSession',
  summary: 'End one of the own sessions',
  description:
    'It needs the password, so that a thief of a session does not end those of its owner. For a session that has ended ' +
    'or is not the caller’s, nothing changes and the response is the same.',
  access: PERSON,
  path: z.strictObject({ sessionId: uuidSchema }),
  body: z.strictObject({ password: passwordSchema }),
  answers: { 204: { description: 'Ended' } },
  problems: PASSWORD_PROBLEMS,
});

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(private readonly identity: Identity) {}

  @Post('login')
  @Operation(logIn)
  async logIn(@Input(logIn) { body }: InputOf<typeof logIn>, @Ip() address: string): Promise<HttpResponse> {
    const result = await fromIdentity(this.identity.logIn({ ...body, address }));
    if ('type' in result) throw refusalProblem(result);
    return respond(200, shown(result));
  }

  @Post('refresh')
  @Operation(refresh)
  async refresh(@Input(refresh) { body }: InputOf<typeof refresh>): Promise<HttpResponse> {
    const tokens = await fromIdentity(this.identity.refresh(body.refreshToken));
    if (tokens === undefined) throw problem('session-ended');
    return respond(200, shown(tokens));
  }

  @Post('logout')
  @Operation(logOut)
  async logOut(@Input(logOut) { body }: InputOf<typeof logOut>): Promise<HttpResponse> {
    await fromIdentity(this.identity.logOut(body.refreshToken, body));
    return respond(204, undefined);
  }

  @Post('token')
  @Operation(token)
  async token(@Input(token) { body }: InputOf<typeof token>, @Ip() address: string): Promise<HttpResponse> {
    const credentials = { login: body.client_id, password: body.client_secret, address };
    const result = await fromIdentity(this.identity.tokenFor(credentials));
    if ('type' in result) throw refusalProblem(result);
    const { accessToken, accessTokenSeconds } = result;
    return respond(200, { access_token: accessToken, token_type: 'Bearer', expires_in: accessTokenSeconds });
  }

  @Post('password')
  @Operation(changePassword)
  async changePassword(
    @Input(changePassword) { body, caller }: InputOf<typeof changePassword>,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const { id, sessionId } = caller.principal;
    const result = await fromIdentity(this.identity.changePassword(id, { ...body, sessionId, address }));
    if (result !== 'changed') throw refusalProblem(result);
    return respond(204, undefined);
  }

  @Put('pin')
  @Operation(setPin)
  async setPin(@Input(setPin) { body, caller }: InputOf<typeof setPin>, @Ip() address: string): Promise<HttpResponse> {
    const result = await fromIdentity(this.identity.setPin(caller.principal.id, { ...body, address }));
    if (result !== 'changed') throw refusalProblem(result);
    return respond(204, undefined);
  }

  @Get('sessions')
  @Operation(listSessions)
  async sessions(@Input(listSessions) { caller }: InputOf<typeof listSessions>): Promise<HttpResponse> {
    const { id, sessionId: current } = caller.principal;
    const sessions = await fromIdentity(this.identity.sessions(id));
    const items = sessions.map(({ sessionId, createdAtMs, usedAtMs, endsAtMs }) => ({
      sessionId,
      isCurrent: sessionId === current,
      createdAt: new Date(createdAtMs).toISOString(),
      usedAt: usedAtMs === null ? null : new Date(usedAtMs).toISOString(),
      endsAt: new Date(endsAtMs).toISOString(),
    }));
    return respond(200, { items });
  }

  @Post('sessions/:sessionId/end')
  @Operation(endSession)
  async endSession(
    @Input(endSession) { path, body, caller }: InputOf<typeof endSession>,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const result = await fromIdentity(this.identity.endSession(caller.principal.id, { ...path, ...body, address }));
    if (typeof result === 'object') throw refusalProblem(result);
    return respond(204, undefined);
  }
}

function shown({ accessToken, accessTokenSeconds, refreshToken, sessionId }: SessionTokens) {
  return { accessToken, accessTokenSeconds, refreshToken, sessionId };
}
