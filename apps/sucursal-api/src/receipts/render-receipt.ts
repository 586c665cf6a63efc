import { transform } from 'receiptline';
import type { Receipt } from '@eco/till';
import { receiptMarkup, type ReceiptStyle } from './receipt-markup.js';

export interface PaperStyle extends ReceiptStyle {
  /** Characters in a line: 48 on paper of 80 mm, 32 on paper of 58 mm. */
  readonly width: number;
}

/** `multilingual`: the printer changes its code page within a text, so names of any European language are printed. */
const encoding = 'multilingual';

export function receiptText(receipt: Receipt, style: PaperStyle): string {
  return transform(receiptMarkup(receipt, style), { command: 'text', cpl: style.width, encoding });
}

/** It refers to no other file. receiptline's own style sheet would load a font from another host. */
export function receiptSvg(receipt: Receipt, style: PaperStyle): string {
  const svg = transform(receiptMarkup(receipt, style), { command: 'svg', cpl: style.width, encoding, spacing: true });
  return svg.replace(/<style.*?<\/style>/s, '');
}

export function receiptEscPos(receipt: Receipt, style: PaperStyle): Buffer {
  const commands = transform(receiptMarkup(receipt, style), { command: 'escpos', cpl: style.width, encoding });
  return Buffer.from(commands, 'latin1');
}
