import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { changesPageSchema, changesQuerySchema } from '@eco/contracts';
import { answer, Input, operation, Operation, problem, type Answer, type InputOf } from '@eco/edge';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { changeOf, changesQuery } from './changes.query.js';

const listChanges = operation({
  summary: 'What the batches of a group did, in order',
  description:
    'Whole batches, so a page may hold more changes than its limit. Events announce changes; this is where they are. ' +
    'A consumer that brings the position of an event gets at least what the event announced.',
  query: changesQuerySchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'One page', body: changesPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: [...READ_PROBLEMS],
});

@ApiTags('changes')
@Controller('changes')
export class ChangesController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listChanges)
  async list(@Input(listChanges) { query, headers }: InputOf<typeof listChanges>): Promise<Answer> {
    const { topic, after, limit } = query;
    const group = this.#groupOf(query.group);
    const reader = readerOf(headers);
    const result = await this.reads.ofGroup(group, changesQuery(topic), [topic, after, limit], reader);
    const { rows, beside, source } = answered(result);
    const last = rows.at(-1);
    const more = last !== undefined && last.seq < (beside.last_seq ?? 0);
    // Beyond its last change the topic has nothing up to where the node stands, or to where the reader stands already.
    const upToSeq = more ? last.seq : Math.max(source.seq, after);
    return answer(200, { group, topic, changes: rows.map(changeOf), upToSeq, more }, headersOf([source], reader));
  }

  #groupOf(asked: string | undefined): string {
    const { groupIds } = this.reads;
    const [only, ...others] = groupIds;
    if (asked === undefined && only !== undefined && others.length === 0) return only;
    if (asked !== undefined && groupIds.includes(asked)) return asked;
    throw problem('bad-input', { faults: [{ at: 'query.group', message: `must be one of ${groupIds.join(', ')}` }] });
  }
}
