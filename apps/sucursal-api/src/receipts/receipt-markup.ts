import type { Receipt } from '@eco/till';
import { receiptWords, type ReceiptLanguage } from './words.js';

export interface ReceiptStyle {
  /** Name, address and tax number of the shop, one entry for each line. */
  readonly header: readonly string[];
  readonly language: ReceiptLanguage;
  readonly timeZone: string;
}

/** The characters that mean something in receiptline's markup. */
const SPECIAL = /[\\|{}\-=~_"`^]/g;

/**
 * A text that receiptline prints as it is, so that a name can't add lines, commands or bar codes. receiptline
 * normalizes its whole input, and a normalized text may have special characters that the text did not have (U+1FEF
 * becomes a grave accent). So the text is normalized first.
 */
export function plainText(text: string): string {
  return text
    .normalize()
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(SPECIAL, String.raw`\$&`);
}

/** The receipt in receiptline's markup. https://github.com/receiptline/receiptline */
export function receiptMarkup(receipt: Receipt, { header, language, timeZone }: ReceiptStyle): string {
  const words = receiptWords[language];
  const { payment, marks, totalCents } = receipt;
  const isOrder = marks.includes('back-order');
  const lines = receipt.lines.flatMap(({ name, quantity, unitPriceCents, totalCents: ofLine }) => [
    left(name),
    pair(`  ${quantity} x ${money(unitPriceCents)}`, money(ofLine)),
  ]);
  const taxes = receipt.taxes.map(({ taxBasisPoints, taxCents, totalCents: ofRate }) =>
    pair(`${words.tax} ${percent(taxBasisPoints)} % ${words.taxOf} ${money(ofRate)}`, money(taxCents)),
  );
  return [
    ...header.map((text, index) => (index === 0 ? `^${plainText(text)}` : plainText(text))),
    '',
    ...marks.map((mark) => `\`~${plainText(words[mark])}~`),
    left(`${isOrder ? words.order : words.receipt} ${receipt.number}`),
    left(
      receipt.till === null
        ? `${words.branch} ${receipt.branchId}`
        : `${words.branch} ${receipt.branchId}, ${words.till} ${receipt.till}`,
    ),
    left(localTime(receipt.soldAt, timeZone)),
    '-',
    ...lines,
    '-',
    ...(payment === null || payment.roundingCents === 0
      ? []
      : [pair(words.sum, money(totalCents)), pair(words.rounding, money(payment.roundingCents))]),
    total(words.total, money(totalCents + (payment?.roundingCents ?? 0))),
    ...taxes,
    ...(payment === null ? ['-', plainText(words.promisesNothing)] : paid(payment, words)),
  ].join('\n');
}

function paid(
  { cashCents, cardCents, changeCents }: NonNullable<Receipt['payment']>,
  words: { readonly cash: string; readonly card: string; readonly change: string },
): string[] {
  return [
    '-',
    ...(cardCents === 0 ? [] : [pair(words.card, money(cardCents))]),
    ...(cashCents + changeCents === 0 ? [] : [pair(words.cash, money(cashCents + changeCents))]),
    ...(changeCents === 0 ? [] : [pair(words.change, money(changeCents))]),
  ];
}

/** receiptline takes the place of a text from the spaces next to it, and `~` for a space that is printed. */
const left = (text: string) => `|${kept(text)} |`;
const pair = (text: string, value: string) => `|${kept(text)} | ${plainText(value)}|`;
const total = (text: string, value: string) => `|^"${plainText(text)} | ^"${plainText(value)}|`;
const kept = (text: string) => plainText(text).replace(/^ +/, (spaces) => '~'.repeat(spaces.length));

const amount = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const money = (cents: number) => amount.format(cents / 100);
const percent = (basisPoints: number) => String(basisPoints / 100);

/** Such as 2026-11-29 18:05:00. */
function localTime(instant: string, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(
    new Date(instant),
  );
}
