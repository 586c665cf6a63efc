import { sleep } from '@eco/base';

const READY_MS = 60_000;
const PAUSE_MS = 500;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Repeats a request while the answer is 503, for at most a minute: a service is ready before it has reached every server
 * that a request needs. Resolves with the last answer.
 */
export async function askUntilReady(send: () => Promise<Response>): Promise<Answer> {
  const end = performance.now() + READY_MS;
  for (;;) {
    const response = await send();
    const answer = { status: response.status, text: await response.text() };
    if (answer.status !== 503 || performance.now() > end) return answer;
    await sleep(PAUSE_MS);
  }
}
