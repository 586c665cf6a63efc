import type { receiptFormats } from '@eco/contracts';

export type ReceiptFormat = (typeof receiptFormats)[number];

export const receiptTypes: Readonly<Record<ReceiptFormat, string>> = {
  json: 'application/json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  escpos: 'application/octet-stream',
};

/** The form that a client accepts with the greatest weight; of equal weights the first one (RFC 9110, 12.5.1). */
export function formatOf(accept = ''): ReceiptFormat {
  let best: { readonly format: ReceiptFormat; readonly weight: number } = { format: 'json', weight: 0 };
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1);
    const format = formats.find((each) => type === receiptTypes[each].split(';')[0]);
    if (format !== undefined && weight > best.weight) best = { format, weight };
  }
  return best.format;
}

const formats = Object.keys(receiptTypes) as readonly ReceiptFormat[];
