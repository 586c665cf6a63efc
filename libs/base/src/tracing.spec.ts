import fc from 'fast-check';
import { formatTraceParent, parseTraceParent } from './tracing.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((text) => /[^0]/.test(text));

describe('traceparent', () => {
  it('is parsed as it was formatted', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const parent = { traceId, spanId, sampled };
        expect(parseTraceParent(formatTraceParent(parent))).toEqual(parent);
      }),
    );
  });

  it.each([
    ['a newer version with more fields', `01-${TRACE}-${SPAN}-01-more`, true],
    ['flags that this version does not know', `00-${TRACE}-${SPAN}-fe`, false],
  ])('accepts %s', (_what, text, sampled) => {
    expect(parseTraceParent(text)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  it.each([
    ['nothing', ''],
    ['the invalid version', `ff-${TRACE}-${SPAN}-01`],
    ['more fields in version 00', `00-${TRACE}-${SPAN}-01-more`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['two headers', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ['a long text', `01-${TRACE}-${SPAN}-01-${'x'.repeat(1000)}`],
    ['a line break', `00-${TRACE}-${SPAN}-01\n`],
  ])('refuses %s', (_what, text) => {
    expect(parseTraceParent(text)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseTraceParent(text) === undefined));
  });
});
