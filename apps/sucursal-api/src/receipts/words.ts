/** Words on receipts, in the languages of the chain's customers. */
export const receiptLanguages = ['es', 'en'] as const;
export type ReceiptLanguage = (typeof receiptLanguages)[number];

export interface ReceiptWords {
  readonly void: string;
  readonly copy: string;
  readonly 'back-order': string;
  /** Sentence on the slip of a back-order. */
  readonly promisesNothing: string;
  readonly receipt: string;
  readonly order: string;
  readonly branch: string;
  readonly till: string;
  readonly tax: string;
  readonly taxOf: string;
  readonly sum: string;
  readonly rounding: string;
  readonly total: string;
  readonly cash: string;
  readonly card: string;
  readonly change: string;
}

export const receiptWords: Readonly<Record<ReceiptLanguage, ReceiptWords>> = {
  es: {
    void: 'CANCELADO',
    copy: 'COPIA',
    'back-order': 'PEDIDO PENDIENTE',
    promisesNothing: 'Este pedido no garantiza existencias. La central lo confirma o lo rechaza.',
    receipt: 'Ticket',
    order: 'Pedido',
    branch: 'Sucursal',
    till: 'Caja',
    tax: 'IVA',
    taxOf: 'de',
    sum: 'Suma',
    rounding: 'Redondeo',
    total: 'TOTAL',
    cash: 'Efectivo',
    card: 'Tarjeta',
    change: 'Cambio',
  },
  en: {
    void: 'VOID',
    copy: 'COPY',
    'back-order': 'BACK-ORDER',
    promisesNothing: 'This order promises nothing. The head office confirms or rejects it.',
    receipt: 'Receipt',
    order: 'Order',
    branch: 'Branch',
    till: 'Till',
    tax: 'Tax',
    taxOf: 'of',
    sum: 'Sum',
    rounding: 'Rounding',
    total: 'TOTAL',
    cash: 'Cash',
    card: 'Card',
    change: 'Change',
  },
};
