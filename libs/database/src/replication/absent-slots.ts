import type { SideConnection } from '@eco/postgres';

/** A slot on the primary whose replica is not connected and which holds back vacuum of every table. */
export interface AbsentSlot {
  readonly slot: string;
  /** Time for which this has been observed without interruption, ms. */
  readonly absentMs: number;
}

/** Measures how long each slot has held back vacuum without its replica, by the observer's own clock. */
export class AbsentSlots {
  readonly #since = new Map<string, number>();

  /**
   * `slots`: the slots that hold back vacuum without their replica now. `nowMs` comes from a clock that never runs
   * back.
   */
  observe(slots: readonly string[], nowMs: number): AbsentSlot[] {
    for (const slot of this.#since.keys()) if (!slots.includes(slot)) this.#since.delete(slot);
    return slots.map((slot) => {
      const since = this.#since.get(slot) ?? nowMs;
      this.#since.set(slot, since);
      return { slot, absentMs: nowMs - since };
    });
  }
}

/** Slots of unconnected replicas that hold back vacuum. Asked of the primary, as eco_writer. */
export async function readAbsentSlots(primary: SideConnection, deadlineMs?: number): Promise<string[]> {
  const rows = await primary.ask<{ slot: string }>(ABSENT, [], deadlineMs);
  return rows.map(({ slot }) => slot);
}

/**
 * Recreates the slot, which then holds back nothing until its replica returns. False: the replica is back, or the slot
 * is gone.
 */
export async function renewAbsentSlot(primary: SideConnection, slot: string, deadlineMs?: number): Promise<boolean> {
  const [row] = await primary.ask<{ renewed: boolean }>(
    'SELECT eco_slots.renew_absent_slot($1) AS renewed',
    [slot],
    deadlineMs,
  );
  return row?.renewed === true;
}

const ABSENT = `
SELECT s.slot_name AS slot FROM pg_replication_slots s
WHERE s.slot_type = 'physical' AND NOT s.active AND NOT s.temporary
  AND (s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL)
ORDER BY s.slot_name`;
