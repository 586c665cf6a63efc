import { hostPort, sleep } from '@eco/base';
import type { NodeRoles } from '@eco/postgres';
import type { WriterSession } from './session.js';

/**
 * Time without an answer of the node after which the session is given up, ms. It is this long because a busy server is
 * not a dead one.
 */
const SILENCE_MS = 8000;
const BACKEND = { everyMs: 1000, answerMs: 3000 };
/** A node that answers later than this was not promoted just now; it is asked again. */
const PROMOTION = { everyMs: 500, answerMs: 1000 };

/**
 * Checks the session over other connections: its own socket may show nothing for minutes, and no timeout may cut its
 * COMMIT short. Destroys the session when its backend is gone, when its node answers neither the watch nor the session
 * for 8 s, or when another node was promoted. It also reports to the session whether its COMMIT waits for a replica.
 * `timeline`: the node's timeline when the session was opened. Returns a function that ends the watch.
 */
export function watchSession(session: WriterSession, nodes: NodeRoles, timeline: number): () => void {
  const stop = new AbortController();
  let answeredAt = performance.now();
  const looks = {
    promotion: async () => {
      const primary = await nodes.primary(timeline, PROMOTION.answerMs);
      if (primary === undefined || primary.timeline <= timeline) return undefined;
      return `${hostPort(primary.node)} was promoted (timeline ${primary.timeline} after ${timeline})`;
    },
    backend: async () => {
      const connection = nodes.connection(session.node);
      const asked = connection?.ask<{ waits: boolean }>(BACKEND_SQL, [session.backendPid], BACKEND.answerMs);
      const backends = await asked?.catch(() => undefined);
      if (backends?.length === 0) return 'its backend is gone';
      if (backends !== undefined) {
        answeredAt = performance.now();
        session.observeReplicaWait(backends[0]?.waits === true);
      } else if (Math.min(performance.now() - answeredAt, session.silentMs) >= SILENCE_MS) {
        return `${hostPort(session.node)} does not answer`;
      }
      return undefined;
    },
  };
  const again = async (look: () => Promise<string | undefined>, everyMs: number) => {
    while (!stop.signal.aborted) {
      const gone = await look();
      if (stop.signal.aborted) return;
      if (gone !== undefined) return session.destroy(new Error(`the session was given up: ${gone}`));
      await sleep(everyMs, stop.signal);
    }
  };
  void again(looks.promotion, PROMOTION.everyMs);
  void again(looks.backend, BACKEND.everyMs);
  void session.ended.then(() => stop.abort());
  return () => stop.abort();
}

const BACKEND_SQL = `SELECT a.wait_event IS NOT DISTINCT FROM 'SyncRep' AS waits FROM pg_stat_activity a WHERE a.pid = $1`;
