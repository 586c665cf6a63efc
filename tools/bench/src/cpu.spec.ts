import fc from 'fast-check';
import {
  cpuMicrosPerOrder,
  othersShare,
  readBusyTicks,
  readStat,
  sampleCpu,
  ticksOf,
  type ProcessStat,
} from './cpu.js';

describe('/proc', () => {
  it('is parsed despite a name with blanks and brackets', () => {
    const text = '42 (a ) b (c) S 7 42 42 0 -1 4194304 99 0 0 0 11 22 33 44 20 0 1 0 1252614 3133440 357\n';
    expect(readStat(text)).toEqual({ pid: 42, parent: 7, ticks: 11 + 22 + 33 + 44 });
  });

  it('counts CPU time, but neither idle time nor time stolen by other machines', () => {
    expect(readBusyTicks('cpu  100 20 30 9000 800 7 5 600 4 3\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n')).toBe(162);
  });

  it('reports the CPU time of this process', () => {
    const components = { me: [process.pid] };
    const before = sampleCpu(components)?.me ?? 0;
    const untilMs = performance.now() + 300;
    while (performance.now() < untilMs);
    expect((sampleCpu(components)?.me ?? 0) - before).toBeGreaterThan(0);
  });
});

describe('a component', () => {
  const processes = fc
    .array(fc.record({ parent: fc.nat(), ticks: fc.nat(1000) }), { minLength: 1, maxLength: 30 })
    // Each is the child of an earlier one; the first of none.
    .map((list) =>
      list.map(({ parent, ticks }, index) => ({
        pid: index + 1,
        parent: index === 0 ? 0 : (parent % index) + 1,
        ticks,
      })),
    );

  it('is its process and all below it, each once', () => {
    fc.assert(
      fc.property(processes, fc.nat(), (stats, choice) => {
        const root = (choice % stats.length) + 1;
        const isBelow = (each: ProcessStat): boolean => {
          const parent = stats.find(({ pid }) => pid === each.parent);
          return each.pid === root || (parent !== undefined && isBelow(parent));
        };
        const expected = stats.filter(isBelow).reduce((sum, { ticks }) => sum + ticks, 0);
        expect(ticksOf(stats, [root])).toBe(expected);
      }),
    );
  });

  it('may be several processes', () => {
    const stats = [1, 2, 3].map((pid) => ({ pid, parent: 0, ticks: pid }));
    expect(ticksOf(stats, [1, 3, 99])).toBe(4);
  });
});

describe('CPU an order', () => {
  it('is in µs, and the time of other processes is separate', () => {
    const before = { API: 1000, writer: 50, machine: 10_000 };
    const after = { API: 1200, writer: 150, machine: 10_700 };
    expect(cpuMicrosPerOrder(before, after, 1000)).toEqual({ API: 200, writer: 100, others: 400 });
  });

  it('is never negative, although the clocks of processes and machine differ', () => {
    expect(cpuMicrosPerOrder({ API: 0, machine: 0 }, { API: 30, machine: 20 }, 1).others).toBe(0);
  });
});

it('reports the share of other processes', () => {
  expect(othersShare({ API: 30, writer: 30, others: 20 })).toBe(0.25);
  expect(othersShare({})).toBeUndefined();
});
