/** Progress of a long task, in phases. */
export interface ProgressBar {
  /** Starts a phase of `total` steps; the previous one stays shown as done. */
  phase(title: string, total: number): void;
  step(done: number): void;
  end(): void;
}

const WIDTH = 30;
const REFRESH_MS = 100;

/**
 * One line per phase. In a terminal the line is redrawn; elsewhere (a log, CI) each phase is printed once when it ends,
 * so that the output is not full of half-drawn bars.
 */
export function progressBar(stream: NodeJS.WriteStream): ProgressBar {
  let title = '';
  let total = 0;
  let done = 0;
  let startedMs = 0;
  let drawnMs = 0;
  const line = (): string => {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(share * WIDTH);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const counts = `${done.toLocaleString('en-US')}/${total.toLocaleString('en-US')}`;
    return `${title.padEnd(22)} ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${counts}  ${seconds} s`;
  };
  const draw = (): void => {
    if (stream.isTTY) stream.write(`\r\u001b[K${line()}`);
    drawnMs = performance.now();
  };
  const finish = (): void => {
    if (title === '') return;
    stream.write(stream.isTTY ? `\r\u001b[K${line()}\n` : `${line()}\n`);
    title = '';
  };
  return {
    phase(nextTitle, nextTotal) {
      finish();
      title = nextTitle;
      total = nextTotal;
      done = 0;
      startedMs = performance.now();
      draw();
    },
    step(nextDone) {
      done = nextDone;
      if (performance.now() - drawnMs >= REFRESH_MS) draw();
    },
    end: finish,
  };
}
