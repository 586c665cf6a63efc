import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { changesPageSchema, changesQuerySchema, formatChangesCursor, type ChangesCursor } from '@eco/contracts';
import {
  respond,
  Input,
  operation,
  Operation,
  problem,
  type HttpResponse,
  type InputOf,
  type ProblemError,
} from '@eco/service';
import { ChangesReader, Reads, type ChangesRequest, type ReadOptions } from '@eco/reads';
import { headersOf, problemOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';

const listChanges = operation({
  id: 'listChanges',
  summary: 'Changes made by the batches of a group, in order',
  description:
    'At most `limit` changes, so a page may end inside a batch; `next` says where to go on. Events announce changes; ' +
    'this is where they are. A consumer that brings the position of an event gets at least what the event announced. ' +
    'When a failover has lost what `after` names, or it is beyond the end, the problem `position-lost` (410) has the ' +
    'member `continueFrom`: the last place that is still in the history, to ask for `after`.',
  access: { integration: 'events' },
  query: changesQuerySchema,
  headers: readHeadersSchema,
  examples: { after: '0' },
  answers: { 200: { description: 'One page', body: changesPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: [...READ_PROBLEMS],
});

@ApiTags('changes')
@Controller('changes')
export class ChangesController {
  readonly #changes: ChangesReader;

  constructor(private readonly reads: Reads) {
    this.#changes = new ChangesReader(reads);
  }

  @Get()
  @Operation(listChanges)
  list(@Input(listChanges) { query, headers }: InputOf<typeof listChanges>): Promise<HttpResponse> {
    return pageOf(this.#changes, { ...query, group: groupAsked(this.reads, query.group) }, readOptionsOf(headers));
  }
}

/** The response to a request for a page. */
export async function pageOf(
  changes: ChangesReader,
  request: ChangesRequest,
  options: ReadOptions,
): Promise<HttpResponse> {
  const { group, topic, after, branchId } = request;
  const read = await changes.read(request, options);
  if (read.type === 'cursor-lost') throw lost(group, after, read.continueFrom);
  if (read.type !== 'page') throw problemOf(read);
  const { upToSeq, next, more, homeEpoch, source } = read;
  const body = { group, topic, changes: read.changes, upToSeq, next: formatChangesCursor(next), more };
  return respond(200, branchId === undefined ? body : { ...body, homeEpoch }, headersOf([source], options));
}

/** A request may omit the group while there is only one. */
export function groupAsked({ groupIds }: Reads, asked: string | undefined): string {
  const [only, ...others] = groupIds;
  if (asked === undefined && only !== undefined && others.length === 0) return only;
  if (asked !== undefined && groupIds.includes(asked)) return asked;
  throw problem('bad-input', { faults: [{ at: 'query.group', message: `must be one of ${groupIds.join(', ')}` }] });
}

function lost(group: string, cursor: ChangesCursor, continueFrom: ChangesCursor): ProblemError {
  return problem('position-lost', {
    detail:
      `${formatChangesCursor(cursor)} is not in the history of group ${group}. ` +
      `Discard positions of this group, and continue after ${formatChangesCursor(continueFrom)}`,
    members: { continueFrom: formatChangesCursor(continueFrom) },
  });
}
