import { HttpException } from '@nestjs/common';
import { problem, ProblemError } from './problem.js';

/**
 * Most bytes of a request's body. The largest valid body, an order of 200 lines, has 20 kB. An order of 10,000 lines is
 * within this limit, so its problem states that it has too many lines.
 */
export const BODY_BYTES_MAX = 512 * 1024;

/**
 * The one table from any thrown error (of this code, Fastify or Nest) to its problem. An error that is not in it is a
 * bug, and its details stay inside.
 */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const { code, message } = error as { code?: string; message?: string };
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('body-too-large', {
        faults: [{ at: '', message: `the body must be at most ${BODY_BYTES_MAX} bytes` }],
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem('unsupported-media-type', {
        faults: [{ at: 'header.content-type', message: 'must be application/json' }],
      });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return problem('bad-input', { faults: [{ at: 'header.content-length', message: 'differs from what was sent' }] });
    case 'FST_ERR_BAD_URL':
      return problem('bad-input', { faults: [{ at: 'path', message: 'is not correctly percent-encoded UTF-8' }] });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return problem('bad-input', { faults: [{ at: 'path', message: 'has a part that is too long' }] });
    default:
  }
  // All other client errors that Fastify reports, such as an incomplete body.
  if (code?.startsWith('FST_ERR_') && isClientError((error as { statusCode?: unknown }).statusCode)) {
    return problem('bad-input', { detail: message });
  }
  if (error instanceof HttpException && isClientError(error.getStatus())) {
    return problem(error.getStatus() === 404 ? 'not-found' : 'bad-input', { detail: error.message });
  }
  return problem('internal', { cause: error });
}

function isClientError(status: unknown): boolean {
  return typeof status === 'number' && status >= 400 && status < 500;
}
