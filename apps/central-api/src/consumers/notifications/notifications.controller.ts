import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { READ_ANSWER_HEADERS, readHeadersSchema } from '@eco/api/reads';
import { Consumers } from '@eco/consumers';
import { instantSchema, notificationPageSchema, pageQuerySchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { isUuid } from '@eco/routing';
import { answerFrom, STORE_PROBLEMS } from '../consumer-answer.js';
import { Notification } from './notification.entity.js';
import { notificationsConsumer } from './notifications.consumer.js';

const listNotifications = operation({
  id: 'listNotifications',
  summary: 'Notifications to people, oldest first, with their state',
  description: 'E-mail addresses are masked. Without a mail server all stay `unsent` and are sent once there is one.',
  access: { manager: 'any', administrator: 'any' },
  query: pageQuerySchema,
  headers: readHeadersSchema,
  examples: { after: '2026-11-24T12:00:00.000Z/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e' },
  answers: { 200: { description: 'One page', body: notificationPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: STORE_PROBLEMS,
});

@ApiTags('notifications')
@Controller('notifications')
export class NotificationsController {
  constructor(private readonly consumers: Consumers) {}

  @Get()
  @Operation(listNotifications)
  async list(
    @Input(listNotifications) { query, headers: asked }: InputOf<typeof listNotifications>,
  ): Promise<HttpResponse> {
    const { limit } = query;
    const place = placeOf(query.after);
    const { result, headers } = await answerFrom(this.consumers, notificationsConsumer, asked, (manager) =>
      manager
        .getRepository(Notification)
        .createQueryBuilder('n')
        .where(place === undefined ? 'true' : '(n.created_at, n.id) > (:createdAt, :id)', place ?? {})
        .orderBy('n.createdAt')
        .addOrderBy('n.id')
        .take(limit + 1)
        .getMany(),
    );
    const items = result.slice(0, limit).map(({ id, nextTryAt: _, createdAt, sentAt, email, lastError, ...rest }) => ({
      notificationId: id,
      ...rest,
      email: withMaskedAddresses(email),
      lastError: lastError === null ? null : withMaskedAddresses(lastError),
      createdAt: createdAt.toISOString(),
      sentAt: sentAt?.toISOString() ?? null,
    }));
    const last = items.at(-1);
    const next = result.length > limit && last !== undefined ? `${last.createdAt}/${last.notificationId}` : null;
    return respond(200, { items, next }, headers);
  }
}

/**
 * Masks e-mail addresses: the first letter and the domain stay. This is enough to recognize an address and too little
 * to write to it.
 */
function withMaskedAddresses(text: string): string {
  return text.replace(/([^\s<>"@])[^\s<>"@]*@/gu, '$1***@');
}

function placeOf(after: string | undefined): { createdAt: string; id: string } | undefined {
  if (after === undefined) return undefined;
  const [createdAt = '', id = '', ...rest] = after.split('/');
  const at = instantSchema.safeParse(createdAt).data;
  if (at !== undefined && isUuid(id) && rest.length === 0) return { createdAt: at, id };
  throw problem('bad-input', {
    faults: [{ at: 'query.after', message: 'must be the next of a page: <createdAt>/<notificationId>' }],
  });
}
