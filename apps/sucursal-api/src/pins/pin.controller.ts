import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { EVERYBODY, fromIdentity, PASSWORD_PROBLEMS, refusalProblem } from '@eco/api/auth';
import { BranchPins, loginSchema } from '@eco/identity';
import { Input, operation, Operation, respond, type HttpResponse, type InputOf } from '@eco/service';
import { z } from 'zod';

/** A PIN as it is typed in. A wrong one is refused like an unknown account, whatever its form. */
const pinSchema = z
  .string()
  .max(12, 'must have at most 12 digits')
  .meta({ description: 'PIN of the account', examples: ['493817'] });

const logIn = operation({
  id: 'logInByPin',
  summary: 'Log in at this branch by PIN, also without a line to Central',
  description:
    'For staff of the branch who have set a PIN at Central. The token is valid for one hour, at this branch only. After 5 ' +
    'wrong PINs within 15 minutes further ones are refused.',
  access: EVERYBODY,
  body: z.strictObject({ login: loginSchema, pin: pinSchema }),
  answers: {
    200: {
      description: 'Logged in',
      body: z.object({
        accessToken: z.string().meta({ description: 'Access token, sent as `Authorization: Bearer …`' }),
        accessTokenSeconds: z
          .number()
          .int()
          .meta({ description: 'Validity of the access token, s', examples: [3600] }),
      }),
    },
  },
  problems: PASSWORD_PROBLEMS,
});

@ApiTags('auth')
@Controller('auth')
export class PinController {
  constructor(private readonly pins: BranchPins) {}

  @Post('pin')
  @Operation(logIn)
  async logIn(@Input(logIn) { body }: InputOf<typeof logIn>): Promise<HttpResponse> {
    const result = await fromIdentity(this.pins.logIn(body.login, body.pin));
    if ('type' in result) throw refusalProblem(result);
    return respond(200, result);
  }
}
