/** Series of receipts, the first part of each receipt number. */
export const RECEIPT_SERIES = /^[A-Z0-9]{1,8}$/;
/** Parts of a receipt number. `number` counts from 1 without gaps for each combination of the other parts. */
export interface ReceiptNumber {
  readonly series: string;
  readonly branchId: string;
  readonly till: string;
  readonly incarnation: number;
  readonly number: number;
}

const FORM = /^([A-Z0-9]{1,8})-([A-Za-z0-9][A-Za-z0-9._-]{0,63})-([A-Za-z0-9]{1,16})-([1-9]\d{0,9})-([1-9]\d{0,14})$/;

/** Such as `A-sucursal-1-2-1-4711`: series A, branch sucursal-1, till 2, incarnation 1, receipt 4711. */
export function formatReceiptNumber({ series, branchId, till, incarnation, number }: ReceiptNumber): string {
  return [series, branchId, till, incarnation, number].join('-');
}

/** Undefined: the text is no receipt number. Of the parts only the id of a branch may have hyphens, so there is one reading. */
export function parseReceiptNumber(text: string): ReceiptNumber | undefined {
  const [, series, branchId, till, incarnation, number] = FORM.exec(text) ?? [];
  if (series === undefined || branchId === undefined || till === undefined) return undefined;
  return { series, branchId, till, incarnation: Number(incarnation), number: Number(number) };
}
