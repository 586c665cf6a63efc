import { expectedCents, openedShift, type ShiftFigures } from '@eco/till';
import { pagesOfRequest, type Recorder } from './recorder.js';
import type {
  Asked,
  CloseShiftRefusal,
  CloseShiftRequest,
  OpenShiftRefusal,
  OpenShiftRequest,
  Page,
  Recorded,
  Shift,
  Till,
} from './types.js';

interface ShiftRow {
  readonly shift_id: string;
  readonly till: string;
  readonly opened_at: string;
  readonly opened_by: string | null;
  readonly closed_at: string | null;
  readonly counted_cents: number | null;
  readonly figures: string;
}

const PAGES = pagesOfRequest(0, 0);
const LAST = Number.MAX_SAFE_INTEGER;

/** The tills of the branch and their shifts. */
export class Shifts {
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** A till that is registered again gets the new name. */
  registerTill(request: Asked & { readonly till: string; readonly name: string }): Promise<Recorded<Till>> {
    const { sql } = this.#recorder;
    const { till, name } = request;
    return this.#recorder.record<Till>(request, { of: 'till', till, name }, PAGES, ({ nowText }) => {
      sql.run(
        'INSERT INTO tills VALUES (?, ?, ?) ON CONFLICT (till) DO UPDATE SET name = excluded.name',
        till,
        name,
        nowText,
      );
      return { value: this.till(till) as Till };
    });
  }

  till(till: string): Till | undefined {
    return this.#recorder.sql.get<Till>(
      'SELECT till, name, registered_at AS "registeredAt" FROM tills WHERE till = ?',
      till,
    );
  }

  tills(): Till[] {
    return this.#recorder.sql.all<Till>('SELECT till, name, registered_at AS "registeredAt" FROM tills ORDER BY till');
  }

  /** The id of the request is the id of the shift, and later of the command that reports its close. */
  open(request: OpenShiftRequest): Promise<Recorded<Shift, OpenShiftRefusal>> {
    const { sql } = this.#recorder;
    const { id, till, openingCents, actor } = request;
    return this.#recorder.record<Shift, OpenShiftRefusal>(
      request,
      { of: 'shift', till, openingCents },
      PAGES,
      ({ nowText }) => {
        if (this.till(till) === undefined) return { refusal: { reason: 'till-unknown' } };
        if (this.openShiftOf(till) !== undefined) return { refusal: { reason: 'shift-open' } };
        sql.run(
          'INSERT INTO shifts (shift_id, till, opened_at, opened_by, figures) VALUES (?, ?, ?, ?, ?)',
          id,
          till,
          nowText,
          actor?.id ?? null,
          JSON.stringify(openedShift(openingCents)),
        );
        return { value: this.shift(id) as Shift };
      },
    );
  }

  /** Reports the shift's figures. Its sales are in the log before. */
  close(request: CloseShiftRequest): Promise<Recorded<Shift, CloseShiftRefusal>> {
    const { sql } = this.#recorder;
    const { shiftId, countedCents } = request;
    return this.#recorder.record<Shift, CloseShiftRefusal>(
      request,
      { of: 'close', shiftId, countedCents },
      PAGES,
      (step) => {
        const shift = this.shift(shiftId);
        if (shift === undefined) return { refusal: { reason: 'shift-unknown' } };
        if (shift.closedAt !== null) return { refusal: { reason: 'shift-closed' } };
        if (step.holder.sequence === 0) return { refusal: { reason: 'frozen' } };
        const { figures, till, openedAt } = shift;
        sql.run(
          'UPDATE shifts SET closed_at = ?, counted_cents = ? WHERE shift_id = ?',
          step.nowText,
          countedCents,
          shiftId,
        );
        const { openingCents, sales, voids, returns, totalCents } = figures;
        const body = {
          ...{ shiftId, till, openedAt, closedAt: step.nowText },
          ...{ openingCents, expectedCents: expectedCents(figures), countedCents },
          ...{ sales, voids, returns, totalCents },
        };
        step.entry('shift.close', shiftId, body, request);
        return { value: this.shift(shiftId) as Shift };
      },
    );
  }

  shift(shiftId: string): Shift | undefined {
    const row = this.#recorder.sql.get<ShiftRow>('SELECT * FROM shifts WHERE shift_id = ?', shiftId);
    return row && shiftOf(row);
  }

  openShiftOf(till: string): Shift | undefined {
    const row = this.#recorder.sql.get<ShiftRow>('SELECT * FROM shifts WHERE till = ? AND closed_at IS NULL', till);
    return row && shiftOf(row);
  }

  /** The latest first. */
  page({ limit, before }: Page): Shift[] {
    return this.#recorder.sql
      .all<ShiftRow>(
        `SELECT * FROM shifts WHERE n < coalesce((SELECT n FROM shifts WHERE shift_id = ?), ${LAST})
         ORDER BY n DESC LIMIT ?`,
        before ?? '',
        limit,
      )
      .map(shiftOf);
  }

  storeFigures(shiftId: string, figures: ShiftFigures): void {
    this.#recorder.sql.run('UPDATE shifts SET figures = ? WHERE shift_id = ?', JSON.stringify(figures), shiftId);
  }
}

function shiftOf(row: ShiftRow): Shift {
  return {
    shiftId: row.shift_id,
    till: row.till,
    openedAt: row.opened_at,
    openedBy: row.opened_by,
    closedAt: row.closed_at,
    countedCents: row.counted_cents,
    figures: JSON.parse(row.figures) as ShiftFigures,
  };
}
