import { Controller, Ip, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { EVERYBODY, fromIdentity, refusalProblem, STORE_PROBLEMS } from '@eco/api/auth';
import { z } from 'zod';
import { customerIdSchema, emailSchema, personNameSchema } from '@eco/contracts';
import { CustomerAccounts, newPasswordSchema, type TooMany } from '@eco/identity';
import { CommandIntake } from '@eco/intake';
import { branchOf, Input, operation, Operation, problem, respond, type HttpResponse, type InputOf } from '@eco/service';

/** Longest wait of a confirmation for the decision about the new customer, s. */
const WAIT_SECONDS = 5;

const codeSchema = z
  .string()
  .max(80, 'must have at most 80 characters')
  .meta({ description: 'The code in the mail', examples: ['kQ3T-9xYw'] });
const emailBodySchema = z.strictObject({ email: emailSchema });

const signUp = operation({
  id: 'signUp',
  summary: 'Sign up as a customer: get a code by mail',
  description:
    'The response is the same whether or not the address has an account; only its owner learns that, by mail. The mail ' +
    'contains nothing that the client sent. At most 3 mails go to one address within 15 minutes.',
  access: EVERYBODY,
  body: emailBodySchema,
  answers: { 202: { description: 'A mail is on its way' } },
  problems: ['too-many-attempts', ...STORE_PROBLEMS],
});

const confirmSignUp = operation({
  id: 'confirmSignUp',
  summary: 'Confirm the e-mail address, and make the account and the customer',
  description: 'Only a reader of the mail can set the password. A code can be used once, within 24 hours.',
  access: EVERYBODY,
  body: z.strictObject({ code: codeSchema, name: personNameSchema, password: newPasswordSchema }),
  answers: {
    201: {
      description: 'Signed up: log in now',
      body: z.object({ customerId: customerIdSchema }),
      headers: ['Location'],
    },
  },
  problems: ['code-unknown', 'not-accepted', 'acceptance-unknown', 'dead-letter', ...STORE_PROBLEMS],
});

const requestReset = operation({
  id: 'requestPasswordReset',
  summary: 'Get a code by mail to set another password, as a customer',
  description: 'The response is the same whether or not the address has an account.',
  access: EVERYBODY,
  body: emailBodySchema,
  answers: { 202: { description: 'If the address has an account, a mail is on its way' } },
  problems: ['too-many-attempts', ...STORE_PROBLEMS],
});

const resetPassword = operation({
  id: 'confirmPasswordReset',
  summary: 'Set another password by the code of a mail',
  description: 'All sessions of the account end. A code can be used once, within one hour.',
  access: EVERYBODY,
  body: z.strictObject({ code: codeSchema, password: newPasswordSchema }),
  answers: { 204: { description: 'The password is set: log in now' } },
  problems: ['code-unknown', ...STORE_PROBLEMS],
});

@ApiTags('auth')
@Controller('auth')
export class SignUpController {
  constructor(
    private readonly customers: CustomerAccounts,
    private readonly intake: CommandIntake,
  ) {}

  @Post('sign-up')
  @Operation(signUp)
  async signUp(@Input(signUp) { body }: InputOf<typeof signUp>, @Ip() address: string): Promise<HttpResponse> {
    return accepted(await fromIdentity(this.customers.requestSignUp(body.email, address)));
  }

  /**
   * The customer is registered first, under an id that the sign-up determines. A repeat after a lost response or a
   * restart of this process is therefore the same command.
   */
  @Post('sign-up/confirm')
  @Operation(confirmSignUp)
  async confirm(
    @Input(confirmSignUp) { body, correlationId, trace, caller }: InputOf<typeof confirmSignUp>,
  ): Promise<HttpResponse> {
    const mail = await fromIdentity(this.customers.findSignUp(body.code));
    if (mail === undefined) throw unknownCode();
    const customerId = mail.mailId;
    const requester = { principal: caller.principal, idempotencyKey: customerId };
    const submission = await this.intake.submit({
      ...requester,
      id: this.intake.commandId(requester, 'customer.register', customerId),
      kind: 'customer.register',
      body: {
        customerId,
        name: body.name,
        email: mail.email,
        branchId: branchOf(caller, this.intake.branchId),
        // Only a reader of the mail knows the code.
        emailConfirmed: true,
      },
      correlationId,
      trace,
      waitSeconds: WAIT_SECONDS,
    });
    if (submission.type === 'not-accepted' || submission.type === 'acceptance-unknown') {
      throw problem(submission.type, { detail: `${submission.obstacle}. Send the same request again.` });
    }
    if (submission.type === 'answered' && submission.reply.type === 'dead-letter') throw problem('dead-letter');
    // The command may also be refused, or conflict with the name of an earlier try. In both cases an earlier try has
    // registered the customer, under the name that it sent.
    if (!(await fromIdentity(this.customers.completeSignUp(mail, body.password)))) throw unknownCode();
    return respond(201, { customerId }, { Location: `/customers/${customerId}` });
  }

  @Post('password-reset')
  @Operation(requestReset)
  async requestReset(
    @Input(requestReset) { body }: InputOf<typeof requestReset>,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    return accepted(await fromIdentity(this.customers.requestReset(body.email, address)));
  }

  @Post('password-reset/confirm')
  @Operation(resetPassword)
  async reset(@Input(resetPassword) { body }: InputOf<typeof resetPassword>): Promise<HttpResponse> {
    if (!(await fromIdentity(this.customers.resetPassword(body.code, body.password)))) throw unknownCode();
    return respond(204, undefined);
  }
}

function accepted(refusal: TooMany | undefined): HttpResponse {
  if (refusal !== undefined) throw refusalProblem(refusal);
  return respond(202, undefined);
}

function unknownCode() {
  return problem('code-unknown', {
    detail: 'If you have used the code already, log in. Otherwise ask for another one.',
  });
}
