import { readFileSync } from 'node:fs';

/*
 * Loaded into a service before its program (node --require): its clock is ahead by the milliseconds in a file. The signal
 * SIGUSR2 makes it read the file again.
 */

const file = process.env['ECO_TEST_CLOCK'] ?? '';
const RealDate = Date;
let aheadMs = 0;

function read(): void {
  aheadMs = Number(readFileSync(file, 'utf8'));
}

class ShiftedDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(ShiftedDate.now());
    else super(...(given as [number]));
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

read();
process.on('SIGUSR2', read);
globalThis.Date = ShiftedDate as DateConstructor;
